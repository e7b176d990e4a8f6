// SPDX-License-Identifier: Apache-2.0
//
// Out of memory: a registration that fails, at whichever allocation, has changed nothing.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <new>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "src/core/process.h"
#include "tests/support/allocation_counter.h"

namespace ft = fast_telemetry;

namespace out_of_memory_test {

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

constexpr std::uint64_t some_bounds[] = {10, 20, 30};

/// What can be seen of a registry and of the process, in words.
std::string state_of(ft::Registry& registry) {
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  std::string text = ft::RecordingVisitor{reader}.describe();
  const ft::StorageInfo info = ft::storage_info();
  for (const std::uint64_t figure : {info.metrics, info.cells, info.finals_held, info.finals_dropped}) {
    text += "\n" + std::to_string(figure);
  }
  const std::lock_guard lock{ft::detail::process().mutex};
  return text + "\n" + std::to_string(ft::detail::process().declared_cells);
}

struct Registration {
  const char* name;
  std::function<std::shared_ptr<void>(ft::Registry&)> make;
  const char* family;  ///< it shows up in
};

class OutOfMemory : public testing::TestWithParam<Registration> {};

TEST_P(OutOfMemory, in_a_registration_changes_nothing) {
  ft::set_diagnostics([](const ft::Diagnostic&, void*) noexcept {});
  ft::Registry registry;
  const ft::Reader late{registry};  // misses what gives way
  const ft::Counter living{ft::Scope{registry, "", {{"n", "1"}}}, {.name = "living", .help = "First."}};
  {
    ft::Counter counter{registry, {.name = "held"}};
    counter.add(3);
    ft::Histogram histogram{registry, {.name = "shape"}, {1, 2}};
    histogram.record(1);
    ft::Counter other_kind{registry, {.name = "kind"}};
    other_kind.add(5);
  }
  const std::string before = state_of(registry);

  std::shared_ptr<void> metric;
  std::uint64_t failures = 0;
  while (!metric) {
    ft::fail_allocation(failures + 1);
    try {
      metric = GetParam().make(registry);
      ft::fail_allocation(0);
    } catch (const std::bad_alloc&) {
      ft::fail_allocation(0);
      ++failures;
      ASSERT_EQ(state_of(registry), before) << "after allocation " << failures << " failed";
    }
  }
  ft::set_diagnostics(nullptr);
  EXPECT_GT(failures, 5u);
  ft::Reader reader{registry};
  EXPECT_TRUE(ft::RecordingVisitor{reader}.has(GetParam().family));
  EXPECT_NE(state_of(registry), before);
}

template <class Metric, class... Args>
Registration a(const char* test, const char* name, Args... args) {
  const auto make = [=](ft::Registry& registry) {
    const ft::Scope scope{registry, "", {{"n", "2"}}};
    return std::make_shared<Metric>(scope, ft::Info{.name = ft::Name::checked(name), .help = "Second."}, args...);
  };
  return {test, make, name};
}

INSTANTIATE_TEST_SUITE_P(
    of, OutOfMemory,
    testing::Values(a<ft::Counter>("a_new_family", "fresh"),
                    a<ft::Counter>("a_family_with_another_help_text", "living"),
                    a<ft::Gauge<double>>("a_gauge", "gauge"),
                    a<ft::Labeled<ft::Counter, Command>>("an_enum", "labeled"),
                    a<ft::Histogram>("a_histogram", "latency", ft::Bounds{some_bounds, 3}),
                    Registration{"a_series_that_returns",
                                 [](ft::Registry& registry) {
                                   return std::make_shared<ft::Counter>(registry, ft::Info{.name = "held"});
                                 },
                                 "held"},
                    Registration{"another_shape",
                                 [](ft::Registry& registry) {
                                   return std::make_shared<ft::Histogram>(registry, ft::Info{.name = "shape"},
                                                                          ft::Bounds{some_bounds, 3});
                                 },
                                 "shape"},
                    Registration{"another_kind",
                                 [](ft::Registry& registry) {
                                   return std::make_shared<ft::Gauge<double>>(registry, ft::Info{.name = "kind"});
                                 },
                                 "kind"}),
    [](const auto& test) { return std::string{test.param.name}; });

// Each allocation in the making of a series fails in turn: the record is in the overflow series, and counted; the next
// one makes the series, and nothing of the attempts is left.
//
// Mutations: live_ not taken back in DynamicIndex::make (the limit is reached too early); bad_alloc not caught in
// DynamicIndex::slow (the program ends).
TEST(OutOfMemoryInDynamic, a_series_that_cannot_be_made_goes_to_the_overflow_series) {
  constexpr std::uint32_t limit = 400;
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 1> requests{ft::Scope{registry}, {.name = "requests"}, {"x"}, {.max_series = limit}};
  const std::string ill_formed = std::string(1500, 'x') + "\xff";  // from the heap, and repaired before that
  std::uint64_t failures = 0;
  for (std::uint32_t i = 0; i < limit; ++i) {
    const std::string label = (i % 3 == 0 ? ill_formed : "") + std::to_string(i);
    for (std::uint64_t attempt = 1;; ++attempt) {
      const std::uint64_t overflows = requests.overflow_count();
      ft::fail_allocation(attempt);
      requests.at(label).add();
      ft::fail_allocation(0);
      if (requests.overflow_count() == overflows) break;
      ++failures;
      ASSERT_EQ(requests.overflow_count(), overflows + 1);
      ASSERT_EQ(requests.series_count(), i);
    }
    ASSERT_EQ(requests.series_count(), i + 1);
  }
  EXPECT_GT(failures, limit / 3);
  EXPECT_EQ(requests.overflow_count(), failures);
  ft::Reader reader{registry};
  EXPECT_EQ(ft::RecordingVisitor{reader}.sum("requests"), limit + failures);
}

// Mutation: bad_alloc thrown by a sweep half-way loses what it had cleared.
TEST(OutOfMemoryInDynamic, a_sweep_that_fails_loses_nothing) {
  if (!ft::storage_info().exact_retirement) GTEST_SKIP() << "no membarrier here";
  ft::Registry registry;
  ft::Dynamic<ft::Histogram, 1> sizes{
      ft::Scope{registry}, {.name = "sizes"}, {"x"}, {.max_series = 8}, ft::Bounds{some_bounds, 3}};
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
  std::uint64_t failures = 0;
  std::uint64_t recorded = 0;
  std::uint64_t seen = 0;
  for (std::uint64_t attempt = 1; attempt < 60; ++attempt) {
    for (std::uint64_t i = 0; i < 3; ++i, ++recorded) sizes.at((attempt + i) % 5).record(15);
    ft::fail_allocation(attempt % 20);
    try {
      static_cast<void>(sweeper.sweep());
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    ft::fail_allocation(0);
    const ft::RecordingVisitor window{reader};
    for (const auto& point : window.family("sizes").points) {
      seen += std::get<ft::RecordedHistogram>(point.value).count();
    }
    reader.accept();
  }
  EXPECT_GT(failures, 0U);
  EXPECT_EQ(seen, recorded);
}

}  // namespace out_of_memory_test
