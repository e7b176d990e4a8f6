// SPDX-License-Identifier: Apache-2.0
//
// Exhaustion: the arena's bound is an error where a metric is made. A program of its own, because it takes all there
// is.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/storage_info.h"
#include "src/core/arena.h"

namespace exhaustion_test {

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

// 33 million cells, declared and attached: address space only, since nobody reads them.
//
// Mutations: the capacity not checked at construction (the record is dropped instead); cells of refused metrics counted
// as declared; cells of destroyed metrics not given back.
TEST(Exhaustion, refuses_a_metric_when_the_arena_is_exhausted_and_takes_it_when_there_is_room_again) {
  std::vector<std::unique_ptr<ft::Histogram>> all;
  std::string said;
  for (std::size_t i = 0; i <= ft::detail::max_extents; ++i) {
    said = refusal([&] {
      all.push_back(histogram_of(ft::detail::max_run_cells));
      all.back()->record(1);
    });
    if (said != "not refused") break;
  }
  EXPECT_EQ(all.size(), ft::detail::max_extents);
  const std::string capacity = std::to_string(ft::detail::max_extents * ft::detail::max_run_cells);
  EXPECT_NE(said.find(capacity + " of " + capacity), std::string::npos) << said;
  EXPECT_NE(refusal([] { return std::make_unique<ft::Counter>(); }), "not refused");

  for (const auto& histogram : all) ASSERT_EQ(histogram->sum(), 1.0);
  EXPECT_EQ(ft::storage_info().dropped_no_memory, 0U);
  all[7].reset();
  all[7] = histogram_of(ft::detail::max_run_cells);
  all[7]->record(2);
  EXPECT_EQ(all[7]->sum(), 2.0);
}

}  // namespace exhaustion_test
