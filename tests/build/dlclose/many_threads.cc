// SPDX-License-Identifier: Apache-2.0
//
// Several threads load a plugin, record in it and unload it, over and over, while a reader collects: whether a thread
// finds it loaded or loads it itself, the counter goes on where it was, and ends with everything.
//
// Mutation: without the descriptor's clearing behind the commit (rseq_x86_64.h) this dies with SIGSEGV, 5 of 5.
#include <dlfcn.h>

#include <atomic>
#include <barrier>
#include <cstdio>
#include <thread>
#include <vector>

#include "tests/support/calls.h"

int main(int, char** argv) {
  constexpr int threads = 4;
  constexpr int rounds = 200;
  ft::Reader reader{ft::default_registry()};
  std::barrier start{threads + 1};
  std::atomic<int> ended{0};
  std::atomic<const char*> wrong{nullptr};
  const auto load_record_unload = [&] {
    start.arrive_and_wait();
    for (int round = 0; round < rounds; ++round) {
      void* const plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
      if (plugin == nullptr) {
        wrong = "the plugin cannot be loaded";
        break;
      }
      reinterpret_cast<void (*)()>(dlsym(plugin, "plugin_record"))();
      if (dlclose(plugin) != 0) wrong = "the plugin cannot be unloaded";
    }
    ++ended;
  };
  {
    std::vector<std::jthread> loaders;
    for (int i = 0; i < threads; ++i) loaders.emplace_back(load_record_unload);
    start.arrive_and_wait();
    for (std::uint64_t last = 0; ended != threads;) {
      const std::uint64_t now = calls_seen(reader);
      if (now < last) wrong = "the counter stepped back";
      last = now;
    }
  }
  if (wrong != nullptr) return std::puts(wrong), 1;
  const std::uint64_t calls = calls_seen(reader);
  std::printf("%llu calls seen, expected %d\n", static_cast<unsigned long long>(calls), threads * rounds * 1000);
  return calls == threads * rounds * 1000 ? 0 : 1;
}
