// SPDX-License-Identifier: Apache-2.0
//
// Gzip when memory runs out in the middle of a text. The linker hands the library's calls of realloc to us.
//
// Mutation: without `z.avail_in = 0` in gzip.cc the next text is compressed behind the rest of the one before.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <random>
#include <string>

#include "src/export/gzip.h"
#include "tests/support/gunzip.h"

namespace ft = fast_telemetry;

namespace gzip_memory_test {

bool memory_is_left = true;

extern "C" {
void* __real_realloc(void* old, std::size_t size);  // NOLINT(bugprone-reserved-identifier): the linker's names
void* __wrap_realloc(void* old, std::size_t size);  // NOLINT(bugprone-reserved-identifier)

void* __wrap_realloc(void* old, std::size_t size) { return memory_is_left ? __real_realloc(old, size) : nullptr; }
}

TEST(Gzip, what_ran_out_of_memory_leaves_nothing_for_the_next_body) {
  std::string text(1'000'000, '\0');
  std::mt19937 random{7};
  for (char& c : text) c = static_cast<char>(random());

  ft::detail::Gzip gzip;
  ft::ByteBuffer out;
  out.reserve(100'000);  // enough to begin, too little for what does not compress
  memory_is_left = false;
  EXPECT_THROW(gzip.compress(text, out), std::bad_alloc);
  memory_is_left = true;

  out.clear();
  gzip.compress("text", out);
  EXPECT_TRUE(ft::gunzip(out.view()) == "text");  // what else it may be is a megabyte
}

}  // namespace gzip_memory_test
