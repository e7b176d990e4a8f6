// SPDX-License-Identifier: Apache-2.0
//
// curves_bench --curve NAME [--size check|quick|full]: prints one curve, a line of JSON per point. --list: the names.
// Exit code 2: something was counted wrong.
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "curves.h"

namespace curves {

void emit(const Point& point) {
  std::printf(R"({"curve": "%.*s", "x": %.6g, "series": "%.*s", "value": %.6g, "unit": "%.*s"})"
              "\n",
              static_cast<int>(point.curve.size()), point.curve.data(), point.x, static_cast<int>(point.series.size()),
              point.series.data(), point.value, static_cast<int>(point.unit.size()), point.unit.data());
}

void expect(std::string_view what, std::uint64_t found, std::uint64_t expected) {
  if (found == expected) return;
  throw std::runtime_error{std::string{what} + ": found " + std::to_string(found) + ", expected " +
                           std::to_string(expected)};
}

namespace {

/// The process's exit status.
int run(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "curves_bench: %s\n", wrong.what());
    return 2;
  }
  return std::fflush(stdout) == 0 ? 0 : 2;
}

}  // namespace

void in_child(const std::function<void()>& work) {
  std::fflush(stdout);  // or the child would print it again
  const pid_t child = fork();
  if (child == 0) _exit(run(work));
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error{"a measurement in a process of its own failed, status " + std::to_string(status)};
  }
}

std::int64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double median_time_ns(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto time_of = [&](int calls) {
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) work();
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  };
  // Short ones go together, so that reading the clock does not count.
  const int calls = std::max(1, static_cast<int>(20'000 / std::max(time_of(1), 1.0)));
  std::vector<double> times;
  for (const auto first = Clock::now(); times.size() < 3 || Clock::now() - first < std::chrono::milliseconds{20};) {
    times.push_back(time_of(calls) / calls);
  }
  return median(std::move(times));
}

std::vector<std::size_t> series_counts(Size size) {
  std::vector<std::size_t> counts;
  const std::size_t most = choose(size, std::size_t{1'000}, std::size_t{100'000}, std::size_t{1'000'000});
  for (std::size_t count = 1; count <= most; count *= 10) counts.push_back(count);
  return counts;
}

namespace {

struct Curve {
  std::string_view name;
  void (*draw)(Size);
};

constexpr std::array all{
    Curve{"threads", draw_threads},
    Curve{"series", draw_series},
    Curve{"latency", draw_latency},
    Curve{"thread_churn", draw_thread_churn},
    Curve{"fold", draw_fold},
    Curve{"encode", draw_encode},
    Curve{"simulated_fold", draw_simulated_fold},
    Curve{"simulated_memory", draw_simulated_memory},
};

int usage() {
  std::fputs("usage: curves_bench --list | --curve NAME [--size check|quick|full]\n", stderr);
  return 1;
}

}  // namespace
}  // namespace curves

int main(int argc, char** argv) {
  using namespace curves;
  const std::vector<std::string_view> arguments{argv + 1, argv + argc};
  if (arguments.size() == 1 && arguments[0] == "--list") {
    for (const Curve& curve : all) std::printf("%s\n", curve.name.data());
    return 0;
  }
  std::string_view name;
  std::string_view size = "quick";
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) return usage();
    if (arguments[i] == "--curve") {
      name = arguments[i + 1];
    } else if (arguments[i] == "--size") {
      size = arguments[i + 1];
    } else {
      return usage();
    }
  }
  constexpr std::array sizes{std::string_view{"check"}, std::string_view{"quick"}, std::string_view{"full"}};
  const auto* const curve = std::find_if(all.begin(), all.end(), [&](const Curve& c) { return c.name == name; });
  const auto* const chosen = std::find(sizes.begin(), sizes.end(), size);
  if (curve == all.end() || chosen == sizes.end()) return usage();
  return run([&] { curve->draw(static_cast<Size>(chosen - sizes.begin())); });
}
