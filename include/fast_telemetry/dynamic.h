// SPDX-License-Identifier: Apache-2.0
//
// Dynamic<Metric>: a metric per combination of label values that are known at run time only. For code that records.
#pragma once

#include "fast_telemetry/detail/dynamic_registration.h"
#include "fast_telemetry/label.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct DynamicOptions {
  /// Label sets that have a series of their own at the same time. Records of further ones go to the overflow series.
  std::uint32_t max_series = 2000;
};

namespace detail {

template <class T>
concept TextLike = requires(const T& value) { Text{value}; };

template <class T>
concept WholeNumber =
    __is_same(T, signed char) || __is_same(T, unsigned char) || __is_same(T, short) || __is_same(T, unsigned short) ||
    __is_same(T, int) || __is_same(T, unsigned) || __is_same(T, long) || __is_same(T, unsigned long) ||
    __is_same(T, long long) || __is_same(T, unsigned long long);

/// A label's value as text, for the time of one call.
class LabelText {
 public:
  template <TextLike T>
  LabelText(const T& value) noexcept : text_{value} {}  // NOLINT(google-explicit-constructor)
  template <LabelEnum E>
  LabelText(E value) noexcept : text_{label(value).value} {
    if (text_.empty()) text_ = "invalid";  // no enumerator
  }  // NOLINT(google-explicit-constructor)
  template <WholeNumber T>
  LabelText(T value) noexcept : text_{digits_, 0} {  // NOLINT(google-explicit-constructor)
    const bool negative = value < 0;
    auto rest = static_cast<std::uint64_t>(value);
    if (negative) rest = 0 - rest;
    char* begin = digits_ + sizeof digits_;
    do {
      *--begin = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (negative) *--begin = '-';
    text_ = Text{begin, static_cast<std::size_t>(digits_ + sizeof digits_ - begin)};
  }
  LabelText(const LabelText&) = delete;
  LabelText& operator=(const LabelText&) = delete;

  [[nodiscard]] Text text() const noexcept { return text_; }

 private:
  Text text_;
  char digits_[20];  // of 2^64 - 1, or of -2^63
};

}  // namespace detail

/// One `Metric` for every combination of label values that occurs: per tenant, per endpoint, per key.
///
///     ft::Dynamic<ft::Counter, 2> requests{scope, {.name = "requests"}, {"tenant", "path"}};
///     requests.at(tenant, path).add();          // looked up in each call
///     auto handle = requests.with(tenant, path);  // looked up once
///     handle.add();
///
/// Values are text of any length and content, integers, or enums with labels; all formats escape them, and ill-formed
/// UTF-8 is repaired. An empty value means that the label is absent.
///
/// Looking up reads shared memory only and allocates nothing when the series exists; the first record of a series takes
/// a lock. Never waits for a collection. At most `max_series` label sets are live at a time: records of others go to
/// one series with the only label `otel_metric_overflow="true"` and are counted (overflow_count()).
///
/// Any thread. `at` and handles also in signal handlers while the series exists; the first use of a label set takes a
/// lock and allocates.
template <class Metric, std::size_t keys>
class Dynamic {
  static_assert(keys > 0, "name at least one label key");

 public:
  using Point = typename Metric::Point;

  /// A series for the time of one expression: `requests.at(tenant).add()`. Keep a Handle instead for longer: what is
  /// found stays in memory as long as this exists.
  class [[nodiscard]] Found : public Point {
   public:
    ~Found() { detail::unpin(phase_); }
    Found(const Found&) = delete;
    Found& operator=(const Found&) = delete;

   private:
    friend class Dynamic;
    Found(const detail::PinnedSeries& pinned, const detail::Registration& shape) noexcept
        : Point{Metric::point(*pinned.site, shape)}, phase_{pinned.phase} {}
    std::uint32_t phase_;
  };

  /// A series of this metric, looked up once. Cheap to copy (one atomic add), may be kept for ever and shared between
  /// threads, and outlives the metric.
  ///
  /// It survives eviction: a series that was idle and is written again goes on where it was, with the same identity.
  /// Recording costs what the metric's own does.
  class Handle : public Point {
   public:
    Handle(const Handle& other) noexcept : Point{other}, site_{other.site_} { detail::retain_series(*site_); }
    Handle& operator=(const Handle& other) noexcept {
      detail::retain_series(*other.site_);
      detail::release_series(*site_);
      Point::operator=(other);
      site_ = other.site_;
      return *this;
    }
    ~Handle() { detail::release_series(*site_); }

   private:
    friend class Dynamic;
    Handle(detail::Site& site, const detail::Registration& shape) noexcept
        : Point{Metric::point(site, shape)}, site_{&site} {}
    detail::Site* site_;
  };

  /// Registers the metric. Further arguments are the metric's own (a histogram's bounds). Throws as the metric does;
  /// std::invalid_argument for a key that is none or appears twice, and for a `max_series` of 0.
  template <class... Args>
  Dynamic(const Scope& scope, const Info& info, const Text (&label_keys)[keys], const DynamicOptions& options,
          const Args&... args)
      : registration_{scope, info, Metric::declare(args...), {label_keys, keys, options.max_series}} {}
  Dynamic(const Scope& scope, const Info& info, const Text (&label_keys)[keys])
    requires requires { Metric::declare(); }
      : Dynamic{scope, info, label_keys, DynamicOptions{}} {}

  /// The series with these values, for one expression.
  template <class... Values>
    requires(sizeof...(Values) == keys)
  Found at(const Values&... values) noexcept {
    return at_texts({detail::LabelText{values}.text()...});
  }

  /// The series with these values, to keep.
  template <class... Values>
    requires(sizeof...(Values) == keys)
  [[nodiscard]] Handle with(const Values&... values) noexcept {
    return with_texts({detail::LabelText{values}.text()...});
  }

  /// Label sets that have a series at present, the overflow series not counted.
  [[nodiscard]] std::size_t series_count() const noexcept { return registration_.series_count(); }
  /// Records that went to the overflow series instead of one of their own.
  [[nodiscard]] std::uint64_t overflow_count() const noexcept { return registration_.overflow_count(); }

 private:
  struct Texts {
    Text values[keys];
  };
  // The texts may point into LabelText objects, which live until the end of the caller's full expression.
  Found at_texts(const Texts& texts) noexcept {
    return {registration_.pin_series(texts.values), registration_.shape()};
  }
  Handle with_texts(const Texts& texts) noexcept {
    return {*registration_.acquire_series(texts.values), registration_.shape()};
  }

  detail::DynamicRegistration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
