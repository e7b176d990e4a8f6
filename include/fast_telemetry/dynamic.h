// SPDX-License-Identifier: Apache-2.0
//
// Dynamic<Metric, N>: a metric per combination of label values that are known at run time only. For code that records.
#pragma once

#include "fast_telemetry/detail/dynamic_registration.h"
#include "fast_telemetry/detail/label_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct DynamicOptions {
  /// Label sets that have a series of their own at the same time. Records of further ones go to the overflow series.
  std::uint32_t max_series = 2000;
  /// Key of the overflow series' only label; its value is `true`. The default is OpenTelemetry's attribute
  /// (specification, "Metrics SDK", "Overflow attribute") as Prometheus writes it.
  Text overflow_key = "otel_metric_overflow";
};

namespace detail {

/// What a dynamic metric can be made of: what adds up or is a level. Extrema belong to a reader's window, and there
/// are no windows per series yet; what has no number needs none.
template <class Metric>
concept HasSeries = requires(Site& site, const Registration& shape) { Metric::point(site, shape); };

}  // namespace detail

/// A series of a dynamic metric, looked up once. Cheap to copy (one atomic add), may be kept for ever and shared
/// between threads, and outlives the metric: then records are counted drops.
///
/// It survives eviction: a series that was idle and is written again goes on where it was, with the same identity.
/// Recording costs what the metric's own does.
template <class Metric>
class SeriesHandle : public Metric::Point {
 public:
  /// Takes over one reference: what DynamicRegistration::acquire_series returned.
  SeriesHandle(detail::Site& site, const detail::Registration& shape) noexcept
      : Metric::Point{Metric::point(site, shape)}, site_{&site} {}
  SeriesHandle(const SeriesHandle& other) noexcept : Metric::Point{other}, site_{other.site_} {
    detail::retain_series(*site_);
  }
  SeriesHandle& operator=(const SeriesHandle& other) noexcept {
    detail::retain_series(*other.site_);
    detail::release_series(*site_);
    Metric::Point::operator=(other);
    site_ = other.site_;
    return *this;
  }
  ~SeriesHandle() { detail::release_series(*site_); }

  /// False for what `find` returns when there is no such series: it reads as zero, and records are counted drops.
  [[nodiscard]] explicit operator bool() const noexcept { return detail::is_series(*site_); }

  /// Whether the limit was reached when it was looked up: it is the overflow series then, for good. Look it up again,
  /// now and then, to get a series of its own once there is room.
  [[nodiscard]] bool is_overflow() const noexcept { return detail::is_overflow(*site_); }

 private:
  detail::Site* site_;
};

/// A series for the time of one expression: `requests.at(tenant).add()`. Keep a SeriesHandle instead for longer: what
/// is found stays in memory as long as this exists.
template <class Metric>
class [[nodiscard]] FoundSeries : public Metric::Point {
 public:
  FoundSeries(const detail::PinnedSeries& pinned, const detail::Registration& shape) noexcept
      : Metric::Point{Metric::point(*pinned.site, shape)}, phase_{pinned.phase} {}
  ~FoundSeries() { detail::unpin(phase_); }
  FoundSeries(const FoundSeries&) = delete;
  FoundSeries& operator=(const FoundSeries&) = delete;

 private:
  std::uint32_t phase_;
};

namespace detail {

/// What all dynamic metrics have in common.
template <class Metric>
class SeriesOf {
  static_assert(HasSeries<Metric>,
                "this metric cannot have series: Dynamic takes counters, gauges, histograms, "
                "distributions and counter sets");

 public:
  using Point = typename Metric::Point;
  using Handle = SeriesHandle<Metric>;
  using Found = FoundSeries<Metric>;

  /// Label sets that have a series at present, the overflow series not counted. One that was evicted and is written
  /// again through a handle counts from the next sweep on.
  [[nodiscard]] std::size_t series_count() const noexcept { return registration_.series_count(); }

  /// Records that went to the overflow series, by label and by handle; in a counter set, one per counter; one
  /// for the `n` values of a record_n.
  [[nodiscard]] std::uint64_t overflow_count() const noexcept { return registration_.overflow_count(); }

  /// What was refused a series: how many values of which key, and the heaviest of them. Include cardinality.h.
  template <class Report = CardinalityReport>
  [[nodiscard]] Report cardinality() const {
    Report report;
    registration_.report(report);
    return report;
  }

 protected:
  SeriesOf(const Scope& scope, const Info& info, const Declaration& declaration, const DynamicKeys& label_keys)
      : registration_{scope, info, declaration, label_keys} {}
  ~SeriesOf() = default;

  DynamicRegistration registration_;
};

/// The same with fixed keys.
template <class Metric, std::size_t keys>
class KeyedSeries : public SeriesOf<Metric> {
  static_assert(keys > 0, "name at least one label key, or use DynamicFree");

 public:
  using typename SeriesOf<Metric>::Handle;
  using typename SeriesOf<Metric>::Found;

  /// The series with these values, for one expression.
  template <class... Values>
    requires(sizeof...(Values) == keys)
  Found at(const Values&... values) noexcept {
    return at({LabelText{values}.text()...});
  }

  /// The series with these values, to keep.
  template <class... Values>
    requires(sizeof...(Values) == keys)
  [[nodiscard]] Handle with(const Values&... values) noexcept {
    return with({LabelText{values}.text()...});
  }

  /// The same, made by nobody: if there is no such series, the handle is false and reads as zero.
  template <class... Values>
    requires(sizeof...(Values) == keys)
  [[nodiscard]] Handle find(const Values&... values) const noexcept {
    return find({LabelText{values}.text()...});
  }

 protected:
  using SeriesOf<Metric>::SeriesOf;
  ~KeyedSeries() = default;

  [[nodiscard]] DynamicIndex* index() const noexcept { return registration_.index(); }

 private:
  struct Texts {
    Text values[keys];
  };
  // The texts may point into LabelText objects, which live until the end of the caller's full expression.
  Found at(const Texts& texts) noexcept {
    return {registration_.pin_series(texts.values, keys), registration_.shape()};
  }
  Handle with(const Texts& texts) noexcept {
    return {registration_.acquire_series(texts.values, keys), registration_.shape()};
  }
  Handle find(const Texts& texts) const noexcept {
    return {registration_.find_series(texts.values, keys), registration_.shape()};
  }

  using SeriesOf<Metric>::registration_;
};

}  // namespace detail

/// One `Metric` for every combination of label values that occurs: per tenant, per endpoint, per key.
///
///     ft::Dynamic<ft::Counter, 2> requests{scope, {.name = "requests"}, {"tenant", "path"}};
///     requests.at(tenant, path).add();            // looked up in each call
///     auto handle = requests.with(tenant, path);  // looked up once
///     handle.add();
///
/// Values are text of any length and content, integers, or enums with labels; all formats escape them, and ill-formed
/// UTF-8 is repaired. An empty value means that the label is absent.
///
/// Looking up reads shared memory only and allocates nothing when the series exists; the first record of a series takes
/// a lock. Never waits for a collection. At most `max_series` label sets are live at a time: records of others go to
/// one series with the only label `otel_metric_overflow="true"`, and every such record is counted.
///
/// Any thread. `at` and handles also in signal handlers while the series exists; the first use of a label set takes a
/// lock and allocates. Traces given with a record are not kept: series have no exemplars.
/// Destroying the metric waits, 200 ms at most, for lookups under way.
template <class Metric, std::size_t keys>
class Dynamic : public detail::KeyedSeries<Metric, keys> {
 public:
  /// Registers the metric. Further arguments are the metric's own (a histogram's bounds). Throws as the metric does;
  /// std::invalid_argument for a key that is none or appears twice, and for a `max_series` of 0.
  template <class... Args>
  Dynamic(const Scope& scope, const Info& info, const Text (&label_keys)[keys], const DynamicOptions& options,
          const Args&... args)
      : detail::KeyedSeries<Metric, keys>{
            scope, info, Metric::declare(args...), {label_keys, keys, options.max_series, options.overflow_key}} {}
  Dynamic(const Scope& scope, const Info& info, const Text (&label_keys)[keys])
    requires requires { Metric::declare(); }
      : Dynamic{scope, info, label_keys, DynamicOptions{}} {}
};

FAST_TELEMETRY_END_NAMESPACE
