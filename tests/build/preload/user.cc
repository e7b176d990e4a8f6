// SPDX-License-Identifier: Apache-2.0
//
// A program that uses the library itself. `user shared`: it exports its core, so there must be one registry, and a
// reader here sees what the preloaded object counted. `user apart`: each has a core, and each counts its own.
//
// Mutations: with an arena that has a dynamic initialiser (arena.cc), what was recorded before it ran is gone or
// crashes; linked without ENABLE_EXPORTS, `shared` sees nothing of the object's calls.
#include <dlfcn.h>
#include <fast_telemetry/counter.h>

#include <cstdio>
#include <string_view>
#include <thread>

#include "tests/support/calls.h"

namespace {

ft::Counter own{ft::default_registry(), {.name = "own_calls"}};

void record() {
  for (int i = 0; i < 1000; ++i) own.add();
}

bool is(const char* what, std::uint64_t found, std::uint64_t expected) {
  if (found == expected) return true;
  std::printf("%s: %llu calls, expected %llu\n", what, static_cast<unsigned long long>(found),
              static_cast<unsigned long long>(expected));
  return false;
}

}  // namespace

int main(int, char** argv) {
  const bool shared = std::string_view{argv[1]} == "shared";
  const auto preloaded_calls = reinterpret_cast<std::uint64_t (*)()>(dlsym(RTLD_DEFAULT, "preloaded_calls"));
  if (preloaded_calls == nullptr) return std::puts("the object is not preloaded: this run shows nothing"), 1;
  std::thread one{record};
  std::thread other{record};
  one.join();
  other.join();
  ft::Reader reader{ft::default_registry()};
  const bool well = is("own", own.value(), 2000) && is("own as read", calls_seen(reader, "own_calls"), 2000) &&
                    is("the preloaded object's, as read there", preloaded_calls(), 3000) &&
                    is("the preloaded object's, as read here", calls_seen(reader), shared ? 3000 : 0);
  return well ? 0 : 1;
}
