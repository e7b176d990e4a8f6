// SPDX-License-Identifier: Apache-2.0
//
// A thread records in a plugin and then sleeps in a system call, in the host's code, while another thread unloads the
// plugin. When it wakes, the kernel looks at its rseq area: a descriptor left there points into unmapped memory, and
// the kernel kills the process.
//
// Mutations: with `movq $0, 8(area)` behind the commit taken out of rseq_x86_64.h, and with a set's last counter added
// to by add_first, this dies with SIGSEGV.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <latch>
#include <string>
#include <thread>

#include "tests/support/calls.h"

namespace {

bool is_mapped(const std::string& path) {
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    if (line.find(path) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

int main(int, char** argv) {
  constexpr int rounds = 20;
  ft::Reader reader{ft::default_registry()};
  for (int round = 0; round < rounds; ++round) {
    void* const plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) return std::puts(dlerror()), 1;
    const auto record = reinterpret_cast<void (*)()>(dlsym(plugin, "plugin_record"));

    int wake[2];
    if (pipe(wake) != 0) return 1;
    std::latch recorded{1};
    std::thread sleeper{[&] {
      record();
      recorded.count_down();
      char byte = 0;
      while (read(wake[0], &byte, 1) < 0) {
      }
    }};
    recorded.wait();
    if (dlclose(plugin) != 0) return std::puts(dlerror()), 1;
    if (is_mapped(argv[1])) return std::puts("the plugin is still mapped: this run shows nothing"), 1;
    if (write(wake[1], "x", 1) != 1) return 1;
    sleeper.join();
    close(wake[0]);
    close(wake[1]);
  }
  // The plugin is gone, and its series (continued from load to load) is held for readers.
  const std::uint64_t calls = calls_seen(reader);
  std::printf("%llu calls seen after %d unloads\n", static_cast<unsigned long long>(calls), rounds);
  return calls == rounds * 1000 ? 0 : 1;
}
