// SPDX-License-Identifier: Apache-2.0
//
// Exemplars, from the record to the visitor. Conformance M-50 (no trace, no exemplar), M-51 (one per bucket, uniform).
// Each test names the mutation it was seen red with. Threads, signals and races: tests/stress/exemplars_test.cc.
#include "fast_telemetry/detail/exemplar.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "fast_telemetry/testing/virtual_clock.h"
#include "src/core/exemplars.h"
#include "tests/support/kept_exemplars.h"

namespace exemplar_test {

namespace ft = fast_telemetry;
using ft::exemplars_in;
using ft::trace_of;
using namespace std::chrono_literals;

enum class Outcome : std::uint8_t { ok, failed };
constexpr ft::Label label(Outcome outcome) { return ft::from_enumerator("outcome", outcome); }

class Exemplars : public testing::Test {
 protected:
  /// What the next collection shows.
  std::string collect() { return exemplars_in(reader.collect()); }

  ft::Registry registry;
  ft::Reader reader{registry};
};

// ---- what is kept ----

// Mutations: value / divisor without the divisor; the slot of the next cell; the time of the collection.
TEST_F(Exemplars, have_the_value_in_the_exported_unit_the_ids_and_the_time_of_the_observation) {
  ft::VirtualClock clock;
  ft::Histogram latency{registry, {.name = "latency"}, ft::buckets::durations(10ms, 100ms)};
  latency.record(50ms, trace_of(7));
  latency.record(3s, trace_of(8));
  clock.advance(5ns);
  EXPECT_EQ(exemplars_in(reader.collect(), ft::VirtualClock::usual_start_unix_ns - 3),
            "latency_seconds 0.100000: 0.05 of 7 at 3\n"
            "latency_seconds rest: 3 of 8 at 3\n");
}

// Mutations, each red for its metric: the offer left out; the offset of the point left out; for distributions, the cell
// that is not the bucket's.
TEST_F(Exemplars, are_kept_by_every_metric_that_counts_observations_and_by_its_points) {
  ft::Counter counter{registry, {.name = "counter"}};
  counter.add(3, trace_of(1));
  ft::FloatCounter float_counter{registry, {.name = "float_counter"}};
  float_counter.add(0.5, trace_of(2));
  ft::Histogram histogram{registry, {.name = "histogram"}, {10, 20}};
  histogram.record(15, trace_of(3));
  histogram.point().record(16, ft::TraceRef{});
  ft::FloatHistogram float_histogram{registry, {.name = "float_histogram"}, {-1.0, 2.0}};
  float_histogram.record(-5, trace_of(4));
  ft::Distribution distribution{registry, {.name = "distribution"}, ft::Range::latency()};
  distribution.record(0ns, trace_of(5));
  distribution.record(1500ms, trace_of(6));
  ft::FloatDistribution float_distribution{registry, {.name = "float_distribution"}, {0.5, 1000}};
  float_distribution.record(3.5, trace_of(7));
  const ft::Labeled<ft::Counter, Outcome> counters{registry, {.name = "counters"}};
  counters.with(Outcome::failed).add(4, trace_of(8));
  const ft::Labeled<ft::FloatCounter, Outcome> float_counters{registry, {.name = "float_counters"}};
  float_counters.with(Outcome::failed).add(1.5, trace_of(9));
  const ft::Labeled<ft::Histogram, Outcome> histograms{registry, {.name = "histograms"}, ft::Bounds{10, 20}};
  histograms.with(Outcome::failed).record(5, trace_of(10));
  const ft::Labeled<ft::FloatHistogram, Outcome> float_histograms{
      registry, {.name = "float_histograms"}, ft::FloatBounds{10, 20}};
  float_histograms.with(Outcome::failed).record(25, trace_of(11));
  const ft::Labeled<ft::Distribution, Outcome> distributions{
      registry, {.name = "distributions"}, ft::Range{1, 1000}, ft::DistributionOptions{.extrema = true}};
  distributions.with(Outcome::failed).record(17, trace_of(12));
  const ft::Labeled<ft::FloatDistribution, Outcome> float_distributions{
      registry, {.name = "float_distributions"}, ft::FloatRange{1, 1000}};
  float_distributions.with(Outcome::failed).record(17.5, trace_of(13));
  const ft::Labeled<ft::Counter, Outcome> spare{registry, {.name = "spare"}};
  spare.with(static_cast<Outcome>(9)).add(1, trace_of(14));

  EXPECT_EQ(collect(),
            "counter: 3 of 1\n"
            "float_counter: 0.5 of 2\n"
            "histogram 20.000000: 15 of 3\n"
            "float_histogram -1.000000: -5 of 4\n"
            "distribution_seconds 0: 0 of 5\n"
            "distribution_seconds 1: 1.5 of 6\n"
            "float_distribution 0: 3.5 of 7\n"
            "counters{failed}: 4 of 8\n"
            "float_counters{failed}: 1.5 of 9\n"
            "histograms{failed} 10.000000: 5 of 10\n"
            "float_histograms{failed} rest: 25 of 11\n"
            "distributions{failed} 0: 17 of 12\n"
            "float_distributions{failed} 0: 17.5 of 13\n"
            "spare{invalid}: 1 of 14\n");
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("counter"), 3u);
  EXPECT_EQ(seen.histogram("histogram").count(), 2u);
  EXPECT_EQ(seen.exponential("distribution_seconds").count(), 2u);
}

// Mutation: the slot of a cell holds one exemplar for all buckets (offset 0).
TEST_F(Exemplars, of_a_distribution_are_in_the_buckets_that_count_them) {
  ft::Distribution distribution{registry, {.name = "size"}, ft::Range{1, 1 << 20}, {.scale = 0}};
  for (std::uint64_t i = 0; i < 20; ++i) distribution.record(std::uint64_t{1} << (19 - i), trace_of(i));
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    char line[64];
    std::snprintf(line, sizeof line, "size %d: %g of %d\n", i, std::exp2(i), 19 - i);
    expected += line;
  }
  EXPECT_EQ(collect(), expected);
}

// M-50. Mutations: has_trace() always true; looks at half of the id.
TEST_F(Exemplars, are_not_made_of_observations_without_a_trace) {
  ft::Histogram histogram{registry, {.name = "histogram"}, {10}};
  ft::Counter counter{registry, {.name = "counter"}};
  ft::TraceRef only_span = trace_of(1);
  std::memset(only_span.trace_id, 0, sizeof only_span.trace_id);
  histogram.record(1, ft::TraceRef{});
  histogram.record(1, only_span);
  histogram.record(1);
  counter.add(1, ft::TraceRef{});
  EXPECT_EQ(collect(), "");
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(counter.value(), 1u);

  // Either half of the id is enough.
  ft::TraceRef half{};
  half.trace_id[15] = std::byte{1};
  counter.add(1, half);
  EXPECT_EQ(collect(), "counter: 1 of torn\n");
  half.trace_id[15] = std::byte{0};
  half.trace_id[0] = std::byte{1};
  histogram.record(1, half);
  EXPECT_EQ(collect(), "histogram 10.000000: 1 of torn\ncounter: 1 of torn\n");
}

// Mutation: the span's eight zeros shown as an id.
TEST_F(Exemplars, of_a_trace_without_a_span_have_no_span_id) {
  ft::TraceRef trace = trace_of(3);
  std::memset(trace.span_id, 0, sizeof trace.span_id);
  ft::Counter counter{registry, {.name = "counter"}};
  counter.add(1, trace);
  std::size_t ids = 99;
  ft::ExemplarVisitor visitor{[&](const std::string&, const ft::Exemplar& exemplar) {
    ids = exemplar.trace_id.size() * 100 + exemplar.span_id.size();
  }};
  reader.collect().visit(visitor);
  EXPECT_EQ(ids, 1600u);
}

// Mutation: what is refused is offered all the same, seen red for each.
TEST_F(Exemplars, are_not_made_of_what_is_dropped) {
  ft::FloatCounter counter{registry, {.name = "counter"}};
  counter.add(1);
  counter.add(-1, trace_of(1));
  ft::FloatHistogram histogram{registry, {.name = "histogram"}, {1}};
  histogram.record(1);
  histogram.record(std::nan(""), trace_of(2));
  ft::FloatDistribution distribution{registry, {.name = "distribution"}, {1, 2}};
  distribution.record(1);
  distribution.record(std::numeric_limits<double>::infinity(), trace_of(3));
  // Before construction.
  alignas(ft::Counter) static std::byte unborn_counter[sizeof(ft::Counter)];
  alignas(ft::Histogram) static std::byte unborn_histogram[sizeof(ft::Histogram)];
  reinterpret_cast<ft::Counter*>(unborn_counter)->add(1, trace_of(4));
  reinterpret_cast<ft::Histogram*>(unborn_histogram)->record(1, trace_of(5));
  EXPECT_EQ(collect(), "");
}

// ---- windows ----

// Mutations: the last observation always wins; the first always does.
TEST_F(Exemplars, are_any_of_a_windows_observations_with_the_same_probability) {
  constexpr std::size_t observations = 8;
  constexpr int windows = 8000;
  ft::Counter counter{registry, {.name = "counter"}};
  std::array<int, observations + 1> chosen{};
  ft::ExemplarVisitor visitor{
      [&](const std::string&, const ft::Exemplar& exemplar) { ++chosen.at(static_cast<std::size_t>(exemplar.value)); }};
  for (int window = 0; window < windows; ++window) {
    for (std::uint64_t n = 1; n <= observations; ++n) counter.add(n, trace_of(n));
    reader.collect().visit(visitor);
  }
  constexpr double expected = double{windows} / observations;
  double chi_square = 0;
  for (std::size_t n = 1; n <= observations; ++n) {
    chi_square += (chosen.at(n) - expected) * (chosen.at(n) - expected) / expected;
  }
  // Seven degrees of freedom: above 80 in one run of 10^14.
  EXPECT_LT(chi_square, 80) << testing::PrintToString(chosen);
}

// Mutations: a collection does not begin a window (one in two of these exemplars is the old one); it forgets what it
// has shown.
TEST_F(Exemplars, stay_until_a_later_window_has_another) {
  ft::Counter counter{registry, {.name = "counter"}};
  for (std::uint64_t n = 0; n < 100; ++n) {
    counter.add(1, trace_of(n));
    const std::string expected = "counter: 1 of " + std::to_string(n) + "\n";
    ASSERT_EQ(collect(), expected);
    counter.add(1);
    ASSERT_EQ(collect(), expected) << "after a window without any";
  }
}

// Mutations: all readers are shown everything; what was accepted is forgotten when metrics come.
TEST_F(Exemplars, are_shown_to_a_delta_reader_until_it_has_accepted_them) {
  ft::Reader deltas{registry, {.temporality = ft::Temporality::delta}};
  ft::Histogram histogram{registry, {.name = "histogram"}, {10}};
  histogram.record(1, trace_of(1));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(exemplars_in(deltas.collect()), "histogram 10.000000: 1 of 1\n");
  deltas.accept();
  EXPECT_EQ(exemplars_in(deltas.collect()), "");
  histogram.record(20, trace_of(2));
  EXPECT_EQ(exemplars_in(deltas.collect()), "histogram rest: 20 of 2\n");
  deltas.accept();
  // Other metrics come: what was accepted stays so.
  const ft::Counter another{registry, {.name = "another"}};
  EXPECT_EQ(exemplars_in(deltas.collect()), "");
  EXPECT_EQ(collect(), "histogram 10.000000: 1 of 1\nhistogram rest: 20 of 2\n");
}

// Mutations: the slots of a metric that goes are not emptied; a reader keeps what it had of other slots, or of slots
// that have been emptied.
TEST_F(Exemplars, end_with_their_metric) {
  std::optional<ft::Histogram> histogram{std::in_place, registry, ft::Info{.name = "ended"}, ft::Bounds{1, 2, 3, 4, 5}};
  histogram->record(1, trace_of(1));
  EXPECT_EQ(collect(), "ended 1.000000: 1 of 1\n");
  histogram.reset();
  EXPECT_EQ(collect(), "");
  EXPECT_EQ(ft::RecordingVisitor{reader}.histogram("ended").count(), 1u);

  ft::Histogram successor{registry, {.name = "successor"}, {1, 2, 3, 4, 5}};
  successor.record(2, trace_of(2));
  EXPECT_EQ(collect(), "successor 2.000000: 2 of 2\n");
  // The same series again, which may be given the same slots.
  histogram.emplace(registry, ft::Info{.name = "ended"}, ft::Bounds{1, 2, 3, 4, 5});
  histogram->record(3, trace_of(3));
  EXPECT_EQ(collect(), "ended 3.000000: 3 of 3\nsuccessor 2.000000: 2 of 2\n");
  // And again, without a collection between.
  histogram.reset();
  histogram.emplace(registry, ft::Info{.name = "ended"}, ft::Bounds{1, 2, 3, 4, 5});
  histogram->record(4, trace_of(4));
  EXPECT_EQ(collect(), "ended 4.000000: 4 of 4\nsuccessor 2.000000: 2 of 2\n");
}

// Mutation: has_trace() always true.
TEST_F(Exemplars, cost_no_memory_where_none_are_given) {
  std::vector<std::unique_ptr<ft::Counter>> counters;
  const auto make = [&] {
    for (int i = 0; i < 1000; ++i) {
      counters.push_back(std::make_unique<ft::Counter>());
      counters.back()->add(1, ft::TraceRef{});
    }
    return ft::detail::exemplar_arena.committed_bytes();
  };
  const std::size_t before = make();
  EXPECT_EQ(make(), before);
  for (const auto& counter : counters) counter->add(1, trace_of(1));
  EXPECT_GE(ft::detail::exemplar_arena.committed_bytes(), before + 56 * 1000);
}

// ---- the slot ----

/// A slot of its own, and a site that has it.
class Slot {
 public:
  void offer(std::uint64_t priority, std::uint64_t number) {
    ft::detail::keep_exemplar(site_, 0, priority, trace_of(number), static_cast<double>(number));
  }
  /// The number of what a reader has after taking it, or -1.
  double take() {
    ft::detail::take_exemplar(fields_.data(), kept_);
    return kept_.sequence == 0 ? -1 : kept_.value;
  }
  std::uint64_t& sequence() { return fields_[ft::detail::stride_cells]; }

 private:
  std::vector<std::uint64_t> fields_ = std::vector<std::uint64_t>(7 * ft::detail::stride_cells);
  ft::detail::Site site_{nullptr, nullptr, fields_.data()};
  ft::detail::KeptExemplar kept_;
};

// Mutations: the priority is not looked at again; it is not written.
TEST(ExemplarSlot, keeps_the_greatest_priority_of_a_window) {
  Slot slot;
  EXPECT_EQ(slot.take(), -1);
  slot.offer(5, 1);
  slot.offer(9, 2);
  slot.offer(7, 3);
  EXPECT_EQ(slot.take(), 2);
  slot.offer(1, 4);
  EXPECT_EQ(slot.take(), 4);
}

// A signal handler on top of a writer, and a thread beside one. Mutations: keep_exemplar waits for an even number
// (hangs), or does not look; take_exemplar does not look.
TEST(ExemplarSlot, that_is_being_written_is_left_alone) {
  Slot slot;
  slot.offer(5, 1);
  ASSERT_EQ(slot.take(), 1);
  slot.offer(3, 2);
  ++slot.sequence();
  slot.offer(9, 3);
  EXPECT_EQ(slot.take(), 1);
  ++slot.sequence();
  EXPECT_EQ(slot.take(), 2);
}

// ---- processes ----

// Mutation: readers take the child's slots for the parent's (the delta reader has accepted that sequence number).
TEST_F(Exemplars, are_not_inherited_by_a_forked_child) {
  ft::Reader deltas{registry, {.temporality = ft::Temporality::delta}};
  ft::Counter counter{registry, {.name = "counter"}};
  counter.add(1, trace_of(1));
  EXPECT_EQ(collect(), "counter: 1 of 1\n");
  EXPECT_EQ(exemplars_in(deltas.collect()), "counter: 1 of 1\n");
  deltas.accept();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool empty = collect().empty();
    counter.add(1, trace_of(2));
    const bool own = collect() == "counter: 1 of 2\n" && exemplars_in(deltas.collect()) == "counter: 1 of 2\n";
    _exit(empty && own ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(collect(), "counter: 1 of 1\n");
}

}  // namespace exemplar_test
