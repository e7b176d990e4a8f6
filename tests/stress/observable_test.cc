// SPDX-License-Identifier: Apache-2.0
//
// Observable metrics: their ends race with collections that call them, and readers race for one callback.
#include "fast_telemetry/observable.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/testing/ignoring_visitor.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"

namespace observable_test {

namespace ft = fast_telemetry;

class Ignorer final : public ft::IgnoringVisitor {};

// Mutations to try: the destructor does not wait for a call under way (seen red with the unit test of the same);
// `ended` not set before it waits.
TEST(Observable, is_not_called_once_its_destructor_has_returned) {
  ft::Registry registry;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> calls_of_dead{0};
  {
    std::vector<std::jthread> collectors;
    for (int i = 0; i < 3; ++i) {
      collectors.emplace_back([&] {
        ft::Reader reader{registry};
        Ignorer visitor;
        while (!done) reader.collect().visit(visitor);
      });
    }
    std::vector<std::jthread> owners;
    for (std::uint64_t owner = 0; owner < 2; ++owner) {
      owners.emplace_back([&, owner] {
        const std::string number = std::to_string(owner);
        const ft::Scope scope{registry, "", {{"owner", number}}};
        for (std::uint64_t i = 0; i < stress::scaled(20'000); ++i) {
          std::atomic<bool> alive{true};
          auto metric = std::make_unique<ft::ObservableGauge<std::int64_t>>(scope, ft::Info{.name = "g"}, [&] {
            for (int look = 0; look < 20; ++look) calls_of_dead += alive ? 0 : 1;
            ++calls;
            return 1;
          });
          // Sometimes after a call, sometimes on top of one, sometimes before any.
          if (i % 3 == 0) std::this_thread::yield();
          metric.reset();
          alive = false;
        }
      });
    }
    owners.clear();
    done = true;
  }
  EXPECT_GT(calls, 0u);
  EXPECT_EQ(calls_of_dead, 0u);
}

// Mutation to try: callbacks called by several threads at a time, whose reports then mix (totals fall, and begin
// again).
TEST(Observable, counter_adds_up_to_its_total_for_every_reader_that_races_for_its_callback) {
  ft::Registry registry;
  std::atomic<std::uint64_t> source{0};
  const ft::ObservableCounter<std::uint64_t> counter{registry, {.name = "c"}, [&] { return source.load(); }};
  std::atomic<bool> done{false};
  std::vector<std::uint64_t> sums(3);
  {
    std::vector<std::jthread> collectors;
    for (std::uint64_t& sum : sums) {
      collectors.emplace_back([&] {
        ft::Reader reader{registry, {.temporality = ft::Temporality::delta, .callback_budget_ns = 60'000'000'000}};
        const auto collect = [&] {
          sum += ft::RecordingVisitor{reader}.counter("c");
          reader.accept();
        };
        while (!done) collect();
        collect();
      });
    }
    for (std::uint64_t i = 0; i < stress::scaled(2'000'000); ++i) ++source;
    done = true;
  }
  for (const std::uint64_t sum : sums) EXPECT_EQ(sum, source);
}

}  // namespace observable_test
