// SPDX-License-Identifier: Apache-2.0
//
// What 10 000 counter series with two labels take: resident memory of a process, before and after each series has been
// recorded into on two CPUs. Prints JSON. Each measurement is a child process of its own.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/registry.h"
#include "memory_growth.h"
#include "on_cpus.h"

#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>
#endif

namespace ft = fast_telemetry;

namespace {

constexpr std::size_t series = 10'000;

std::string tenant(std::size_t i) { return "tenant-" + std::to_string(i / 10); }
std::string route(std::size_t i) { return "/v1/route/" + std::to_string(i % 10); }

void on_two_cpus(const std::function<void()>& work) { on_cpus(2, work); }

void measure_ours() {
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 2> counter{
      ft::Scope{registry}, {.name = "requests"}, {"tenant", "route"}, {.max_series = series}};
  const std::uint64_t bytes = memory_growth(series, on_two_cpus, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) counter.at(tenant(i), route(i)).add();
  });
  // A shard that is written has a page per 512 cells.
  const std::uint64_t per_shard = (series * sizeof(std::uint64_t) + 4095) / 4096 * 4096;
  std::printf(R"({"what": "Dynamic<Counter, 2>", "bytes": %lu, "bytes_16_cpus": %lu, "bytes_64_cpus": %lu})"
              "\n",
              bytes, bytes + 14 * per_shard, bytes + 62 * per_shard);
}

#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
void measure_prometheus_cpp() {
  prometheus::Registry registry;
  auto& family = prometheus::BuildCounter().Name("requests").Help("Requests.").Register(registry);
  const std::uint64_t bytes = memory_growth(series, on_two_cpus, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) family.Add({{"tenant", tenant(i)}, {"route", route(i)}}).Increment();
  });
  std::printf(R"({"what": "prometheus-cpp", "bytes": %lu, "bytes_16_cpus": %lu, "bytes_64_cpus": %lu})"
              "\n",
              bytes, bytes, bytes);
}
#endif

bool in_child(void (*measure)()) {
  const pid_t child = fork();
  if (child == 0) {
    measure();
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

int main() {
  bool done = in_child(measure_ours);
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
  done = in_child(measure_prometheus_cpp) && done;
#endif
  return done ? 0 : 1;
}
