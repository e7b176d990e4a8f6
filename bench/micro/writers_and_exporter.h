// SPDX-License-Identifier: Apache-2.0
//
// Threads that record into one metric while another exports it.
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "workload.h"

namespace writers_and_exporter {

/// CPU time of this thread.
inline std::int64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Exports a subject every millisecond until stop(), and once more then.
template <class Subject>
class Exporter {
 public:
  explicit Exporter(Subject& subject) : subject_{subject}, thread_{[this] { run(); }} {}
  ~Exporter() { stop(); }
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  void stop() {
    {
      const std::lock_guard lock{mutex_};
      is_over_ = true;
    }
    stopped_.notify_one();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint64_t exports() const { return exports_; }

 private:
  void run() {
    std::unique_lock lock{mutex_};
    for (bool is_last = false; !is_last;) {
      is_last = stopped_.wait_for(lock, std::chrono::milliseconds{1}, [this] { return is_over_; });
      lock.unlock();
      subject_.export_once();
      ++exports_;
      lock.lock();
    }
  }

  Subject& subject_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_over_ = false;
  std::uint64_t exports_ = 0;
  std::thread thread_;
};

template <class Subject>
std::unique_ptr<Subject> subject;

/// `Subject`: record(i), the i-th of the input; export_once(); exported(), how many records the last export showed.
///
/// The figure is the writers' own CPU time: more threads than there are CPUs wait for one, and that is not the
/// metric's.
template <class Subject, bool has_exporter>
void write(benchmark::State& state) {
  Subject& s = *subject<Subject>;
  std::unique_ptr<Exporter<Subject>> exporter;
  if (has_exporter && state.thread_index() == 0) exporter = std::make_unique<Exporter<Subject>>(s);

  std::uint64_t passes = 0;
  std::int64_t begin = 0;
  while (state.KeepRunningBatch(workload::records)) {
    if (passes == 0) begin = thread_cpu_ns();
    for (std::size_t i = 0; i < workload::records; ++i) s.record(i);
    ++passes;
  }
  const std::int64_t end = thread_cpu_ns();
  state.counters["ns"] =
      benchmark::Counter(static_cast<double>(end - begin) / static_cast<double>(passes * workload::records),
                         benchmark::Counter::kAvgThreads);

  if (state.thread_index() != 0) return;
  if (exporter) {
    exporter->stop();
    state.counters["exports"] = static_cast<double>(exporter->exports());
  } else {
    s.export_once();
  }
  workload::check<std::uint64_t>(state, s.exported(),
                                 passes * workload::records * static_cast<std::uint64_t>(state.threads()));
}

template <class Subject, bool has_exporter>
void add_row(const std::string& name) {
  benchmark::RegisterBenchmark(("BM_write/" + name).c_str(), write<Subject, has_exporter>)
      ->Setup([](const benchmark::State&) { subject<Subject> = std::make_unique<Subject>(); })
      ->Teardown([](const benchmark::State&) { subject<Subject>.reset(); })
      ->Threads(2)
      ->Threads(4)
      ->Threads(8)
      ->UseRealTime();
}

/// Registers a metric alone and while it is exported.
template <class Subject>
void add_rows(const std::string& metric, const std::string& format) {
  add_row<Subject, false>(metric + "/exporter:none");
  add_row<Subject, true>(metric + "/exporter:" + format);
}

}  // namespace writers_and_exporter
