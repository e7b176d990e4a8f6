// SPDX-License-Identifier: Apache-2.0
//
// A curve: one figure at many sizes. Each file here draws one or two of them and checks what it counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace curves {

enum class Size : std::uint8_t {
  check,  ///< that it runs and counts right
  quick,  ///< all curves in three minutes
  full,   ///< a million series; all in ten minutes
};

template <class T>
T choose(Size size, T check, T quick, T full) {
  return size == Size::check ? check : size == Size::quick ? quick : full;
}

struct Point {
  std::string_view curve;
  double x;
  std::string_view series;
  double value;
  std::string_view unit;
};

/// Prints it as a line of JSON.
void emit(const Point& point);

/// Throws when `found` is something else, which makes the program fail.
void expect(std::string_view what, std::uint64_t found, std::uint64_t expected);

/// Runs `work` in a process of its own, and throws when it failed there. The caller has no metric and no thread: a
/// child would inherit the one and lack the other.
void in_child(const std::function<void()>& work);

/// CPU time of this thread.
[[nodiscard]] std::int64_t thread_cpu_ns();

[[nodiscard]] double median(std::vector<double> values);

/// The median time of `work` in nanoseconds, of at least three calls and 20 ms (arbitrary) of them.
[[nodiscard]] double median_time_ns(const std::function<void()>& work);

/// 1, 10, 100 … up to what the size allows.
[[nodiscard]] std::vector<std::size_t> series_counts(Size size);

void draw_threads(Size size);
void draw_series(Size size);
void draw_latency(Size size);
void draw_thread_churn(Size size);
void draw_fold(Size size);
void draw_encode(Size size);
void draw_simulated_fold(Size size);
void draw_simulated_memory(Size size);

}  // namespace curves
