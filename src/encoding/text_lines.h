// SPDX-License-Identifier: Apache-2.0
//
// TextLines: how lines of samples are rendered, kept and written, in either Prometheus text format. Inline: most lines
// of a scrape are a copied text and a number.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/visitor.h"
#include "line_cache.h"
#include "power_bounds.h"
#include "text_escape.h"
#include "text_integer.h"
#include "text_number.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

inline constexpr std::size_t copy_step = 32;

// In steps, and the last one ends where the text does: half the time of a memcpy whose length is only known here.
inline void copy_at_least_a_step(char* out, const char* from, std::size_t size) noexcept {
  for (std::size_t i = 0; i + copy_step < size; i += copy_step) std::memcpy(out + i, from + i, copy_step);
  std::memcpy(out + size - copy_step, from + size - copy_step, copy_step);
}

/// A series' block when it has several lines: each with its length before it.
class LineReader {
 public:
  explicit LineReader(const char* block) noexcept : next_{block} {}

  std::string_view next() noexcept {
    std::uint32_t size = 0;
    std::memcpy(&size, next_, sizeof size);
    const std::string_view line{next_ + sizeof size, size};
    next_ += sizeof size + size;
    return line;
  }

 private:
  const char* next_;
};

/// What an encoder of either format works with between two calls.
struct TextLines {
  ByteBuffer& out;
  LineCache cache = {};
  std::string family_name = {};         // as given
  std::string sample_name = {};         // with the kind's suffix
  std::vector<PowerBound> bounds = {};  // of the exponential histogram under way

  explicit TextLines(ByteBuffer& buffer) : out{buffer} {}

  // ---- rendering what is kept ----

  /// All but the one that `append_open_labels` adds: a label twice fails the whole scrape.
  void append_labels(const Series& series, std::string_view but = {}) {
    ByteBuffer& arena = cache.arena();
    char separator = '{';
    for (const Label& label : series.labels) {
      if (label.value.empty()) continue;  // "absent": a series with it would collide with the one without
      if (view(label.key) == but) continue;
      arena.append({&separator, 1});
      arena.append(view(label.key));
      arena.append("=\"");
      append_label_value(arena, view(label.value));
      arena.append("\"");
      separator = ',';
    }
    if (separator == ',') arena.append("}");
  }

  /// `name{labels,key="` … left open for a value of the encoder's own, which follows the user's labels.
  void append_open_labels(const Series& series, std::string_view key) {
    ByteBuffer& arena = cache.arena();
    const std::size_t before = arena.size();
    append_labels(series, key);
    if (arena.size() == before) {
      arena.append("{");
    } else {
      arena.truncate(arena.size() - 1);
      arena.append(",");
    }
    arena.append(key);
    arena.append("=\"");
  }

  template <class Append>
  void append_line(Append append) {
    ByteBuffer& arena = cache.arena();
    const std::size_t begin = arena.size();
    arena.append({"????", sizeof(std::uint32_t)});
    append();
    const auto size = static_cast<std::uint32_t>(arena.size() - begin - sizeof(std::uint32_t));
    std::memcpy(arena.data() + begin, &size, sizeof size);
  }

  void append_line(const Series& series, std::string_view suffix) {
    append_line([&] {
      cache.arena().append(family_name);
      cache.arena().append(suffix);
      append_labels(series);
      cache.arena().append(" ");
    });
  }

  // ---- writing a point ----

  template <class Value>
  void write_line(std::string_view beginning, Value value) {
    out.append(beginning);
    write_value(out.prepare(longest_number), value);
  }

  void write_line(std::string_view beginning, std::uint64_t value) {
    static_assert(copy_step >= room_before_integer);
    if (beginning.size() < copy_step) [[unlikely]] {
      write_line<std::uint64_t>(beginning, value);
      return;
    }
    char* const begin = out.prepare(beginning.size() + longest_number);
    // The number first: it may spoil what is before it.
    char* end = write_number_over(begin + beginning.size(), value);
    copy_at_least_a_step(begin, beginning.data(), beginning.size());
    *end++ = '\n';
    out.commit(end);
  }

  template <class Value>
  void write_value(char* end, Value value) {
    end = detail::write_number(end, value);
    *end++ = '\n';
    out.commit(end);
  }

  /// Ends a line whose last label value is still open.
  template <class Value>
  void close_line(Value value) {
    out.append("\"} ");
    write_value(out.prepare(longest_number), value);
  }

  template <class Value>
  void write_number(const Series& series, Value value) {
    const auto render = [&] {
      cache.arena().append(sample_name);
      append_labels(series);
      cache.arena().append(" ");
    };
    write_line(cache.block(series.id, render), value);
  }

  /// A line per state, with the family's name as the key.
  void write_state_set(const Series& series, std::span<const State> states) {
    const std::string_view beginning = cache.block(series.id, [&] {
      cache.arena().append(sample_name);
      append_open_labels(series, family_name);
    });
    for (const State& state : states) {
      out.append(beginning);
      append_label_value(out, state.name);
      close_line(std::uint64_t{state.enabled});
    }
  }
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
