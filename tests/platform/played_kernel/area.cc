// SPDX-License-Identifier: Apache-2.0
//
// libc's two symbols, as this program's own: an executable's definitions come before a library's. On its own, because
// the library declares them constant, as libc does.
#include "area.h"

extern "C" {
unsigned int __rseq_size = sizeof(played::Area);
std::ptrdiff_t __rseq_offset = 0;
}

namespace played {

constinit thread_local Area area{};

namespace {

[[gnu::constructor(101)]] void find_area() {
  __rseq_offset = reinterpret_cast<char*>(&area) - static_cast<char*>(__builtin_thread_pointer());
}

}  // namespace

}  // namespace played
