// SPDX-License-Identifier: Apache-2.0
#include "utf8_text.h"

#include "core/utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

void Utf8Text::look_closer() noexcept {
  size_ = ascii_;
  for (std::string_view rest = text_.substr(ascii_); !rest.empty();) {
    const Utf8Step step = utf8_step(rest);
    size_ += repaired_front(rest, step).size();
    is_well_formed_ = is_well_formed_ && step.well_formed;
    rest.remove_prefix(step.length);
  }
}

std::string_view Utf8Text::repaired(ByteBuffer& scratch) const {
  scratch.clear();
  scratch.reserve(size_);
  scratch.append_unchecked(text_.substr(0, ascii_));
  for (std::string_view rest = text_.substr(ascii_); !rest.empty();) {
    const Utf8Step step = utf8_step(rest);
    scratch.append_unchecked(repaired_front(rest, step));
    rest.remove_prefix(step.length);
  }
  return scratch.view();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
