// SPDX-License-Identifier: Apache-2.0
//
// Distribution, FloatDistribution: observations counted into exponential buckets of a stated relative error. For code
// that records.
#pragma once

#include "fast_telemetry/detail/exponential_index.h"
#include "fast_telemetry/detail/extremum_key.h"
#include "fast_telemetry/histogram.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// What a Distribution tells apart: whole numbers, or durations. It decides the memory: at scale s, 2^s buckets for
/// each doubling from the lowest to the highest value.
class Range {
 public:
  /// `{1, 1'000'000}`: whole numbers, in the unit its Info says.
  constexpr Range(std::uint64_t lowest, std::uint64_t highest) noexcept : lowest_{lowest}, highest_{highest} {}

  /// `{1us, 10s}`: durations, exported in seconds.
  template <Duration Low, Duration High>
  constexpr Range(Low lowest, High highest) noexcept
      : lowest_{detail::nanoseconds(lowest)}, highest_{detail::nanoseconds(highest)}, time_{true} {}

  [[nodiscard]] constexpr std::uint64_t lowest() const noexcept { return lowest_; }
  [[nodiscard]] constexpr std::uint64_t highest() const noexcept { return highest_; }
  [[nodiscard]] constexpr bool is_time() const noexcept { return time_; }

  /// From 100 ns to an hour: 36 doublings, 2.3 KB a CPU at scale 3.
  static constexpr Range latency() noexcept {
    Range range{100, 3'600'000'000'000};
    range.time_ = true;
    return range;
  }

 private:
  std::uint64_t lowest_;
  std::uint64_t highest_;
  bool time_ = false;
};

struct DistributionOptions {
  /// 0 … 6: neighbouring bounds are a factor of 2^(2^-scale) apart, so a value told from its bucket is off by
  /// 41, 19, 9.1, 4.4, 2.2, 1.1 or 0.54 % at most (quantile.h).
  unsigned scale = 3;
  /// Keep the true minimum and maximum of each reader's window (cumulative readers: of all time). Some 2 ns a record.
  bool extrema = false;
};

/// What a FloatDistribution tells apart: positive, finite doubles.
struct FloatRange {
  double lowest;
  double highest;
};

namespace detail {

/// What records in a distribution's cells: Value is std::uint64_t or double, as the sum is.
template <class Value>
class DistributionPoint {
 public:
  DistributionPoint(Site& site, const ExponentialTable* table, std::size_t index) noexcept
      : site_{&site},
        table_{table},
        offset_{table == nullptr ? 0 : index * distribution_cells(*table) * sizeof(std::uint64_t)} {}

  /// `n` times the value; `exported` is it in the exported unit. Returns the offset of the bucket's cell.
  [[gnu::always_inline]] std::size_t record(Value value, double exported, std::uint64_t n) const noexcept {
    const std::size_t sum = offset_ + table_->sum_cell() * sizeof(std::uint64_t);
    // The sum first: its address is known at once, and the way to the bucket overlaps it.
    add_part(*site_, sum, value * static_cast<Value>(n));
    const std::size_t cell = offset_ + distribution_cell(*table_, exported) * sizeof(std::uint64_t);
    add(*site_, cell, n);
    if (!table_->extrema || n == 0) return cell;
    keep_greater_part(*site_, sum + 1 * sizeof(std::uint64_t), extremum_key<Value, Extremum::min>(value));
    keep_greater_part(*site_, sum + 2 * sizeof(std::uint64_t), extremum_key<Value, Extremum::max>(value));
    return cell;
  }

  /// Offers the value that was counted in the cell.
  [[gnu::always_inline]] void offer(std::size_t cell, const TraceRef& trace, Value value) const noexcept {
    if (cell != no_cell) offer_exemplar(*site_, cell, trace, value, table_->divisor);
  }

  [[nodiscard]] const ExponentialTable* table() const noexcept { return table_; }
  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] double sum() const noexcept;

 private:
  Site* site_;
  const ExponentialTable* table_;
  std::size_t offset_;
};

}  // namespace detail

/// Observations that are whole numbers or durations, in buckets whose width is in proportion to the value: OTLP's
/// base-2 exponential histogram, with upper bounds inclusive and exact, powers of two among them.
///
/// `record` is two adds on the calling CPU's own cache lines (bench/micro/record_bench.cc) and safe wherever
/// Counter::add is. Durations are kept as whole nanoseconds and exported in seconds. Memory: 8 bytes per bucket and CPU
/// that records, in pages of 4 KiB that all metrics share.
///
/// Limits: what is not above the range counts as zero, with the bound said (ExponentialPoint::zero_threshold); what is
/// above it counts in the highest bucket. The sum is of the values as they were and wraps at 2^64. Negative values
/// count as 0.
class Distribution {
 public:
  /// One distribution among the points of a labelled metric. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    /// Adds one observation: a duration (whole nanoseconds are kept) or an integer in the unit of the range.
    template <class T>
      requires Duration<T> || detail::Integer<T>
    [[gnu::always_inline]] void record(T value) const noexcept {
      static_cast<void>(observe(detail::raw_value(value), 1));
    }
    /// Adds `n` observations of one value at the cost of one: for what is done in batches.
    /// None if `n` is 0. If they are dropped, that is one dropped record (storage_info.h).
    template <class T>
      requires Duration<T> || detail::Integer<T>
    [[gnu::always_inline]] void record_n(T value, std::uint64_t n) const noexcept {
      static_cast<void>(observe(detail::raw_value(value), n));
    }
    /// Adds one observation and offers it as its bucket's exemplar (trace_ref.h).
    template <class T>
      requires Duration<T> || detail::Integer<T>
    [[gnu::always_inline]] void record(T value, const TraceRef& trace) const noexcept {
      const std::uint64_t raw = detail::raw_value(value);
      cells_.offer(observe(raw, 1), trace, raw);
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return cells_.count(); }
    /// The sum of all observations, in the exported unit: seconds where durations are recorded.
    [[nodiscard]] double sum() const noexcept { return cells_.sum(); }

   private:
    friend class Distribution;
    explicit Point(const detail::DistributionPoint<std::uint64_t>& cells) noexcept : cells_{cells} {}

    /// The offset of the bucket's cell.
    [[gnu::always_inline]] std::size_t observe(std::uint64_t raw, std::uint64_t n) const noexcept {
      if (cells_.table() == nullptr) [[unlikely]] {
        detail::count_drop(detail::Drop::no_metric);
        return detail::no_cell;
      }
      return cells_.record(raw, detail::rounded_to_odd(raw) * cells_.table()->factor, n);
    }

    detail::DistributionPoint<std::uint64_t> cells_;
  };

  /// An unregistered distribution.
  explicit Distribution(Range range, DistributionOptions options = {})
      : registration_{nullptr, nullptr, declare(range, options)} {}

  /// Registers a distribution. A range of durations makes its unit seconds; any other unit is then refused.
  /// Throws std::invalid_argument for a range that is empty or begins at 0, for a scale above 6, and when the registry
  /// refuses the name or labels.
  Distribution(const Scope& scope, const Info& info, Range range, DistributionOptions options = {})
      : registration_{&scope, &info, declare(range, options)} {}

  template <class T>
    requires Duration<T> || detail::Integer<T>
  [[gnu::always_inline]] void record(T value) noexcept {
    point(registration_, 0).record(value);
  }
  /// Adds `n` observations of one value at the cost of one: for what is done in batches.
  template <class T>
    requires Duration<T> || detail::Integer<T>
  [[gnu::always_inline]] void record_n(T value, std::uint64_t n) noexcept {
    point(registration_, 0).record_n(value, n);
  }
  /// Adds one observation and offers it as its bucket's exemplar (trace_ref.h).
  template <class T>
    requires Duration<T> || detail::Integer<T>
  [[gnu::always_inline]] void record(T value, const TraceRef& trace) noexcept {
    point(registration_, 0).record(value, trace);
  }

  /// The distribution as a point, like those of a labelled one: cheap to copy; valid as long as the distribution is.
  [[nodiscard]] Point point() noexcept { return point(registration_, 0); }

  [[nodiscard]] std::uint64_t count() const noexcept { return point(registration_, 0).count(); }
  /// The sum of all observations, in the exported unit: seconds where durations are recorded.
  [[nodiscard]] double sum() const noexcept { return point(registration_, 0).sum(); }

  static detail::Declaration declare(Range range, DistributionOptions options = {});
  static Point point(detail::Site& site, const detail::Registration& shape) noexcept {
    return Point{{site, shape.exponential(), 0}};
  }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return Point{{registration.site, registration.exponential(), index}};
  }

 private:
  mutable detail::Registration registration_;
};

/// Observations that are doubles. As Distribution, with doubles for integers; a little slower, since the sum is a
/// dependent load, add and store. What is negative, infinite or no number is a counted drop.
class FloatDistribution {
 public:
  /// One distribution among the points of a labelled metric. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    [[gnu::always_inline]] void record(double value) const noexcept { static_cast<void>(observe(value, 1)); }
    /// Adds `n` observations of one value at the cost of one: for what is done in batches.
    [[gnu::always_inline]] void record_n(double value, std::uint64_t n) const noexcept {
      static_cast<void>(observe(value, n));
    }
    /// Adds one observation and offers it as its bucket's exemplar (trace_ref.h).
    [[gnu::always_inline]] void record(double value, const TraceRef& trace) const noexcept {
      cells_.offer(observe(value, 1), trace, value);
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return cells_.count(); }
    [[nodiscard]] double sum() const noexcept { return cells_.sum(); }

   private:
    friend class FloatDistribution;
    explicit Point(const detail::DistributionPoint<double>& cells) noexcept : cells_{cells} {}

    /// The offset of the bucket's cell.
    [[gnu::always_inline]] std::size_t observe(double value, std::uint64_t n) const noexcept {
      // One comparison for all values that are refused: nothing compares with NaN.
      if (cells_.table() == nullptr || !(value >= 0 && value <= __DBL_MAX__)) [[unlikely]] {
        detail::count_drop(cells_.table() == nullptr ? detail::Drop::no_metric
                           : value < 0               ? detail::Drop::negative
                                                     : detail::Drop::not_finite);
        return detail::no_cell;
      }
      return cells_.record(value, value, n);
    }

    detail::DistributionPoint<double> cells_;
  };

  explicit FloatDistribution(FloatRange range, DistributionOptions options = {})
      : registration_{nullptr, nullptr, declare(range, options)} {}

  /// Registers a distribution of doubles. Throws as Distribution's constructor does; std::length_error when the buckets
  /// do not fit one run (32 752 cells).
  FloatDistribution(const Scope& scope, const Info& info, FloatRange range, DistributionOptions options = {})
      : registration_{&scope, &info, declare(range, options)} {}

  [[gnu::always_inline]] void record(double value) noexcept { point(registration_, 0).record(value); }
  /// Adds `n` observations of one value at the cost of one: for what is done in batches.
  [[gnu::always_inline]] void record_n(double value, std::uint64_t n) noexcept {
    point(registration_, 0).record_n(value, n);
  }
  /// Adds one observation and offers it as its bucket's exemplar (trace_ref.h).
  [[gnu::always_inline]] void record(double value, const TraceRef& trace) noexcept {
    point(registration_, 0).record(value, trace);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return point(registration_, 0).count(); }
  [[nodiscard]] double sum() const noexcept { return point(registration_, 0).sum(); }

  static detail::Declaration declare(FloatRange range, DistributionOptions options = {});
  static Point point(detail::Site& site, const detail::Registration& shape) noexcept {
    return Point{{site, shape.exponential(), 0}};
  }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return Point{{registration.site, registration.exponential(), index}};
  }

 private:
  mutable detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
