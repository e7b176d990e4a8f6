// SPDX-License-Identifier: Apache-2.0
//
// Extrema: what is observed while folds take what was there before reaches every reader.
#include "fast_telemetry/extrema.h"

#include <gtest/gtest.h>

#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"

namespace extrema_test {

namespace ft = fast_telemetry;

// Each number comes on top of smaller ones that keep the cell filled, so that folds are at work there, and stays the
// greatest until both readers have had it. Mutations: a fold that stores 0 whatever the cell has become; one that
// empties the cell before it keeps what was in it.
TEST(ExtremaGauges, lose_no_extremum_that_comes_while_a_fold_takes_another) {
  constexpr auto numbers = static_cast<std::int64_t>(stress::scaled(5'000));
  ft::Registry registry;
  ft::MaxGauge<std::int64_t> max{registry, {.name = "max"}};
  std::atomic<std::int64_t> written{0};
  std::array<std::atomic<std::int64_t>, 2> checked{};
  std::atomic<std::int64_t> lost{0};
  std::atomic<std::int64_t> nowhere{0};
  const auto check = [&](std::atomic<std::int64_t>& mine) {
    ft::Reader reader{registry};
    for (std::int64_t seen_most = 0; seen_most < numbers;) {
      const std::int64_t before = written.load(std::memory_order_acquire);
      const ft::RecordingVisitor seen{reader};
      reader.accept();
      if (seen.point_count("max") != 0) seen_most = std::max(seen_most, seen.gauge("max"));
      if (seen_most < before) ++lost;
      seen_most = std::max(seen_most, before);
      mine.store(before, std::memory_order_release);
    }
    mine.store(numbers, std::memory_order_release);
  };
  {
    std::vector<std::jthread> readers;
    for (auto& mine : checked) readers.emplace_back([&check, &mine] { check(mine); });
    for (std::int64_t n = 1; n <= numbers; ++n) {
      for (std::int64_t i = 0; i < 100 + n % 400; ++i) max.observe(n - 1);
      max.observe(n);
      written.store(n, std::memory_order_release);
      while (checked[0].load(std::memory_order_acquire) < n || checked[1].load(std::memory_order_acquire) < n) {
        if (max.value_or(0) < n) ++nowhere;
        std::this_thread::yield();
      }
    }
  }
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(nowhere, 0);
}

}  // namespace extrema_test
