// SPDX-License-Identifier: Apache-2.0
//
// Retirement: metrics come and go while others are written and folds run. What was added to a living metric is counted
// exactly once; what is recorded on top of a destruction is counted or a counted drop, and never lands somewhere else.
//
// Parity: CNT-6 (no window loses or repeats an add), over the end of a series too.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <new>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"

namespace retirement_test {

namespace ft = fast_telemetry;

using Totals = std::map<std::string, std::uint64_t>;

/// Every point of the family `churned` by its labels, and nothing else: the less time goes into looking at a
/// collection, the more of it goes into folds.
class Churned final : public ft::IgnoringVisitor {
 public:
  explicit Churned(const ft::Snapshot& snapshot) { snapshot.visit(*this); }

  Totals totals;

  using ft::IgnoringVisitor::sum;
  void family(const ft::Family& family) override { wanted_ = family.full_name == "churned"; }
  void sum(const ft::Series& series, const ft::NumberPoint<std::uint64_t>& point) override {
    if (!wanted_) return;
    std::string labels;
    for (const ft::Label& label : series.labels) labels.append(view(label.key)).append("=").append(view(label.value));
    totals[labels] = point.value;
  }

 private:
  bool wanted_ = false;
};

/// What is not the same in both, one line per series.
std::string differences(const Totals& found, const Totals& written) {
  std::string text;
  const auto of = [](const Totals& totals, const std::string& labels) {
    const auto entry = totals.find(labels);
    return entry == totals.end() ? std::string{"nothing"} : std::to_string(entry->second);
  };
  Totals all = found;
  all.insert(written.begin(), written.end());
  for (const auto& entry : all) {
    const std::string& labels = entry.first;
    if (of(found, labels) != of(written, labels)) {
      text += labels + ": " + of(found, labels) + " instead of " + of(written, labels) + "\n";
    }
  }
  return text;
}

/// A window in which a series fell.
bool is_negative(std::uint64_t delta) { return delta >> 63 != 0; }

/// Reads in a loop until told to stop, and once more after that.
class DeltaReader {
 public:
  explicit DeltaReader(ft::Registry& registry) : reader_{registry, {.temporality = ft::Temporality::delta}} {}

  void collect() {
    const Churned seen{reader_.collect()};
    for (const auto& [labels, delta] : seen.totals) {
      negative += is_negative(delta) ? 1 : 0;
      sums[labels] += delta;
    }
    reader_.accept();
  }

  Totals sums;
  std::uint64_t negative = 0;

 private:
  ft::Reader reader_;
};

class CumulativeReader {
 public:
  explicit CumulativeReader(ft::Registry& registry) : reader_{registry, {.finals = ft::Finals::held}} {}

  void collect() {
    Totals now = Churned{reader_.collect()}.totals;
    for (const auto& [labels, value] : last) {
      const auto found = now.find(labels);
      if (found == now.end() || found->second < value) ++steps_back;
    }
    last = std::move(now);
  }

  Totals last;
  std::uint64_t steps_back = 0;

 private:
  ft::Reader reader_;
};

// Mutation: `exact_retirement` always true.
TEST(Retirement, is_exact_unless_membarrier_is_needed_and_refused) {
  const ft::Counter counter;
  EXPECT_EQ(ft::storage_info().exact_retirement, !stress::is_rseq_run() || stress::membarrier_answers());
}

// Mutation: what the kernel said at start is believed for ever.
TEST(Retirement, is_found_inexact_when_membarrier_is_refused_later) {
  const std::string wrong = stress::in_child([] {
    stress::Findings findings;
    auto counter = std::make_unique<ft::Counter>();
    counter->add();
    findings.expect(stress::refuse_membarrier(), "no filter could be installed");
    counter.reset();
    findings.expect_equal("exact_retirement", ft::storage_info().exact_retirement, !stress::is_rseq_run());
    return findings.text();
  });
  EXPECT_EQ(wrong, "");
}

// A family of series: two that live, one that is destroyed and comes back all the time, many that come once and go.
//
// Mutations: a run given back while a fold is under way is reused at once (reader sees it zeroed, or another's cells);
// a retired run is not zeroed; the final fold is left out of the series' base. Without membarrier: a delta reader's
// baseline follows series that it is not shown (red in one run of five).
TEST(Retirement, takes_nothing_from_series_that_live_end_or_come_back) {
  const std::uint64_t rounds = stress::scaled(30'000);
  ft::Registry registry;
  const auto scope = [&registry](const std::string& kind) { return ft::Scope{registry, {}, {{"series", kind}}}; };
  // Makes every fold long enough to be in progress when a run is given back.
  std::vector<std::uint64_t> many_bounds(20'000);
  for (std::size_t i = 0; i < many_bounds.size(); ++i) many_bounds[i] = i;
  ft::Histogram wide{registry, {.name = "wide"}, ft::Bounds{many_bounds.data(), many_bounds.size()}};
  wide.record(1);

  Totals written;
  std::atomic<bool> done{false};
  DeltaReader deltas{registry};
  CumulativeReader cumulative{registry};
  {
    std::jthread delta_thread{[&] {
      while (!done.load(std::memory_order_acquire)) deltas.collect();
    }};
    std::jthread cumulative_thread{[&] {
      while (!done.load(std::memory_order_acquire)) cumulative.collect();
    }};

    std::vector<std::unique_ptr<ft::Counter>> living;
    std::array<std::uint64_t, 2> adds{};
    for (const char* const name : {"first", "second"}) {
      living.push_back(std::make_unique<ft::Counter>(scope(name), ft::Info{.name = "churned"}));
    }
    std::atomic<bool> churned{false};
    {
      std::vector<std::jthread> writers;
      for (std::size_t i = 0; i < living.size(); ++i) {
        writers.emplace_back([&, i] {
          while (!churned.load(std::memory_order_acquire)) {
            for (int n = 0; n < 1000; ++n) living[i]->add();
            adds[i] += 1000;
          }
        });
      }
      for (std::uint64_t round = 0; round < rounds; ++round) {
        const ft::Counter returning{scope("returning"), {.name = "churned"}};
        const_cast<ft::Counter&>(returning).add(round % 5);
        written["series=returning"] += round % 5;
        if (round % 256 == 0) {
          ft::Counter once{scope(std::to_string(round)), {.name = "churned"}};
          once.add(round + 1);
          written["series=" + std::to_string(round)] += round + 1;
        }
      }
      churned.store(true, std::memory_order_release);
    }
    written["series=first"] = adds[0];
    written["series=second"] = adds[1];
    // Also what ends after all writing: the readers have not seen it yet.
    living.clear();
    done.store(true, std::memory_order_release);
  }
  deltas.collect();
  cumulative.collect();

  EXPECT_EQ(differences(deltas.sums, written), "");
  EXPECT_EQ(differences(cumulative.last, written), "");
  EXPECT_EQ(deltas.negative, 0U);
  EXPECT_EQ(cumulative.steps_back, 0U);
  EXPECT_EQ(ft::storage_info().finals_dropped, 0U);
}

/// Metrics in static storage, one after the other: what is left of a destroyed one is what is left of a static metric
/// after its destructor.
template <class Metric, std::size_t count>
class Graveyard {
 public:
  template <class... Args>
  Metric& construct(std::size_t i, const Args&... args) {
    return *new (bytes_[i]) Metric{args...};
  }
  Metric& at(std::size_t i) { return *std::launder(reinterpret_cast<Metric*>(bytes_[i])); }

 private:
  alignas(Metric) std::byte bytes_[count][sizeof(Metric)] = {};
};

constexpr std::size_t victims = 60'000;

/// Lets writers, one on each CPU but the caller's, run through `count` metrics of one kind, each of which is destroyed
/// while they record in it. `construct(i)`, `record(i)` and `destroy(i)` are the test's; `after(i)` runs as soon as
/// metric i is gone. Returns how many records were made.
template <class Construct, class Record, class Destroy, class After>
std::uint64_t record_over_destruction(std::size_t count, Construct construct, Record record, Destroy destroy,
                                      After after) {
  const std::vector<int> cpus = stress::allowed_cpus();
  const std::size_t writer_count = std::clamp<std::size_t>(cpus.size() - 1, 1, 3);
  std::atomic<std::size_t> current{0};
  std::atomic<std::size_t> reached{0};
  std::atomic<std::uint64_t> records{0};
  construct(0);
  {
    std::vector<std::jthread> writers;
    for (std::size_t writer = 0; writer < writer_count; ++writer) {
      writers.emplace_back([&, writer] {
        stress::run_on(cpus[(writer + 1) % cpus.size()]);
        std::uint64_t mine = 0;
        for (std::size_t i = 0; i < count; i = current.load(std::memory_order_acquire)) {
          for (int n = 0; n < 16; ++n) record(i);
          mine += 16;
          reached.store(i, std::memory_order_relaxed);
        }
        records.fetch_add(mine, std::memory_order_relaxed);
      });
    }
    stress::run_on(cpus[0]);
    for (std::size_t i = 0; i < count; ++i) {
      // Only as long as a writer that runs needs: one that was preempted must not hold up the rounds.
      for (int spin = 0; spin < 1000 && reached.load(std::memory_order_relaxed) < i; ++spin) {
      }
      destroy(i);
      after(i);
      if (i + 1 < count) construct(i + 1);
      current.store(i + 1, std::memory_order_release);
    }
  }
  stress::run_on_all(cpus);
  return records.load(std::memory_order_relaxed);
}

/// Counters that took over the runs of destroyed metrics. One more record than their own, and it was somebody else's.
class Successors {
 public:
  /// Makes one, looks at the oldest of 32 and destroys it.
  void next() {
    counters_.push_back(std::make_unique<ft::Counter>());
    for (int n = 0; n < 3; ++n) counters_.back()->add();
    if (counters_.size() == 32) drop_oldest();
  }
  std::uint64_t strangers() {
    while (!counters_.empty()) drop_oldest();
    return strangers_;
  }

 private:
  void drop_oldest() {
    strangers_ += counters_.front()->value() != 3 ? 1 : 0;
    counters_.pop_front();
  }

  std::deque<std::unique_ptr<ft::Counter>> counters_;
  std::uint64_t strangers_ = 0;
};

// Static teardown: threads go on recording in a metric while and after it is destroyed, and its run goes to another
// metric at once. Each add is in the series or is a counted drop.
//
// Mutations: retire_barrier without the membarrier call (rseq) or without waiting for marks (fallback): a late add is
// lost with the run or counted by the run's next owner.
TEST(Retirement, keeps_or_counts_as_dropped_every_add_on_top_of_a_destruction) {
  static Graveyard<ft::Counter, victims> graveyard;
  const std::size_t count = stress::scaled(victims);
  ft::Registry registry;
  const ft::Scope scope{registry};
  Successors successors;
  CumulativeReader reader{registry};
  const std::uint64_t dropped_before = ft::storage_info().dropped_no_metric;

  const std::uint64_t adds = record_over_destruction(
      count, [&](std::size_t i) { graveyard.construct(i, scope, ft::Info{.name = "churned"}); },
      [&](std::size_t i) { graveyard.at(i).add(); }, [&](std::size_t i) { graveyard.at(i).~Counter(); },
      [&](std::size_t i) {
        successors.next();
        if (i % 64 == 0) reader.collect();
      });
  reader.collect();

  const std::uint64_t dropped = ft::storage_info().dropped_no_metric - dropped_before;
  EXPECT_EQ(reader.last[""] + dropped, adds) << reader.last[""] << " counted, " << dropped << " dropped";
  EXPECT_EQ(successors.strangers(), 0U);
  EXPECT_EQ(reader.steps_back, 0U);
  EXPECT_GT(dropped, 0U) << "no record came after a destruction: this run proves nothing";
}

// As above for histograms, whose record is more than one add and reads the bounds before: no observation may land in
// another metric, and none may be counted that was not made.
//
// Mutations: as above; the bucket table freed with the metric.
TEST(Retirement, lets_no_observation_on_top_of_a_destruction_land_elsewhere) {
  static Graveyard<ft::Histogram, victims / 12> graveyard;
  const std::size_t count = stress::scaled(victims / 12);
  ft::Registry registry;
  const ft::Scope scope{registry};
  Successors successors;
  ft::Reader reader{registry};

  const std::uint64_t observations = record_over_destruction(
      count,
      [&](std::size_t i) {
        graveyard.construct(i, scope, ft::Info{.name = "churned"},
                            ft::Bounds{std::initializer_list<std::uint64_t>{1, 2}});
      },
      [&](std::size_t i) { graveyard.at(i).record(1); }, [&](std::size_t i) { graveyard.at(i).~Histogram(); },
      [&](std::size_t) { successors.next(); });

  const ft::RecordingVisitor seen{reader};
  const ft::RecordedHistogram& total = seen.histogram("churned");
  EXPECT_LE(total.count(), observations);
  EXPECT_LE(total.sum, static_cast<double>(observations));
  EXPECT_EQ(total.buckets[0], total.count());
  EXPECT_EQ(successors.strangers(), 0U);
}

// A gauge's run is reused too.
//
// Mutation: gauges store without a sequence (a plain store through the cell's address).
TEST(Retirement, lets_no_set_on_top_of_a_destruction_land_in_another_gauge) {
  static Graveyard<ft::Gauge<std::int64_t>, victims> graveyard;
  const std::size_t count = stress::scaled(victims);
  std::deque<std::unique_ptr<ft::Gauge<std::int64_t>>> successors;
  std::uint64_t strangers = 0;
  const auto drop_oldest = [&] {
    strangers += successors.front()->get() != 7 ? 1 : 0;
    successors.pop_front();
  };

  record_over_destruction(
      count, [&](std::size_t i) { graveyard.construct(i); }, [&](std::size_t i) { graveyard.at(i).set(-1); },
      [&](std::size_t i) { graveyard.at(i).~Gauge(); },
      [&](std::size_t) {
        successors.push_back(std::make_unique<ft::Gauge<std::int64_t>>());
        successors.back()->set(7);
        if (successors.size() == 32) drop_oldest();
      });
  while (!successors.empty()) drop_oldest();

  EXPECT_EQ(strangers, 0U);
}

}  // namespace retirement_test
