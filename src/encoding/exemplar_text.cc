// SPDX-License-Identifier: Apache-2.0
#include "exemplar_text.h"

#include <algorithm>

#include "core/utf8.h"
#include "text_escape.h"
#include "text_number.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::size_t most_code_points = 128;  // OpenMetrics 1.0, "Exemplars"
constexpr std::string_view trace_id = "trace_id";
constexpr std::string_view span_id = "span_id";

std::size_t code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(utf8_step(text).length);
  return count;
}

bool is_label_name(std::string_view key) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto word = [&](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || digit(c); };
  // An underscore first is reserved ("Label names").
  return !key.empty() && std::all_of(key.begin(), key.end(), word) && !digit(key.front()) && key.front() != '_';
}

/// Writes labels and counts what they have of the code points that there may be.
class ExemplarLabels {
 public:
  explicit ExemplarLabels(ByteBuffer& out) : out_{out} { out_.append(" # {"); }

  void id(std::string_view key, std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    open(key);
    char* digit = out_.prepare(2 * bytes.size());
    for (const std::byte byte : bytes) {
      *digit++ = "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
      *digit++ = "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
    }
    out_.commit(digit);
    out_.append("\"");
    code_points_ += key.size() + 2 * bytes.size();
  }

  void label(const Label& label) {
    open(view(label.key));
    append_label_value(out_, view(label.value));
    out_.append("\"");
    code_points_ += label.key.size() + code_points(view(label.value));
  }

  [[nodiscard]] bool fit() const noexcept { return code_points_ <= most_code_points; }

 private:
  void open(std::string_view key) {
    if (code_points_ != 0) out_.append(",");
    out_.append(key);
    out_.append("=\"");
  }

  ByteBuffer& out_;
  std::size_t code_points_ = 0;
};

/// Whether the label at `i` can be written: few labels, so the ones before it are simply looked through.
bool is_shown(std::span<const Label> labels, std::size_t i) noexcept {
  const std::string_view key = view(labels[i].key);
  return !labels[i].value.empty() && is_label_name(key) && key != trace_id && key != span_id &&
         std::none_of(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(i),
                      [&](const Label& before) { return view(before.key) == key && !before.value.empty(); });
}

}  // namespace

void append_exemplar(ByteBuffer& out, const Exemplar& exemplar) {
  const std::size_t begin = out.size();
  ExemplarLabels labels{out};
  labels.id(trace_id, exemplar.trace_id);
  labels.id(span_id, exemplar.span_id);
  if (!labels.fit()) {
    out.truncate(begin);
    return;
  }
  const std::size_t after_ids = out.size();
  for (std::size_t i = 0; i < exemplar.labels.size() && labels.fit(); ++i) {
    if (is_shown(exemplar.labels, i)) labels.label(exemplar.labels[i]);
  }
  if (!labels.fit()) out.truncate(after_ids);

  out.append("} ");
  out.commit(write_number(out.prepare(longest_number), exemplar.value));
  if (exemplar.time_unix_ns > 0) {
    out.append(" ");
    out.commit(write_seconds(out.prepare(longest_number), exemplar.time_unix_ns));
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
