// SPDX-License-Identifier: Apache-2.0
//
// DeltaProbe: how much metrics changed while a test did something. For tests of instrumented code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fast_telemetry/testing/recording_visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Made before the action, asked after it: `EXPECT_EQ(probe.counter("proxy_requests", {{"command", "get"}}), 1u)`. What
/// other tests have counted in the same registry does not matter, nor does what other readers do.
///
/// Names, labels and failures are RecordingVisitor's: a query for what is not there throws std::out_of_range, with what
/// is, in every test framework. Each query collects anew: it is exact when the threads that record have been joined, or
/// have otherwise told the test that they are done. A metric that was registered since counts from zero, one that was
/// destroyed since is still seen. Use it from one thread at a time.
class DeltaProbe {
 public:
  using LabelSet = RecordingVisitor::LabelSet;

  explicit DeltaProbe(Registry& registry) : reader_{registry, {.temporality = Temporality::delta}} { restart(); }

  [[nodiscard]] std::uint64_t counter(std::string_view full_name, LabelSet labels = {}) {
    return changes().counter(full_name, labels);
  }
  [[nodiscard]] std::int64_t up_down_counter(std::string_view full_name, LabelSet labels = {}) {
    return changes().up_down_counter(full_name, labels);
  }
  [[nodiscard]] double float_counter(std::string_view full_name, LabelSet labels = {}) {
    return changes().float_counter(full_name, labels);
  }
  /// What was observed: `probe.histogram("proxy_latency_seconds").count()`, `.sum`, `.buckets`.
  [[nodiscard]] RecordedHistogram histogram(std::string_view full_name, LabelSet labels = {}) {
    return changes().histogram(full_name, labels);
  }
  [[nodiscard]] RecordedExponential exponential(std::string_view full_name, LabelSet labels = {}) {
    return changes().exponential(full_name, labels);
  }
  /// Over all points of an integer counter that have these labels, among others.
  [[nodiscard]] std::uint64_t sum(std::string_view full_name, LabelSet some_labels = {}) {
    return changes().sum(full_name, some_labels);
  }
  /// By how much the gauge is higher than it was.
  [[nodiscard]] std::int64_t gauge(std::string_view full_name, LabelSet labels = {});
  [[nodiscard]] double float_gauge(std::string_view full_name, LabelSet labels = {});

  /// All of it from one collection: sums and histograms since the probe was made, gauges and states as they stand.
  [[nodiscard]] RecordingVisitor changes() { return RecordingVisitor{reader_}; }

  /// One line per point that is not as it was, for failure messages: `EXPECT_EQ(…) << probe.describe()`.
  [[nodiscard]] std::string describe();

  /// Forgets what has changed so far: as if the probe had been made now.
  void restart();

 private:
  [[nodiscard]] const RecordedPoint* before(std::uint64_t id) const;

  Reader reader_;
  RecordingVisitor before_;
};

FAST_TELEMETRY_END_NAMESPACE
