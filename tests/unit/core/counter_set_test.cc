// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/counter_set.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace counter_set_test {

namespace ft = fast_telemetry;

enum Slot : std::uint8_t { requests, bytes, errors };
enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

// CS-1, CS-4, CS-9. Mutation: the index is not looked at.
TEST(CounterSet, adds_by_number_and_by_enum) {
  ft::CounterSet<3> set;
  set.add(0);
  set.add(1u, 10);
  set.add(bytes, 5);
  set.add(errors, 2);
  EXPECT_EQ(set.values()[requests], 1u);
  EXPECT_EQ(set.values()[bytes], 15u);
  EXPECT_EQ(set.values()[errors], 2u);
}

// CS-5, CS-8. Mutation: all get the first value.
TEST(CounterSet, adds_to_all_at_once) {
  ft::CounterSet<3> set;
  set.add_all();
  set.add_all(2);
  set.add_values({1, 2, 3});
  EXPECT_EQ(set.values()[0], 4u);
  EXPECT_EQ(set.values()[1], 5u);
  EXPECT_EQ(set.values()[2], 6u);
}

// CS-11. Mutation: an index that is one too high is taken.
TEST(CounterSet, counts_an_index_that_is_none_as_dropped) {
  ft::CounterSet<3> set;
  const std::uint64_t before = ft::storage_info().dropped_no_such_index;
  set.add(3);
  set.add(-1);
  set.add(static_cast<Slot>(200));
  EXPECT_EQ(ft::storage_info().dropped_no_such_index, before + 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(set.values()[i], 0u);
}

// CS-13, W-27: exported, unlike the original's. CS-10, W-08: a reader sees every add, also of an idle owner, and has a
// baseline of its own. Mutations: the baseline is not subtracted; all values go to the first.
TEST(CounterSet, is_exported_as_the_families_it_is_made_of) {
  ft::Registry registry;
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  ft::CounterSet<3> set{registry, {{.name = "requests"}, {.name = "io", .unit = ft::Unit::bytes}, {.name = "errors"}}};
  set.add_values({1, 512, 0});
  EXPECT_EQ(ft::RecordingVisitor{delta}.counter("io_bytes"), 512u);
  delta.accept();
  set.add(requests);
  const ft::RecordingVisitor seen{delta};
  EXPECT_EQ(seen.counter("requests"), 1u);
  EXPECT_EQ(seen.counter("io_bytes"), 0u);
  EXPECT_EQ(seen.counter("errors"), 0u);
}

TEST(CounterSet, leaves_nothing_alive_when_one_of_its_counters_is_refused) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Counter taken{registry, {.name = "errors"}};
  EXPECT_THROW((ft::CounterSet<2>{registry, {{.name = "requests"}, {.name = "errors"}}}), std::invalid_argument);
  EXPECT_EQ(ft::RecordingVisitor{reader}.point_count(), 2u);  // a retired one without value among them
}

// Mutation: all points are the first.
TEST(LabeledCounterSet, has_a_set_per_point) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Labeled<ft::CounterSet<2>, Command> set{registry,
                                              {{.name = "requests"}, {.name = "io", .unit = ft::Unit::bytes}}};
  set.with(Command::set).add_values({1, 100});
  set.with(Command::set).add(0);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("requests", {{"command", "set"}}), 2u);
  EXPECT_EQ(seen.counter("io_bytes", {{"command", "set"}}), 100u);
  EXPECT_EQ(seen.counter("requests", {{"command", "get"}}), 0u);
}

// Mutation: one CPU's cells are not read.
TEST(CounterSet, loses_nothing_when_many_threads_add) {
  ft::CounterSet<2> set;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50'000; ++i) set.add_values({1, 3});
      });
    }
  }
  EXPECT_EQ(set.values()[0], 200'000u);
  EXPECT_EQ(set.values()[1], 600'000u);
}

}  // namespace counter_set_test
