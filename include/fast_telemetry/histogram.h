// SPDX-License-Identifier: Apache-2.0
//
// Histogram, FloatHistogram: observations counted into buckets with explicit upper bounds. For code that records.
#pragma once

#include <initializer_list>

#include "fast_telemetry/detail/bucket_index.h"
#include "fast_telemetry/detail/exemplar.h"
#include "fast_telemetry/detail/percpu.h"
#include "fast_telemetry/detail/registration.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Any std::chrono::duration, without the cost of <chrono>.
template <class T>
concept Duration = requires(T t) {
  typename T::rep;
  t.count();
  T::period::num;
  T::period::den;
};

namespace detail {

/// Whole nanoseconds, rounded towards zero. Negative durations are 0; what does not fit is the largest value.
template <Duration D>
constexpr std::uint64_t nanoseconds(D duration) noexcept {
  constexpr std::intmax_t ns = 1'000'000'000;
  const auto count = duration.count();
  if (!(count > 0)) return 0;
  if constexpr (static_cast<typename D::rep>(1) / 2 != 0) {
    const double value = static_cast<double>(count) * static_cast<double>(D::period::num) *
                         (static_cast<double>(ns) / static_cast<double>(D::period::den));
    return value < 18446744073709549568.0 ? static_cast<std::uint64_t>(value) : ~std::uint64_t{0};
  } else {
    __extension__ using Wide = unsigned __int128;
    constexpr Wide factor = static_cast<Wide>(D::period::num) * ns;
    if constexpr (ns % D::period::den == 0 && factor / D::period::den >> 64 == 0) {
      std::uint64_t value = 0;
      constexpr auto unit = static_cast<std::uint64_t>(factor / D::period::den);
      return __builtin_mul_overflow(static_cast<std::uint64_t>(count), unit, &value) ? ~std::uint64_t{0} : value;
    } else {
      // Finer than a nanosecond, an odd period, or one that alone exceeds 64 bits.
      Wide value = 0;
      const bool overflow = __builtin_mul_overflow(static_cast<Wide>(count), factor, &value);
      value /= D::period::den;
      return overflow || value >> 64 != 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(value);
    }
  }
}

// Not std::integral: <concepts> would be half of this header's cost.
template <class T>
concept Integer = !Duration<T> && !__is_same(T, bool) && requires(T t) { t % 1; };

/// An observation as it is kept: nanoseconds of a duration, integers as they are, 0 for what is negative.
template <class T>
constexpr std::uint64_t raw_value(T value) noexcept {
  if constexpr (Duration<T>) {
    return nanoseconds(value);
  } else {
    if constexpr (static_cast<T>(-1) < static_cast<T>(1)) {
      if (value < 0) return 0;
    }
    return static_cast<std::uint64_t>(value);
  }
}

}  // namespace detail

/// Upper bounds of a Histogram: integers, or durations. Inclusive; ascending; at least one; the bucket above the last
/// is added. Borrowed: registration copies.
class Bounds {
 public:
  /// `{64, 256, 1024}`: a histogram of integers, in the unit its Info says.
  constexpr Bounds(std::initializer_list<std::uint64_t> bounds) noexcept  // NOLINT(google-explicit-constructor)
      : data_{bounds.begin()}, size_{bounds.size()} {}
  constexpr Bounds(const std::uint64_t* data, std::size_t size) noexcept : data_{data}, size_{size} {}

  /// Nanoseconds: a histogram of durations, exported in seconds.
  static constexpr Bounds nanoseconds(const std::uint64_t* data, std::size_t size) noexcept {
    Bounds bounds{data, size};
    bounds.time_ = true;
    return bounds;
  }

  [[nodiscard]] constexpr const std::uint64_t* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool is_time() const noexcept { return time_; }

 private:
  const std::uint64_t* data_;
  std::size_t size_;
  bool time_ = false;
};

/// Upper bounds of a FloatHistogram: finite doubles, ascending, inclusive. Borrowed: registration copies.
class FloatBounds {
 public:
  constexpr FloatBounds(std::initializer_list<double> bounds) noexcept  // NOLINT(google-explicit-constructor)
      : data_{bounds.begin()}, size_{bounds.size()} {}
  constexpr FloatBounds(const double* data, std::size_t size) noexcept : data_{data}, size_{size} {}

  [[nodiscard]] constexpr const double* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  const double* data_;
  std::size_t size_;
};

namespace buckets {

/// Bounds made of durations: `ft::buckets::durations(100us, 1ms, 10ms)`.
template <std::size_t count>
struct DurationBounds {
  std::uint64_t ns[count];
  constexpr operator Bounds() const noexcept {  // NOLINT(google-explicit-constructor): an argument of Histogram
    return Bounds::nanoseconds(ns, count);
  }
};

template <Duration... Ds>
constexpr DurationBounds<sizeof...(Ds)> durations(Ds... bounds) noexcept {
  return {{detail::nanoseconds(bounds)...}};
}

/// 10 µs to 10 s in steps of 1 and 5: requests of services. 13 bounds.
inline constexpr DurationBounds<13> latency{{10'000, 50'000, 100'000, 500'000, 1'000'000, 5'000'000, 10'000'000,
                                             50'000'000, 100'000'000, 500'000'000, 1'000'000'000, 5'000'000'000,
                                             10'000'000'000}};

/// 1 µs to 1 s in steps of 1, 2 and 5: work inside one machine (caches, local sockets, queues). 19 bounds.
inline constexpr DurationBounds<19> fast_latency{{1'000, 2'000, 5'000, 10'000, 20'000, 50'000, 100'000, 200'000,
                                                  500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000, 20'000'000,
                                                  50'000'000, 100'000'000, 200'000'000, 500'000'000, 1'000'000'000}};

}  // namespace buckets

/// Observations that are whole numbers or durations, counted into buckets.
///
/// `record` is two adds on the calling CPU's own cache lines (about 3 ns with 13 bounds, bench/micro/record_bench.cc)
/// and safe wherever Counter::add is. Durations are kept as whole nanoseconds and exported in seconds. A value equal to
/// a bound falls in that bound's bucket. Negative values count as 0. The sum wraps at 2^64 (584 years of nanoseconds).
class Histogram {
 public:
  /// One histogram among the points of a labelled metric. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    /// Adds one observation: a duration (whole nanoseconds are kept) or an integer in the unit of the bounds.
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
      const std::size_t cell = observe(raw, 1);
      if (cell != detail::no_cell) detail::offer_exemplar(*site_, cell, trace, raw, table_->divisor);
    }
    [[nodiscard]] std::uint64_t count() const noexcept;
    /// The sum of all observations, in the exported unit.
    [[nodiscard]] double sum() const noexcept;

   private:
    friend class Histogram;
    Point(detail::Site& site, const detail::BucketTable* table, std::size_t index) noexcept
        : site_{&site},
          table_{table},
          offset_{table == nullptr ? 0 : index * (table->count + 2) * sizeof(std::uint64_t)} {}

    /// The offset of the bucket's cell.
    [[gnu::always_inline]] std::size_t observe(std::uint64_t value, std::uint64_t n) const noexcept {
      if (table_ == nullptr) [[unlikely]] {
        detail::count_drop(detail::Drop::no_metric);
        return detail::no_cell;
      }
      // The sum first: its address is known at once, and the search for the bucket overlaps it.
      detail::add_part(*site_, offset_ + (table_->count + 1) * sizeof(std::uint64_t), value * n);
      const std::size_t cell = offset_ + detail::bucket_index(*table_, value) * sizeof(std::uint64_t);
      detail::add(*site_, cell, n);
      return cell;
    }

    detail::Site* site_;
    const detail::BucketTable* table_;
    std::size_t offset_;
  };

  /// An unregistered histogram.
  explicit Histogram(const Bounds& bounds) : registration_{nullptr, nullptr, declare(bounds)} {}

  /// Registers a histogram. Bounds that are durations make its unit seconds; any other unit is then refused.
  /// Throws std::invalid_argument for bounds that are empty, unsorted or repeated, and when the registry refuses the
  /// name or labels; std::length_error when the buckets do not fit one run (32 752 cells).
  Histogram(const Scope& scope, const Info& info, const Bounds& bounds)
      : registration_{&scope, &info, declare(bounds)} {}

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

  /// The histogram as a point, like those of a labelled one: cheap to copy; valid as long as the histogram is.
  [[nodiscard]] Point point() noexcept { return self(); }

  [[nodiscard]] std::uint64_t count() const noexcept { return self().count(); }
  /// The sum of all observations, in the exported unit: seconds where durations are recorded.
  [[nodiscard]] double sum() const noexcept { return self().sum(); }

  static detail::Declaration declare(const Bounds& bounds);
  static Point point(detail::Site& site, const detail::Registration& shape) noexcept {
    return {site, shape.buckets(), 0};
  }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, registration.buckets(), index};
  }

 private:
  [[nodiscard]] Point self() const noexcept { return point(registration_, 0); }

  mutable detail::Registration registration_;
};

/// Observations that are doubles. As Histogram, with doubles for integers; a little slower, since the sum is a
/// dependent load, add and store. NaN and infinities are counted drops. Negative bounds and values are legal. A sum
/// that has left the range of doubles is reported as the largest double of its sign from then on, and as 0 once it has
/// left it on both sides.
class FloatHistogram {
 public:
  class Point {
   public:
    [[gnu::always_inline]] void record(double value) const noexcept { static_cast<void>(observe(value, 1)); }
    /// Adds `n` observations of one value at the cost of one: for what is done in batches.
    [[gnu::always_inline]] void record_n(double value, std::uint64_t n) const noexcept {
      static_cast<void>(observe(value, n));
    }
    /// Adds one observation and offers it as its bucket's exemplar (trace_ref.h).
    [[gnu::always_inline]] void record(double value, const TraceRef& trace) const noexcept {
      const std::size_t cell = observe(value, 1);
      if (cell != detail::no_cell) detail::offer_exemplar(*site_, cell, trace, value);
    }
    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] double sum() const noexcept;

   private:
    friend class FloatHistogram;
    Point(detail::Site& site, const detail::BucketTable* table, std::size_t index) noexcept
        : site_{&site},
          table_{table},
          offset_{table == nullptr ? 0 : index * (table->count + 2) * sizeof(std::uint64_t)} {}

    /// The offset of the bucket's cell.
    [[gnu::always_inline]] std::size_t observe(double value, std::uint64_t n) const noexcept {
      if (table_ == nullptr || !(value - value == 0)) [[unlikely]] {
        detail::count_drop(table_ == nullptr ? detail::Drop::no_metric : detail::Drop::not_finite);
        return detail::no_cell;
      }
      // The sum first: its address is known at once, and the search for the bucket overlaps it.
      detail::add_part(*site_, offset_ + (table_->count + 1) * sizeof(std::uint64_t), value * static_cast<double>(n));
      const std::size_t cell = offset_ + detail::bucket_index(*table_, value) * sizeof(std::uint64_t);
      detail::add(*site_, cell, n);
      return cell;
    }

    detail::Site* site_;
    const detail::BucketTable* table_;
    std::size_t offset_;
  };

  explicit FloatHistogram(const FloatBounds& bounds) : registration_{nullptr, nullptr, declare(bounds)} {}

  /// Registers a histogram of doubles. Throws as Histogram's constructor does; a bound that is not finite is refused
  /// too.
  FloatHistogram(const Scope& scope, const Info& info, const FloatBounds& bounds)
      : registration_{&scope, &info, declare(bounds)} {}

  [[gnu::always_inline]] void record(double value) noexcept { point(registration_, 0).record(value); }
  /// Adds `n` observations of one value at the cost of one: for what is done in batches.
  [[gnu::always_inline]] void record_n(double value, std::uint64_t n) noexcept {
    point(registration_, 0).record_n(value, n);
  }
  /// Adds one observation and offers it as its bucket's exemplar (trace_ref.h).
  [[gnu::always_inline]] void record(double value, const TraceRef& trace) noexcept {
    point(registration_, 0).record(value, trace);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return self().count(); }
  [[nodiscard]] double sum() const noexcept { return self().sum(); }

  static detail::Declaration declare(const FloatBounds& bounds);
  static Point point(detail::Site& site, const detail::Registration& shape) noexcept {
    return {site, shape.buckets(), 0};
  }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, registration.buckets(), index};
  }

 private:
  [[nodiscard]] Point self() const noexcept { return point(registration_, 0); }

  mutable detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
