// SPDX-License-Identifier: Apache-2.0
//
// Memory limits: address space that is refused, and programs that lock their memory. Each case in a process of its own,
// before the first metric. Not for sanitizers, which take address space without measure and ignore mlockall.
//
// Parity: W-04 (memory is paid by the CPUs that record, also when all of it is locked).
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <fstream>
#include <memory>
#include <set>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"
#include "tests/support/kept_exemplars.h"

namespace memory_limits_test {

namespace ft = fast_telemetry;

/// Leaves this process `room` bytes of address space beyond what it has now.
void leave_address_space(std::uint64_t room) {
  // The heap gets what the test itself needs first: what is tried here is the arena. It is more than any rest the heap
  // may have, and the volatile pointer keeps the compiler from taking the pair of calls away.
  mallopt(M_MMAP_THRESHOLD, 16 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  void* volatile reserve = malloc(8 << 20);
  free(reserve);
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t pages = 0;
  file >> pages;
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) + room;
  setrlimit(RLIMIT_AS, &limit);
}

void give_address_space_back() {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_AS, &limit);
}

/// Records with so much room left: what came of it in a word, or a sentence about what is wrong.
std::string record_with_room(std::uint64_t room) {
  leave_address_space(room);
  stress::Findings findings;
  ft::Registry registry;
  ft::Counter counter{registry, {.name = "counter"}};
  ft::Gauge<std::int64_t> gauge{registry, {.name = "gauge"}};
  ft::Histogram histogram{registry, {.name = "histogram"}, {1, 10}};
  for (int n = 0; n < 10; ++n) counter.add();
  gauge.set(3);
  histogram.record(5);

  const ft::StorageInfo info = ft::storage_info();
  findings.expect_equal(
      "what was kept or counted as dropped",
      counter.value() + static_cast<std::uint64_t>(gauge.get()) / 3 + histogram.count() + info.dropped_no_memory, 12U);
  std::string outcome = info.path == ft::WritePath::restartable_sequence ? "restartable" : "locked";
  const bool refused = info.path_reason.find("address space") != std::string_view::npos;
  if (refused) outcome += " by refusal";
  if (counter.value() == 0) outcome = "dropped";

  give_address_space_back();
  const std::uint64_t before = counter.value();
  // A refusal is remembered for as many records at most.
  for (int n = 0; n < 1024; ++n) counter.add();
  const ft::StorageInfo after = ft::storage_info();
  findings.expect_equal("what was kept or dropped when there was room again",
                        counter.value() - before + after.dropped_no_memory - info.dropped_no_memory, 1024U);
  findings.expect(counter.value() > before, "nothing is kept though there is room again");
  if (outcome != "dropped") findings.expect_equal("the counter", counter.value(), 10U + 1024U);
  ft::Reader reader{registry};
  findings.expect_equal("the counter as a reader sees it", ft::RecordingVisitor{reader}.counter("counter"),
                        counter.value());
  return findings.text().empty() ? outcome : findings.text();
}

// From no room at all to more than enough, in steps smaller than one shard.
//
// Mutations: a mapping's failure not looked at (crash in add); no smaller arena tried; the drop not counted; a refused
// extent never tried again; the sum of an observation counted as a drop of its own.
TEST(AddressSpace, that_is_refused_gives_a_stated_fallback_or_counted_drops) {
  std::set<std::string> outcomes;
  std::uint64_t shards = 0;
  // What one extent takes, as a child finds it.
  const std::string reserved = stress::in_child([] {
    const ft::Counter counter;
    return std::to_string(ft::storage_info().shards);
  });
  shards = std::stoull(reserved);
  constexpr std::uint64_t shard_bytes = 256U << 10U;
  for (std::uint64_t room = 0; room <= (shards + 4) * shard_bytes; room += shard_bytes / 2) {
    const std::string outcome = stress::in_child([room] { return record_with_room(room); });
    const std::set<std::string> stated{"restartable", "locked", "locked by refusal", "dropped"};
    EXPECT_TRUE(stated.contains(outcome)) << "with " << room << " bytes: " << outcome;
    outcomes.insert(outcome);
  }
  if (stress::is_rseq_run()) {
    EXPECT_EQ(outcomes, (std::set<std::string>{"dropped", "locked by refusal", "restartable"}));
  } else {
    EXPECT_EQ(outcomes, (std::set<std::string>{"dropped", "locked"}));
  }
}

// Mutation: a missing slot is written to (crash).
TEST(AddressSpace, that_is_refused_for_exemplars_costs_no_observation) {
  const std::string wrong = stress::in_child([] {
    stress::Findings findings;
    ft::Registry registry;
    ft::Histogram histogram{registry, {.name = "histogram"}, {1, 10}};
    ft::Reader reader{registry};
    histogram.record(5);
    static_cast<void>(reader.collect());  // it has what it needs but for exemplars
    leave_address_space(0);
    for (std::uint64_t n = 0; n < 10; ++n) histogram.record(5, ft::trace_of(n));
    const std::string refused = ft::exemplars_in(reader.collect());
    give_address_space_back();
    findings.expect(refused.empty(), "there is room for exemplars: this proves nothing");
    findings.expect_equal("the count", histogram.count(), 11U);
    // A refusal is remembered for as many attempts at most.
    for (std::uint64_t n = 0; n < 1024; ++n) histogram.record(5, ft::trace_of(1));
    findings.expect_equal("the count with room again", histogram.count(), 1035U);
    const std::string found = ft::exemplars_in(reader.collect());
    findings.expect(found == "histogram 10.000000: 5 of 1\n", "with room again: " + found);
    return findings.text();
  });
  EXPECT_EQ(wrong, "");
}

// Mutation: extents mapped accessible at once, or not unlocked before they become so (every page of every shard is then
// filled: 256 KiB for each CPU and extra shard).
TEST(LockedMemory, does_not_fill_the_shards_that_nobody_writes) {
  const std::string wrong = stress::in_child([] {
    if (mlockall(MCL_FUTURE) != 0) return std::string{"cannot lock memory here"};
    stress::Findings findings;
    std::vector<std::unique_ptr<ft::Counter>> counters;
    for (int i = 0; i < 50; ++i) {
      counters.push_back(std::make_unique<ft::Counter>());
      counters.back()->add();
    }
    ft::Gauge<double> gauge;
    gauge.set(1);
    const ft::StorageInfo info = ft::storage_info();
    for (const auto& counter : counters) findings.expect_equal("a counter", counter->value(), 1U);
    // One page for each shard that was written, at most all of them, and one for the gauge.
    findings.expect(info.resident_bytes <= (info.shards + 1) * 4096ULL,
                    std::to_string(info.resident_bytes) + " bytes are resident for 50 counters and a gauge");
    return findings.text();
  });
  EXPECT_EQ(wrong, "");
}

}  // namespace memory_limits_test
