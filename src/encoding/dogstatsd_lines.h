// SPDX-License-Identifier: Apache-2.0
//
// DogStatsdLines: DogStatsD's lines, and the packets they go into.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bucket_values.h"
#include "copy_text.h"
#include "dogstatsd_text.h"
#include "fast_telemetry/encoding/dogstatsd.h"
#include "line_cache.h"
#include "text_integer.h"
#include "text_number.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What is kept of a series: its lines without what changes from one collection to the next.
struct LineEnds {
  std::string_view before;  ///< `name:`
  std::string_view after;   ///< `|c|#tags` and further fields
};

class DogStatsdLines {
 public:
  using Info = DogStatsdEncoder::Info;

  explicit DogStatsdLines(DogStatsdOptions options);

  void begin(const Collection& collection);
  void end();
  void family(const Family& family);

  [[nodiscard]] bool is_counter() const noexcept { return kind_ == Kind::counter; }

  void write_integer(const Series& series, std::uint64_t value) { write_whole(ends_of(series), {}, value); }

  /// A counter's increase: no line without one.
  void write_increase(const Series& series, std::uint64_t value) {
    const LineEnds ends = ends_of(series);  // also of a line that is not written: what is kept stays in order
    if (value != 0) write_whole(ends, {}, value);
  }

  void write_integer(const Series& series, std::int64_t value);
  void write_double(const Series& series, double value);
  void write_state_set(const Series& series, std::span<const State> states);
  void write_distribution(const Series& series, const HistogramPoint& point);
  void write_distribution(const Series& series, const ExponentialPoint& point);

  [[nodiscard]] std::size_t packet_count() const noexcept { return packet_ends_.size(); }
  [[nodiscard]] std::string_view packet(std::size_t index) const noexcept {
    const std::size_t begin = index == 0 ? 0 : packet_ends_[index - 1];
    return out_.view().substr(begin, packet_ends_[index] - begin);
  }
  [[nodiscard]] const Info& info() const noexcept { return info_; }

 private:
  [[nodiscard]] LineEnds ends_of(const Series& series) {
    std::size_t size = 0;
    const char* block = cache_.find(series.id, size);
    if (block == nullptr) [[unlikely]] {
      const std::string_view rendered = render(series);
      block = rendered.data();
      size = rendered.size();
    }
    std::uint32_t before = 0;
    std::memcpy(&before, block, sizeof before);
    block += sizeof before;
    return {{block, before}, {block + before, size - sizeof before - before}};
  }
  [[gnu::cold, gnu::noinline]] std::string_view render(const Series& series);
  void append_tags(ByteBuffer& arena, const Series& series) const;

  void write_whole(const LineEnds& ends, std::string_view sign, std::uint64_t value) {
    const std::size_t before = ends.before.size() + sign.size();
    char* const begin =
        out_.prepare(room_before_integer + before + room_for_integer + ends.after.size() + stamp_.size() + 1);
    // The number first: it may spoil what is before it, which is the line before where the name is short.
    char number[room_before_integer + room_for_integer];
    char* const number_begin = number + room_before_integer;
    const char* const number_end = write_number_over(number_begin, value);
    char* end = copy_text(begin, ends.before);
    end = copy_text(end, sign);
    std::memcpy(end, number_begin, room_for_integer);  // of fixed length; what is too much is written over
    end += number_end - number_begin;
    end = copy_text(end, ends.after);
    close_line(begin, copy_text(end, stamp_));
  }

  /// Ends a line and puts it into a packet: the last one, or a new one.
  void close_line(char* begin, char* end) {
    *end++ = '\n';
    const auto begin_at = static_cast<std::size_t>(begin - out_.data());
    out_.commit(end);
    if (out_.size() - packet_begin_ > options_.max_packet_bytes) [[unlikely]] {
      if (!begin_packet(begin_at)) return;
    }
    ++info_.lines;
  }
  [[gnu::noinline]] bool begin_packet(std::size_t line_begin);

  template <class ForEachBucket>
  void write_values(const Series& series, const ValueTotals& totals, ForEachBucket for_each_bucket);
  void write_value(const LineEnds& ends, double value, std::uint64_t count);
  void close_values(const LineEnds& ends);

  DogStatsdOptions options_;
  std::string fields_;  // after the tags of every line
  std::string stamp_;   // at the end of counters and gauges
  ByteBuffer out_;
  LineCache cache_;
  std::vector<std::size_t> packet_ends_;
  std::size_t packet_begin_ = 0;
  Info info_;

  // The family under way.
  Kind kind_ = Kind::gauge;
  std::string scope_;
  std::string name_;
  std::string full_name_;
  ByteBuffer values_;  // of a line of several, each with a colon behind it
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
