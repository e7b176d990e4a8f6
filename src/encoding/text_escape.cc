// SPDX-License-Identifier: Apache-2.0
#include "text_escape.h"

#include <algorithm>

#include "copy_text.h"
#include "core/utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

enum class Place : std::uint8_t { label_value, help, open_metrics_help };

template <Place place>
void append_escaped(ByteBuffer& out, std::string_view text) {
  // No byte becomes more than three: a stray one turns into U+FFFD.
  char* end = out.prepare(3 * text.size());
  while (!text.empty()) {
    const char c = text.front();
    std::size_t taken = 1;
    if (c == '\\') {
      end = copy_text(end, "\\\\");
    } else if (c == '\n') {
      end = copy_text(end, "\\n");
    } else if (place != Place::help && c == '"') {
      end = copy_text(end, "\\\"");
    } else if (place != Place::label_value && c == '\0') {
      end = copy_text(end, replacement_character);
    } else if (static_cast<unsigned char>(c) < 0x80) {
      *end++ = c;
    } else {
      const Utf8Step step = utf8_step(text);
      end = copy_text(end, repaired_front(text, step));
      taken = step.length;
    }
    text.remove_prefix(taken);
  }
  out.commit(end);
}

}  // namespace

void append_label_value(ByteBuffer& out, std::string_view value) { append_escaped<Place::label_value>(out, value); }

void append_help(ByteBuffer& out, std::string_view help) { append_escaped<Place::help>(out, help); }

void append_open_metrics_help(ByteBuffer& out, std::string_view help) {
  append_escaped<Place::open_metrics_help>(out, help);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
