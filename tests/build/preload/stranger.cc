// SPDX-License-Identifier: Apache-2.0
//
// A program that knows nothing of the library.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>

int main() {
  const auto preloaded_calls = reinterpret_cast<std::uint64_t (*)()>(dlsym(RTLD_DEFAULT, "preloaded_calls"));
  if (preloaded_calls == nullptr) return std::puts("the object is not preloaded: this run shows nothing"), 1;
  if (preloaded_calls() == 3000) return 0;
  return std::printf("%llu calls\n", static_cast<unsigned long long>(preloaded_calls())), 1;
}
