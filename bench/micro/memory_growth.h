// SPDX-License-Identifier: Apache-2.0
//
// What series take.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/support/resident_memory.h"

/// What `work(first, end)` leaves in memory for `series` series, beyond what it needs for the first of them.
/// `everywhere` calls what it is given on each CPU that records.
template <class Everywhere, class Work>
std::uint64_t memory_growth(std::size_t series, const Everywhere& everywhere, const Work& work) {
  everywhere([&] { work(std::size_t{0}, std::size_t{1}); });
  const std::uint64_t before = resident_memory();
  everywhere([&] { work(std::size_t{1}, series); });
  const std::uint64_t after = resident_memory();
  return after > before ? after - before : 0;
}
