// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <barrier>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

namespace contention {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Operations `first` … of a thread, pass by pass. Returns the number of the next.
std::uint64_t record(Work& work, std::size_t thread, std::uint64_t first, std::uint64_t count) {
  for (const std::uint64_t end = first + count; first < end;) {
    const auto now = static_cast<std::size_t>(std::min(end - first, pass - first % pass));
    work.record(thread, first, now);
    first += now;
  }
  return first;
}

struct Writer {
  std::uint64_t warm_up_operations = 0;
  double warm_up_s = 0;
  Clock::time_point begin;
  Clock::time_point end;
  double cpu_s = 0;
};

class Run {
 public:
  Run(Work& work, const RunOptions& options)
      : work_{work},
        options_{options},
        writers_(options.threads),
        phase_{static_cast<std::ptrdiff_t>(options.threads) + (has_exporter() ? 1 : 0) + 1} {}

  RunResult run() {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < writers_.size(); ++t) threads.emplace_back([this, t] { write(t); });
    std::thread exporter;
    if (has_exporter()) exporter = std::thread{[this] { export_until_stopped(); }};

    phase_.arrive_and_wait();  // all are warm
    result_.iters = options_.iters != 0 ? options_.iters : calibrated_iters();
    work_.warmed_up();
    const ProcessCpu cpu_before = process_cpu();
    phase_.arrive_and_wait();  // all begin
    for (auto& thread : threads) thread.join();
    if (has_exporter()) {
      stop_exporter();
      exporter.join();
    }
    const Clock::time_point end = Clock::now();
    const ProcessCpu cpu_after = process_cpu();
    result_.cpu_user_s = cpu_after.user_s - cpu_before.user_s;
    result_.cpu_system_s = cpu_after.system_s - cpu_before.system_s;
    sum_up(end);
    return result_;
  }

 private:
  [[nodiscard]] bool has_exporter() const { return options_.export_interval.count() != 0; }

  void write(std::size_t t) {
    Writer& me = writers_[t];
    if (options_.is_pinned) pin_this_thread(t);
    const Clock::time_point warm_up_begin = Clock::now();
    me.warm_up_operations = options_.iters != 0 ? record(work_, t, 0, options_.iters / 10) : warm_up(t);
    me.warm_up_s = seconds_since(warm_up_begin);
    phase_.arrive_and_wait();
    phase_.arrive_and_wait();
    const double cpu_before = thread_cpu_seconds();
    me.begin = Clock::now();
    record(work_, t, me.warm_up_operations, result_.iters);
    me.end = Clock::now();
    me.cpu_s = thread_cpu_seconds() - cpu_before;
  }

  /// A tenth of the measured part's time, by steps that begin small: an operation may take a nanosecond or many
  /// microseconds.
  std::uint64_t warm_up(std::size_t t) {
    const double enough = std::max(options_.seconds / 10, 0.005);
    const Clock::time_point begin = Clock::now();
    std::uint64_t next = 0;
    for (std::uint64_t step = 64; seconds_since(begin) < enough;) {
      const Clock::time_point step_begin = Clock::now();
      next = record(work_, t, next, step);
      if (seconds_since(step_begin) < 0.001) step *= 2;
    }
    return next;
  }

  [[nodiscard]] std::uint64_t calibrated_iters() const {
    double rate = 0;
    for (const Writer& writer : writers_) rate += static_cast<double>(writer.warm_up_operations) / writer.warm_up_s;
    const double iters = rate / static_cast<double>(writers_.size()) * options_.seconds;
    return std::max(static_cast<std::uint64_t>(iters), std::uint64_t{1});
  }

  void export_until_stopped() {
    work_.export_all();  // warm
    phase_.arrive_and_wait();
    phase_.arrive_and_wait();
    Clock::time_point next = Clock::now();
    for (bool is_last = false; !is_last;) {
      next = std::max(next + options_.export_interval, Clock::now());
      {
        std::unique_lock lock{mutex_};
        is_last = stopped_.wait_until(lock, next, [this] { return is_stopped_; });
      }
      const Clock::time_point begin = Clock::now();
      result_.export_bytes = work_.export_all();
      result_.export_s += seconds_since(begin);
      ++result_.exports;
    }
  }

  void stop_exporter() {
    {
      const std::lock_guard lock{mutex_};
      is_stopped_ = true;
    }
    stopped_.notify_one();
  }

  void sum_up(Clock::time_point end) {
    Clock::time_point first_begin = writers_[0].begin;
    Clock::time_point last_end = writers_[0].end;
    for (const Writer& writer : writers_) {
      first_begin = std::min(first_begin, writer.begin);
      last_end = std::max(last_end, writer.end);
      result_.writer_cpu_s += writer.cpu_s;
      result_.first.push_back(writer.warm_up_operations);
    }
    result_.operations = result_.iters * writers_.size();
    result_.record_s = std::chrono::duration<double>(last_end - first_begin).count();
    result_.total_s = std::chrono::duration<double>(end - first_begin).count();
  }

  Work& work_;
  const RunOptions& options_;
  std::vector<Writer> writers_;
  std::barrier<> phase_;  // of writers, exporter and the thread that runs run()
  RunResult result_;

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopped_ = false;
};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// As the first call found them: threads that a pinned thread starts are allowed no other CPU than it is.
const cpu_set_t& allowed_cpus() {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  return allowed;
}

}  // namespace

RunResult run(Work& work, const RunOptions& options) {
  const Surroundings before = look_around();
  RunResult result = Run{work, options}.run();
  result.before = before;
  result.after = look_around();
  return result;
}

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

ProcessCpu process_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

void pin_this_thread(std::size_t index) {
  const cpu_set_t& allowed = allowed_cpus();
  auto skipped = static_cast<int>(index % usable_cpus());
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skipped-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

std::size_t usable_cpus() { return static_cast<std::size_t>(CPU_COUNT(&allowed_cpus())); }

}  // namespace contention
