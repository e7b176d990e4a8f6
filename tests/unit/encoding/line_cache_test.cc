// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/line_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace ft = fast_telemetry;
using ft::detail::LineCache;

namespace line_cache_test {

/// The block of a series: long enough to be told apart, and of differing lengths.
std::string block_of(std::uint64_t id) { return std::string(id % 50, 'x') + "series " + std::to_string(id) + " "; }

/// One collection: what the cache gave back, or was given, per series. Counts what had to be rendered.
int collect(LineCache& cache, const std::vector<std::uint64_t>& ids) {
  int rendered = 0;
  cache.begin();
  for (const std::uint64_t id : ids) {
    std::size_t size = 0;
    const char* const block = cache.find(id, size);
    if (block == nullptr) {
      const std::size_t begin = cache.arena().size();
      cache.arena().append(block_of(id));
      cache.insert(id, begin);
      ++rendered;
    } else {
      EXPECT_EQ((std::string{block, size}), block_of(id));
    }
  }
  cache.end();
  return rendered;
}

std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t id = from; id < to; ++id) ids.push_back(id);
  return ids;
}

TEST(LineCache, renders_each_series_once_while_nothing_changes) {
  LineCache cache;
  EXPECT_EQ(collect(cache, numbers(0, 100)), 100);
  EXPECT_EQ(collect(cache, numbers(0, 100)), 0);
  EXPECT_EQ(collect(cache, numbers(0, 100)), 0);
}

TEST(LineCache, renders_only_what_appeared) {
  LineCache cache;
  collect(cache, {1, 2, 3});
  EXPECT_EQ(collect(cache, {1, 2, 3, 4}), 1) << "at the end";
  EXPECT_EQ(collect(cache, {5, 1, 2, 3, 4}), 1) << "at the beginning";
  EXPECT_EQ(collect(cache, {5, 1, 2, 6, 7, 3, 4}), 2) << "in the middle";
  EXPECT_EQ(collect(cache, {5, 1, 2, 6, 7, 3, 4}), 0);
}

TEST(LineCache, renders_nothing_because_something_vanished) {
  LineCache cache;
  collect(cache, numbers(0, 10));
  EXPECT_EQ(collect(cache, {0, 1, 2, 4, 5, 6, 7, 8, 9}), 0) << "from the middle";
  EXPECT_EQ(collect(cache, {1, 2, 4, 5, 6, 7, 8, 9}), 0) << "from the beginning";
  EXPECT_EQ(collect(cache, {1, 2, 4, 5, 6, 7}), 0) << "from the end";
  EXPECT_EQ(collect(cache, {}), 0);
}

TEST(LineCache, forgets_what_a_collection_did_not_show) {
  LineCache cache;
  collect(cache, {1, 2, 3});
  collect(cache, {1, 3});
  EXPECT_EQ(collect(cache, {1, 2, 3}), 1);
  collect(cache, {1, 2});
  EXPECT_EQ(collect(cache, {1, 2, 3}), 1);
}

TEST(LineCache, renders_nothing_because_the_order_changed) {
  LineCache cache;
  std::vector<std::uint64_t> ids = numbers(0, 1000);
  collect(cache, ids);
  std::mt19937 random{3};
  for (int i = 0; i < 10; ++i) {
    std::shuffle(ids.begin(), ids.end(), random);
    EXPECT_EQ(collect(cache, ids), 0);
    EXPECT_EQ(collect(cache, ids), 0);
  }
}

// Mutation seen red: replace taking the entry that is expected next.
TEST(LineCache, a_block_can_be_replaced_once_it_is_found) {
  LineCache cache;
  collect(cache, {1, 2, 3});
  for (const std::vector<std::uint64_t>& ids : {std::vector<std::uint64_t>{1, 2, 3}, {3, 2, 1}}) {
    const std::string text = "block " + std::to_string(ids[0]);
    std::size_t size = 0;
    cache.begin();
    for (const std::uint64_t id : ids) {
      ASSERT_NE(cache.find(id, size), nullptr);
      if (id != 2) continue;
      const std::size_t begin = cache.arena().size();
      cache.arena().append(text);
      cache.replace(begin);
    }
    cache.end();
    cache.begin();
    for (const std::uint64_t id : ids) {
      const char* const block = cache.find(id, size);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ((std::string{block, size}), id == 2 ? text : block_of(id));
    }
    cache.end();
  }
}

// Mutation seen red: end not compacting after a replacement.
TEST(LineCache, memory_stays_bounded_while_blocks_are_replaced) {
  LineCache cache;
  collect(cache, {1, 2});
  for (int round = 0; round < 10'000; ++round) {
    std::size_t size = 0;
    cache.begin();
    for (const std::uint64_t id : {1u, 2u}) {
      ASSERT_NE(cache.find(id, size), nullptr);
      const std::size_t begin = cache.arena().size();
      cache.arena().append(std::string(100, 'x'));
      cache.replace(begin);
    }
    cache.end();
  }
  EXPECT_LT(cache.held_bytes(), 256 * 1024u);
}

TEST(LineCache, a_collection_that_never_ended_changes_nothing_for_the_next) {
  LineCache cache;
  collect(cache, numbers(0, 10));
  std::size_t size = 0;
  cache.begin();
  EXPECT_NE(cache.find(0, size), nullptr);
  EXPECT_NE(cache.find(5, size), nullptr);
  EXPECT_EQ(cache.find(77, size), nullptr);
  const std::size_t begin = cache.arena().size();
  cache.arena().append(block_of(77));
  cache.insert(77, begin);
  EXPECT_EQ(collect(cache, numbers(0, 10)), 0);
  EXPECT_EQ(collect(cache, {0, 77, 5}), 1) << "77 was never shown";
}

// Whatever comes, goes and moves: blocks are those of their series, and only new ones are rendered.
TEST(LineCache, gives_every_series_its_own_block_whatever_changes) {
  std::mt19937 random{4};
  const auto position = [&](std::size_t size) { return static_cast<std::ptrdiff_t>(random() % size); };
  LineCache cache;
  std::vector<std::uint64_t> ids;
  std::uint64_t next = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t first_new = next;
    for (auto changes = random() % 4; changes > 0; --changes) {
      const auto change = random() % 4;
      if (change < 2 || ids.empty()) {
        ids.insert(ids.begin() + position(ids.size() + 1), next++);
      } else if (change == 2) {
        ids.erase(ids.begin() + position(ids.size()));
      } else {
        std::iter_swap(ids.begin() + position(ids.size()), ids.begin() + position(ids.size()));
      }
    }
    ASSERT_EQ(collect(cache, ids), std::count_if(ids.begin(), ids.end(), [&](auto id) { return id >= first_new; }));
    ASSERT_EQ(collect(cache, ids), 0);
  }
}

// Seen red while begin() did not look back.
TEST(LineCache, memory_stays_bounded_while_no_collection_is_ended) {
  LineCache cache;
  collect(cache, {1, 2});
  const auto render = [&] {
    const std::size_t begin = cache.arena().size();
    cache.arena().append(std::string(100, 'x'));
    return begin;
  };
  std::size_t size = 0;
  for (std::uint64_t round = 3; round < 10'000; ++round) {
    cache.begin();
    ASSERT_NE(cache.find(2, size), nullptr);
    ASSERT_EQ(cache.find(round, size), nullptr);
    cache.insert(round, render());
  }
  EXPECT_LT(cache.held_bytes(), 256 * 1024u) << "with new series";
  for (int round = 0; round < 10'000; ++round) {
    cache.begin();
    ASSERT_NE(cache.find(1, size), nullptr);
    cache.replace(render());
  }
  EXPECT_LT(cache.held_bytes(), 256 * 1024u) << "with blocks replaced";
}

// The bound: series of one collection, twice, however many there were before.
TEST(LineCache, memory_stays_bounded_while_series_come_and_go) {
  constexpr std::uint64_t alive = 1000;
  LineCache cache;
  collect(cache, numbers(0, alive));
  std::size_t most = 0;
  for (std::uint64_t round = 1; round < 300; ++round) {
    collect(cache, numbers(100 * round, 100 * round + alive));
    most = std::max(most, cache.held_bytes());
  }
  EXPECT_LT(most, 64 * 1024 + alive * 400);

  collect(cache, numbers(0, 20'000));
  collect(cache, numbers(0, 10));
  EXPECT_LT(cache.held_bytes(), 64 * 1024u) << "after a peak has passed";
}

}  // namespace line_cache_test
