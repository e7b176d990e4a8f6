// SPDX-License-Identifier: Apache-2.0
//
// Growth: the arena grows while others write, up to a bound that is refused with figures.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "src/core/arena.h"
#include "tests/stress/stress.h"

namespace growth_test {

namespace ft = fast_telemetry;

/// A histogram whose run has this many cells.
std::unique_ptr<ft::Histogram> histogram_of(std::size_t cells) {
  std::vector<std::uint64_t> bounds(cells - 2);
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = i;
  return std::make_unique<ft::Histogram>(ft::Bounds{bounds.data(), bounds.size()});
}

template <class Make>
std::string refusal(Make make) {
  try {
    make();
  } catch (const std::length_error& error) {
    return error.what();
  }
  return "not refused";
}

// Writers start on each metric the moment it exists, so its first write attaches it, in an extent that may be new.
//
// Mutation: a fold that takes the number of extents twice.
TEST(Growth, loses_nothing_while_writers_run) {
  constexpr std::size_t metric_count = 48;
  constexpr std::uint64_t adds = 20'000;
  ft::Registry registry;
  std::vector<std::unique_ptr<ft::Histogram>> wide;
  std::vector<std::unique_ptr<ft::Counter>> counters(metric_count);
  std::array<std::atomic<std::size_t>, 3> finished{};
  std::atomic<std::size_t> made{0};
  std::atomic<bool> done{false};
  std::uint64_t steps_back = 0;
  const std::uint64_t reserved_before = ft::storage_info().reserved_bytes;
  {
    std::jthread folder{[&] {
      ft::Reader reader{registry};
      std::uint64_t last = 0;
      while (!done.load(std::memory_order_acquire)) {
        const ft::RecordingVisitor seen{reader};
        const std::uint64_t now = seen.has("counter") ? seen.sum("counter") : 0;
        if (now < last) ++steps_back;
        last = now;
      }
    }};
    std::vector<std::jthread> writers;
    for (auto& mine : finished) {
      writers.emplace_back([&] {
        for (std::size_t i = 0; i < metric_count;) {
          if (i == made.load(std::memory_order_acquire)) {
            sched_yield();
            continue;
          }
          for (std::uint64_t n = 0; n < adds; ++n) counters[i]->add();
          mine.store(++i, std::memory_order_release);
        }
      });
    }
    for (std::size_t i = 0; i < metric_count; ++i) {
      // Two thirds of an extent: every second one opens a new extent.
      wide.push_back(histogram_of(ft::detail::max_run_cells * 2 / 3));
      wide.back()->record(i);
      const std::string number = std::to_string(i);
      counters[i] =
          std::make_unique<ft::Counter>(ft::Scope{registry, {}, {{"number", number}}}, ft::Info{.name = "counter"});
      made.store(i + 1, std::memory_order_release);
    }
    writers.clear();
    done.store(true, std::memory_order_release);
  }

  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  for (std::size_t i = 0; i < metric_count; ++i) {
    EXPECT_EQ(seen.counter("counter", {{"number", std::to_string(i)}}), finished.size() * adds);
    EXPECT_EQ(wide[i]->count(), 1U);
    EXPECT_EQ(wide[i]->sum(), static_cast<double>(i));
  }
  EXPECT_EQ(steps_back, 0U);
  EXPECT_GT(ft::storage_info().reserved_bytes, reserved_before) << "nothing grew: this run proves nothing";
}

// Mutation: `max_run_cells` not checked, or checked without the sum's cell or the spare point.
TEST(Growth, refuses_a_run_that_is_one_cell_too_long_with_the_figure) {
  const std::string most = std::to_string(ft::detail::max_run_cells);
  const auto largest = histogram_of(ft::detail::max_run_cells);
  largest->record(ft::detail::max_run_cells);
  EXPECT_EQ(largest->count(), 1U);
  EXPECT_EQ(largest->sum(), static_cast<double>(ft::detail::max_run_cells));

  const std::string said = refusal([] { return histogram_of(ft::detail::max_run_cells + 1); });
  EXPECT_NE(said.find(most), std::string::npos) << said;
  EXPECT_NE(said.find(std::to_string(ft::detail::max_run_cells - 1)), std::string::npos) << said;
}

enum class Byte : std::uint8_t {};
constexpr ft::Label label(Byte) { return {"byte", "any"}; }

// Mutation: label combinations multiplied in 32 bits; the spare point forgotten.
TEST(Growth, refuses_label_combinations_that_exceed_a_run_with_both_figures) {
  ft::Registry registry;
  using TooMany = ft::Labeled<ft::Histogram, Byte, Byte>;
  static_assert(TooMany::combinations == 65536);
  const std::string said = refusal([&] {
    return std::make_unique<TooMany>(registry, ft::Info{.name = "m"},
                                     ft::Bounds{std::initializer_list<std::uint64_t>{1}});
  });
  EXPECT_NE(said.find("65537"), std::string::npos) << said;
  EXPECT_NE(said.find(std::to_string(ft::detail::max_run_cells)), std::string::npos) << said;
}

}  // namespace growth_test
