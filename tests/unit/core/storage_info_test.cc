// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/storage_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/detail/arena.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;
using testing::ElementsAre;

namespace storage_info_test {

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

TEST(StorageInfo, says_which_write_path_is_active_and_why_it_is_not_the_fast_one) {
  const ft::Counter counter;
  const ft::StorageInfo info = ft::storage_info();
  if (FAST_TELEMETRY_RSEQ == 0) {
    EXPECT_EQ(info.path, ft::WritePath::locked);
    EXPECT_EQ(info.path_reason, "built with FAST_TELEMETRY_RSEQ=OFF");
  } else if (info.path == ft::WritePath::locked) {
    EXPECT_FALSE(info.path_reason.empty());
  } else {
    EXPECT_TRUE(info.path_reason.empty());
  }
  // Without restartable sequences there is no barrier that could be refused.
  EXPECT_TRUE(info.exact_retirement || info.path == ft::WritePath::restartable_sequence);
}

// SHD-2
TEST(StorageInfo, has_a_shard_for_every_possible_cpu_and_those_for_locked_adds) {
  const ft::Counter counter;
  const ft::StorageInfo info = ft::storage_info();
  std::uint32_t cpus = 0;
  if (info.path == ft::WritePath::restartable_sequence) {
    std::string possible;
    std::ifstream{"/sys/devices/system/cpu/possible"} >> possible;
    if (possible.empty()) GTEST_SKIP() << "/sys is not readable";
    cpus = static_cast<std::uint32_t>(std::stoul(possible.substr(possible.find_last_of("-,") + 1))) + 1;
  }
  EXPECT_EQ(info.shards, cpus + ft::detail::extra_shards);
}

TEST(StorageInfo, counts_metrics_that_are_alive_registered_or_not) {
  ft::Registry registry;
  const std::uint64_t before = ft::storage_info().metrics;
  {
    const ft::Counter unregistered;
    const ft::Labeled<ft::Counter, Command> labeled{registry, {.name = "l"}};
    EXPECT_EQ(ft::storage_info().metrics, before + 2);
  }
  EXPECT_EQ(ft::storage_info().metrics, before);
}

// SHD-4, W-04: the original pays 128 bytes per shard for every cell from the start. GAU-1: a gauge is padded here too.
TEST(StorageInfo, counts_cells_from_the_first_write_of_their_metric_to_its_end) {
  ft::Registry registry;
  const std::uint64_t before = ft::storage_info().cells;
  {
    ft::Counter counter;
    ft::Labeled<ft::Counter, Command> labeled{registry, {.name = "l"}};
    ft::Histogram histogram{{1, 2, 3}};
    ft::Gauge<double> gauge;
    EXPECT_EQ(ft::storage_info().cells, before);
    static_cast<void>(counter.value());
    static_cast<void>(labeled.total());
    EXPECT_EQ(ft::storage_info().cells, before);
    counter.inc();
    EXPECT_EQ(ft::storage_info().cells, before + 1);
    labeled.with(Command::get).inc();
    EXPECT_EQ(ft::storage_info().cells, before + 1 + 3);
    labeled.with(Command::set).inc();
    EXPECT_EQ(ft::storage_info().cells, before + 1 + 3);
    histogram.record(1);
    EXPECT_EQ(ft::storage_info().cells, before + 1 + 3 + 5);
    gauge.set(1);
    EXPECT_EQ(ft::storage_info().cells, before + 1 + 3 + 5 + ft::detail::gauge_cells);
  }
  EXPECT_EQ(ft::storage_info().cells, before);
}

TEST(StorageInfo, shows_that_cells_of_destroyed_metrics_are_used_again) {
  const auto churn = [] {
    for (int i = 0; i < 2000; ++i) {
      ft::Counter counter;
      ft::Histogram histogram{{1, 2, 3}};
      ft::Gauge<double> gauge;
      counter.inc();
      histogram.record(2);
      gauge.set(1);
    }
  };
  if (!ft::storage_info().exact_retirement) GTEST_SKIP() << "the kernel refuses membarrier, so cells are kept";
  churn();
  const ft::StorageInfo before = ft::storage_info();
  for (int i = 0; i < 20; ++i) churn();  // 40 000 times 22 cells are more than one extent
  const ft::StorageInfo after = ft::storage_info();
  EXPECT_EQ(after.reserved_bytes, before.reserved_bytes);
  // The cells of the three may lie in three pages, and the thread may move to a CPU that has none of them yet.
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  EXPECT_LE(after.resident_bytes, before.resident_bytes + 3 * page * before.shards);
}

TEST(StorageInfo, shows_memory_for_pages_that_were_written_only) {
  ft::Counter first;
  first.inc();
  const ft::StorageInfo before = ft::storage_info();
  EXPECT_GT(before.resident_bytes, 0u);
  EXPECT_LE(before.resident_bytes, before.reserved_bytes);
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  // 16 000 counters that one thread writes: 128 kB of cells, less what lies in cells that were used before, and all of
  // it again for each CPU that the thread moved to.
  std::vector<std::unique_ptr<ft::Counter>> counters;
  for (int i = 0; i < 16'000; ++i) {
    counters.push_back(std::make_unique<ft::Counter>());
    counters.back()->inc();
  }
  const std::uint64_t more = ft::storage_info().resident_bytes - before.resident_bytes;
  EXPECT_GE(more, 16'000u * 8 / 2);
  EXPECT_LE(more, (16'000u * 8 + 2 * page) * ft::storage_info().shards);
}

// Reading a page maps the kernel's page of zeros, and giving back a run must store only where something is. 64 pages
// per shard, of which two are written (a bucket's and the sum's), by each CPU that the thread happened to run on.
TEST(StorageInfo, shows_no_memory_for_pages_that_were_read_and_given_back_only) {
  std::vector<std::uint64_t> bounds(32'001);
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = i;
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Counter started;
  started.inc();
  const ft::StorageInfo before = ft::storage_info();
  const auto few = 2 * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) * before.shards;
  {
    ft::Histogram histogram{registry, {.name = "h"}, ft::Bounds{bounds.data(), bounds.size()}};
    histogram.record(5);
    EXPECT_EQ(ft::RecordingVisitor{reader}.histogram("h").count(), 1u);
    EXPECT_LE(ft::storage_info().resident_bytes, before.resident_bytes + few);
  }
  EXPECT_LE(ft::storage_info().resident_bytes, before.resident_bytes + few);
}

/// Zeroed like static storage before any constructor has run.
template <class Metric>
Metric& before_construction() {
  alignas(Metric) static unsigned char storage[sizeof(Metric)];
  return *reinterpret_cast<Metric*>(storage);
}

TEST(StorageInfo, commits_the_pages_of_runs_in_every_shard_and_no_more) {
  const ft::StorageInfo before = ft::storage_info();
  std::vector<std::uint64_t> bounds(3 * 512);  // three pages of cells, and a little
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = i;
  ft::Histogram histogram{ft::Bounds{bounds.data(), bounds.size()}};
  EXPECT_EQ(ft::storage_info().committed_bytes, before.committed_bytes) << "declared is not committed";
  histogram.record(1);
  const ft::StorageInfo after = ft::storage_info();
  EXPECT_GE(after.committed_bytes, before.committed_bytes + std::uint64_t{3} * 4096 * after.shards);
  EXPECT_LE(after.committed_bytes, before.committed_bytes + std::uint64_t{5} * 4096 * after.shards);
  EXPECT_LE(after.resident_bytes, after.committed_bytes);
  EXPECT_LE(after.committed_bytes, after.reserved_bytes);
}

TEST(StorageInfo, counts_records_before_construction_and_after_destruction_as_dropped) {
  const auto dropped = [] { return ft::storage_info().dropped_no_metric; };
  std::uint64_t before = dropped();
  auto& counter = before_construction<ft::Counter>();
  auto& gauge = before_construction<ft::Gauge<double>>();
  auto& histogram = before_construction<ft::Histogram>();
  auto& doubles = before_construction<ft::FloatHistogram>();
  const auto record = [&] {
    counter.inc();
    gauge.set(1);
    histogram.record(1);
    doubles.record(1);
  };
  record();
  EXPECT_EQ(dropped(), before + 4);
  EXPECT_EQ(counter.value(), 0u);
  EXPECT_EQ(gauge.get(), 0.0);
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(doubles.sum(), 0.0);

  new (&counter) ft::Counter;
  new (&gauge) ft::Gauge<double>;
  new (&histogram) ft::Histogram{{1}};
  new (&doubles) ft::FloatHistogram{{1}};
  record();
  EXPECT_EQ(dropped(), before + 4);
  EXPECT_EQ(counter.value(), 1u);
  counter.~Counter();
  gauge.~Gauge();
  histogram.~Histogram();
  doubles.~FloatHistogram();
  before = dropped();
  record();
  EXPECT_EQ(dropped(), before + 4);
  EXPECT_EQ(counter.value(), 0u);
  EXPECT_EQ(gauge.get(), 0.0);
}

TEST(StorageInfo, counts_doubles_that_are_not_finite_as_dropped) {
  ft::FloatHistogram histogram{{1}};
  const std::uint64_t before = ft::storage_info().dropped_not_finite;
  histogram.record(std::numeric_limits<double>::quiet_NaN());
  histogram.record(std::numeric_limits<double>::infinity());
  EXPECT_EQ(ft::storage_info().dropped_not_finite, before + 2);
}

TEST(StorageInfo, counts_held_final_values_by_series) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const std::uint64_t before = ft::storage_info().finals_held;
  {
    ft::Counter counter{registry, {.name = "c"}};
  }
  EXPECT_EQ(ft::storage_info().finals_held, before + 1);
  {
    ft::Labeled<ft::Counter, Command> labeled{registry, {.name = "l"}};
  }
  EXPECT_EQ(ft::storage_info().finals_held, before + 1 + 3);
  {
    ft::Gauge<double> gauge{registry, {.name = "g"}};
  }
  {
    ft::Counter unregistered;
  }
  EXPECT_EQ(ft::storage_info().finals_held, before + 1 + 3);
  const ft::Counter returned{registry, {.name = "c"}};
  EXPECT_EQ(ft::storage_info().finals_held, before + 3);
}

TEST(StorageInfo, can_be_read_while_metrics_come_and_go) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 2000; ++n) {
        ft::Counter counter;
        counter.inc();
      }
    });
  }
  for (int n = 0; n < 200; ++n) EXPECT_GT(ft::storage_info().reserved_bytes, 0u);
}

// ── as families ────────────────────────────────────────────────────────────────────────────────────────────────────

constexpr ft::StorageInfo example{.path = ft::WritePath::locked,
                                  .path_reason = "an example",
                                  .exact_retirement = true,
                                  .retirement_reason = "",
                                  .shards = 3,
                                  .metrics = 5,
                                  .cells = 7,
                                  .reserved_bytes = 11,
                                  .committed_bytes = 12,
                                  .resident_bytes = 13,
                                  .dropped_no_metric = 17,
                                  .dropped_no_memory = 19,
                                  .dropped_reentrant = 23,
                                  .dropped_not_finite = 29,
                                  .dropped_negative = 30,
                                  .dropped_no_such_index = 27,
                                  .finals_held = 31,
                                  .finals_dropped = 37,
                                  .callbacks_failed = 41,
                                  .callbacks_late = 43,
                                  .callbacks_skipped = 47};

TEST(VisitStorageInfo, shows_each_figure_under_its_name) {
  ft::RecordingVisitor seen;
  ft::visit_families(example, seen);
  EXPECT_THAT(seen.family_names(),
              ElementsAre("fast_telemetry_dropped_records", "fast_telemetry_final_values_dropped",
                          "fast_telemetry_final_values_held", "fast_telemetry_metrics", "fast_telemetry_cells",
                          "fast_telemetry_storage_bytes", "fast_telemetry_callback_problems"));
  EXPECT_EQ(seen.counter("fast_telemetry_dropped_records", {{"reason", "no_metric"}}), 17u);
  EXPECT_EQ(seen.counter("fast_telemetry_dropped_records", {{"reason", "no_memory"}}), 19u);
  EXPECT_EQ(seen.counter("fast_telemetry_dropped_records", {{"reason", "reentrant"}}), 23u);
  EXPECT_EQ(seen.counter("fast_telemetry_dropped_records", {{"reason", "not_finite"}}), 29u);
  EXPECT_EQ(seen.counter("fast_telemetry_dropped_records", {{"reason", "negative"}}), 30u);
  EXPECT_EQ(seen.counter("fast_telemetry_dropped_records", {{"reason", "no_such_index"}}), 27u);
  EXPECT_EQ(seen.counter("fast_telemetry_final_values_dropped"), 37u);
  EXPECT_EQ(seen.gauge("fast_telemetry_final_values_held"), 31);
  EXPECT_EQ(seen.gauge("fast_telemetry_metrics"), 5);
  EXPECT_EQ(seen.gauge("fast_telemetry_cells"), 7);
  EXPECT_EQ(seen.gauge("fast_telemetry_storage_bytes", {{"state", "reserved"}}), 11);
  EXPECT_EQ(seen.gauge("fast_telemetry_storage_bytes", {{"state", "committed"}}), 12);
  EXPECT_EQ(seen.gauge("fast_telemetry_storage_bytes", {{"state", "resident"}}), 13);
  EXPECT_EQ(seen.counter("fast_telemetry_callback_problems", {{"problem", "failed"}}), 41u);
  EXPECT_EQ(seen.counter("fast_telemetry_callback_problems", {{"problem", "late"}}), 43u);
  EXPECT_EQ(seen.counter("fast_telemetry_callback_problems", {{"problem", "skipped"}}), 47u);
}

TEST(VisitStorageInfo, announces_families_as_other_metrics_are_announced) {
  ft::RecordingVisitor seen;
  ft::visit_families(example, seen);
  for (const ft::RecordedFamily& family : seen.families()) {
    EXPECT_EQ(family.scope, "fast_telemetry");
    EXPECT_FALSE(family.help.empty());
    EXPECT_EQ(family.full_name, "fast_telemetry_" + family.name + (family.unit == ft::Unit::bytes ? "_bytes" : ""));
    const bool is_sum = std::holds_alternative<std::uint64_t>(family.points.front().value);
    EXPECT_EQ(family.kind, is_sum ? ft::Kind::counter : ft::Kind::gauge);
  }
}

TEST(VisitStorageInfo, gives_its_series_ids_that_are_stable_and_nobody_elses) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Labeled<ft::Counter, Command> counter{registry, {.name = "c"}};
  const ft::RecordingVisitor others{reader};
  ft::RecordingVisitor first;
  ft::RecordingVisitor second;
  ft::visit_families(example, first);
  ft::visit_families(ft::storage_info(), second);
  std::set<std::uint64_t> ids;
  for (const ft::RecordedPoint& point : others.family("c").points) ids.insert(point.id);
  for (std::size_t f = 0; f < first.families().size(); ++f) {
    for (std::size_t p = 0; p < first.families()[f].points.size(); ++p) {
      EXPECT_EQ(first.families()[f].points[p].id, second.families()[f].points[p].id);
      EXPECT_TRUE(ids.insert(first.families()[f].points[p].id).second);
    }
  }
}

}  // namespace storage_info_test
