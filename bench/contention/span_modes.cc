// SPDX-License-Identifier: Apache-2.0
#include "span_modes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

namespace contention {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

/// A subject, and what it had counted when the measured part began.
class SpanWork : public Work {
 public:
  SpanWork(const SpanSubjectKind& kind, Scenario scenario, const RunOptions& options)
      : spans_{spans_per_operation(scenario)}, subject_{kind.make({scenario, flow_, options.export_interval})} {}

  std::size_t export_all() override { return 0; }  // the subject's exporter has its own thread
  void warmed_up() override {
    wait_until_arrived();
    totals_before_ = subject_->totals();
    exports_before_ = flow_.exports();
  }

  [[nodiscard]] std::uint64_t capacity() const { return subject_->capacity(); }

  SpanResult measure(RunOptions options) {
    options.export_interval = std::chrono::milliseconds{0};
    SpanResult result;
    result.run = run(*this, options);
    const std::uint64_t delivered_meanwhile = flow_.exports().delivered - exports_before_.delivered;
    result.delivered_per_s = static_cast<double>(delivered_meanwhile) / result.run.record_s;
    const ProcessCpu cpu_before = process_cpu();
    const Clock::time_point begin = Clock::now();
    wait_until_arrived();
    result.run.total_s += std::chrono::duration<double>(Clock::now() - begin).count();
    const ProcessCpu cpu_after = process_cpu();
    result.run.cpu_user_s += cpu_after.user_s - cpu_before.user_s;
    result.run.cpu_system_s += cpu_after.system_s - cpu_before.system_s;

    const SpanTotals totals = subject_->totals();
    const Exports exports = flow_.exports();
    result.totals = {totals.recorded - totals_before_.recorded, totals.dropped - totals_before_.dropped};
    result.delivered = exports.delivered - exports_before_.delivered;
    result.run.exports = exports.count - exports_before_.count;
    result.run.export_s = exports.seconds - exports_before_.seconds;
    result.run.export_bytes = exports.last_bytes;
    result.begun = result.run.operations * spans_;
    result.is_accounted =
        result.totals.recorded == result.begun && result.totals.recorded == result.totals.dropped + result.delivered;
    return result;
  }

 protected:
  void record_within(std::uint64_t limit, std::uint64_t first, std::size_t count) {
    flow_.admit(count * spans_, limit);
    subject_->record(first, count);
  }

 private:
  void wait_until_arrived() { flow_.wait_until_arrived(subject_->totals().dropped); }

  std::uint64_t spans_;
  SpanFlow flow_;
  std::unique_ptr<SpanSubject> subject_;
  SpanTotals totals_before_;
  Exports exports_before_;
};

class BurstWork final : public SpanWork {
 public:
  using SpanWork::SpanWork;
  void record(std::size_t, std::uint64_t first, std::size_t count) override {
    constexpr std::size_t at_a_time = 512;
    for (std::size_t done = 0; done < count; done += at_a_time) {
      record_within(span_room, first + done, std::min(at_a_time, count - done));
    }
  }
};

class PacedWork final : public SpanWork {
 public:
  PacedWork(const SpanSubjectKind& kind, Scenario scenario, const RunOptions& options)
      : SpanWork{kind, scenario, options}, writers_(options.threads) {}

  /// Of each thread, per second; infinite: as fast as it can.
  void set_rate(double operations) { rate_ = operations; }

  void record(std::size_t thread, std::uint64_t first, std::size_t count) override {
    Writer& me = writers_[thread];
    if (me.done == 0) me.begin = Clock::now();
    for (const std::uint64_t end = first + count; first < end;) {
      const auto now = static_cast<std::size_t>(std::min(due(me), end - first));
      if (now == 0) {
        std::this_thread::sleep_until(Clock::now() + tick);
        continue;
      }
      record_within(no_limit, first, now);
      me.done += now;
      first += now;
    }
  }

  void warmed_up() override {
    SpanWork::warmed_up();
    for (Writer& writer : writers_) writer = {};
  }

 private:
  static constexpr std::chrono::milliseconds tick{1};

  // 128 bytes: the adjacent-line prefetcher works in pairs of lines.
  struct alignas(128) Writer {
    Clock::time_point begin;
    std::uint64_t done = 0;
  };

  /// How many operations a writer is behind.
  [[nodiscard]] std::uint64_t due(const Writer& writer) const {
    if (std::isinf(rate_)) return no_limit;
    const double seconds = std::chrono::duration<double>(Clock::now() - writer.begin + tick).count();
    const double wanted = seconds * rate_ - static_cast<double>(writer.done);
    return wanted < 1 ? 0 : static_cast<std::uint64_t>(wanted);
  }

  double rate_ = 0;
  std::vector<Writer> writers_;
};

/// Tries of a search, each with a subject of its own.
class Search {
 public:
  Search(const SpanSubjectKind& kind, Scenario scenario, const RunOptions& options)
      : kind_{kind}, scenario_{scenario}, options_{options} {}

  SpanResult run() {
    SpanResult best = attempt(std::numeric_limits<double>::infinity());
    double too_high = operations_per_writer(best);
    double held = 0;
    const double per_writer = best.delivered_per_s / static_cast<double>(options_.threads);
    double rate = std::max(per_writer / static_cast<double>(spans_per_operation(scenario_)), too_high / 64);
    while (best.totals.dropped != 0 || (held != 0 && too_high / held > precision)) {
      const SpanResult tried = attempt(rate);
      if (tried.totals.dropped == 0) {
        held = rate;
        if (best.totals.dropped != 0 || tried.delivered_per_s > best.delivered_per_s) best = tried;
      } else {
        too_high = std::min(too_high, rate);
      }
      rate = held == 0 ? too_high / 1.5 : std::sqrt(held * too_high);
    }
    best.tries = tries_;
    best.is_accounted = is_accounted_;
    return best;
  }

 private:
  static constexpr double precision = 1.04;
  static constexpr std::uint64_t fills = 4;
  static constexpr unsigned most_tries = 30;

  [[nodiscard]] double operations_per_writer(const SpanResult& result) const {
    return static_cast<double>(result.run.operations) / result.run.record_s / static_cast<double>(options_.threads);
  }

  SpanResult attempt(double rate) {
    if (++tries_ > most_tries) throw std::runtime_error{"spans are dropped at every rate"};
    PacedWork work{kind_, scenario_, options_};
    work.set_rate(rate);
    RunOptions options = options_;
    if (options.iters == 0) {
      options.iters = fills * work.capacity() / spans_per_operation(scenario_) / options.threads;
      if (!std::isinf(rate))
        options.iters = std::max(options.iters, static_cast<std::uint64_t>(rate * options.seconds));
    }
    const SpanResult result = work.measure(options);
    is_accounted_ &= result.is_accounted;
    return result;
  }

  const SpanSubjectKind& kind_;
  Scenario scenario_;
  const RunOptions& options_;
  unsigned tries_ = 0;
  bool is_accounted_ = true;
};

}  // namespace

SpanResult run_burst(const SpanSubjectKind& kind, Scenario scenario, const RunOptions& options) {
  return BurstWork{kind, scenario, options}.measure(options);
}

SpanResult search_sustained(const SpanSubjectKind& kind, Scenario scenario, const RunOptions& options) {
  return Search{kind, scenario, options}.run();
}

}  // namespace contention
