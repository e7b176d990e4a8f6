// SPDX-License-Identifier: Apache-2.0
#include "driver.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "core/diagnose.h"
#include "export/delivery_queue.h"
#include "spans/pressure.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

using Time = Driver::Time;
using std::chrono::milliseconds;

/// An exporter that always wants to be called again at once must not keep the thread busy.
constexpr std::chrono::nanoseconds shortest_wait = milliseconds{100};

void check(const char* what, milliseconds duration) {
  if (duration < milliseconds{1}) throw std::invalid_argument{std::string{what} + " is below a millisecond"};
}

/// milliseconds::max(), which says "never", would overflow.
Time after(Time time, std::chrono::nanoseconds duration) noexcept {
  return time + std::min<std::chrono::nanoseconds>(duration, std::chrono::hours{24 * 365});
}

/// An equal share, for each of so many, of the time that is left.
Time share(Time now, Time until, std::size_t of) noexcept {
  if (until <= now) return now;
  return now + (until - now) / static_cast<std::int64_t>(std::max<std::size_t>(of, 1));
}

}  // namespace

void Driver::add(std::unique_ptr<Exporter> exporter, const ExportSchedule& schedule) {
  check("an exporter's interval", schedule.interval);
  check("an exporter's timeout", schedule.timeout);
  auto driven = std::make_unique<Driven>(Driven{.exporter = std::move(exporter),
                                                .spans = nullptr,
                                                .schedule = {schedule.interval, schedule.at_start},
                                                .timeout = schedule.timeout,
                                                .metrics = nullptr});
  driven->spans = dynamic_cast<SpanExporter*>(driven->exporter.get());
  driven->state.name = view(driven->exporter->name());
  driven->metrics = with_free_label(
      driven->state.name, [&](const std::string& name) { return std::make_unique<Metrics>(registry_, name); });
  exporters_.push_back(std::move(driven));
  if (exporters_.back()->spans != nullptr) fan_out_.add(*exporters_.back()->spans);
}

void Driver::sweep_every(milliseconds interval, const SweeperOptions& options) {
  check("the interval of sweeps", interval);
  sweeps_ = {interval, false};
  sweeping_ = with_free_label(
      "1", [&](const std::string& name) { return std::make_unique<Sweeping>(registry_, options, name); });
}

void Driver::sample_tails(const TailSamplerOptions& options) {
  tail_ = std::make_unique<TailSampler>(options, fan_out_);
}

void Driver::begin() noexcept {
  const Time now = clock_();
  for (const auto& driven : exporters_) driven->schedule.begin(now);
  if (sweeping_) sweeps_.begin(now);
}

template <class Use>
bool Driver::call(const Call& what, Use use) noexcept {
  std::uint64_t driver = 0;
  {
    const std::lock_guard lock{mutex_};
    call_ = what;
    driver = driver_;
  }
  use();
  const std::lock_guard lock{mutex_};
  if (driver_ != driver) return false;
  if (what.exporter != nullptr) {
    if (call_->is_cut_short) what.exporter->exporter->end_by(Time::max());
    publish(*what.exporter);
  }
  call_.reset();
  return true;
}

template <class Use>
bool Driver::call(Driven& driven, Time until, Use use) noexcept {
  return call({.exporter = &driven, .until = until}, [&] { use(*driven.exporter); });
}

void Driver::publish(Driven& driven) noexcept {
  const DeliveryInfo info = driven.exporter->info();
  driven.metrics->delivery.count(difference(driven.state.info, info));
  driven.state.info = info;
}

void Driver::begin_round(Round round) noexcept {
  const std::lock_guard lock{mutex_};
  round_ = round;
  wanted_ = Round::regular;
}

bool Driver::is_interrupted() const noexcept {
  const std::lock_guard lock{mutex_};
  return wanted_ > round_;
}

bool Driver::run_due(Time until) noexcept {
  const bool is_pressed = !fan_out_.empty() && drains_ && span_pressure.exchange(false, std::memory_order_relaxed);
  if ((is_pressed || drain_is_due(clock_())) && !drain(until, false)) return false;
  for (const auto& driven : exporters_) {
    if (is_interrupted() || clock_() >= until) return true;
    if (!driven->is_closed && !take_turn(*driven, until, is_pressed)) return false;
  }
  return sweep(clock_());
}

bool Driver::take_turn(Driven& driven, Time until, bool is_pressed) noexcept {
  const Time now = clock_();
  const Time by = std::min(after(now, driven.timeout), until);
  const bool is_due = driven.schedule.is_due(now);
  DeliveryReport report;
  if (is_due || (is_pressed && driven.spans != nullptr)) {
    if (is_due) driven.metrics->driven.skipped.add(driven.schedule.take(now));
    if (!call(driven, by, [&](Exporter& exporter) { report = exporter.export_once(by); })) return false;
    driven.metrics->driven.exports.add();
    driven.metrics->driven.duration.record(clock_() - now);
  } else if (driven.retry_at && now >= *driven.retry_at) {
    if (!call(driven, by, [&](Exporter& exporter) { report = exporter.deliver(by); })) return false;
  } else {
    return true;
  }
  schedule_retry(driven, report);
  return true;
}

void Driver::schedule_retry(Driven& driven, const DeliveryReport& report) const noexcept {
  driven.retry_at.reset();
  if (report.next_attempt_in) driven.retry_at = after(clock_(), std::max(*report.next_attempt_in, shortest_wait));
}

bool Driver::flush(std::uint64_t round, Time until) noexcept { return ordered_round(Round::flush, round, until); }

bool Driver::close(Time until) noexcept { return ordered_round(Round::close, last_round, until); }

bool Driver::ordered_round(Round kind, std::uint64_t round, Time until) noexcept {
  for (const auto& driven : exporters_) driven->dropped_before = driven->state.info.dropped();
  std::size_t left = exporters_.size() + 1;
  if (!drain(share(clock_(), until, left), kind == Round::close)) return false;
  for (const auto& driven : exporters_) {
    --left;
    if (driven->is_closed || driven->is_stuck) continue;
    if (is_interrupted()) return true;
    if (!order(*driven, kind, round, share(clock_(), until, left))) return false;
  }
  if (kind == Round::close) drains_ = false;
  return true;
}

bool Driver::order(Driven& driven, Round kind, std::uint64_t round, Time until) noexcept {
  DeliveryReport report;
  const bool closes = kind == Round::close;
  if (!call(driven, until,
            [&](Exporter& exporter) { report = closes ? exporter.close(until) : exporter.flush(until); })) {
    return false;
  }
  driven.is_closed = closes;
  schedule_retry(driven, report);
  const std::lock_guard lock{mutex_};
  driven.state.round = round;
  driven.state.is_complete = report.is_complete() && driven.state.info.dropped() == driven.dropped_before;
  return true;
}

bool Driver::drain(Time until, bool is_last) noexcept {
  if (fan_out_.empty() || !drains_) return true;
  return call({.is_drain = true, .until = until}, [&] { drain_now(is_last); });
}

void Driver::drain_now(bool is_last) noexcept {
  bool is_complete = false;
  try {
    if (tail_) {
      is_complete = drain_spans(*tail_).is_complete;
      static_cast<void>(is_last ? tail_->flush() : tail_->decide());
    } else {
      is_complete = drain_spans(fan_out_).is_complete;
    }
  } catch (const std::bad_alloc&) {  // no sink of ours throws
    diagnose("runtime", "out of memory in a drain of spans");
  }
  static_cast<void>(fan_out_.pass_on_held());
  // Not what has ended since: that is not what a report is about.
  spans_left_.store(is_complete ? 0 : span_info().buffered, std::memory_order_relaxed);
}

bool Driver::drain_is_due(Time now) const noexcept {
  return std::ranges::any_of(exporters_, [now](const auto& driven) {
    return driven->spans != nullptr && !driven->is_closed && driven->schedule.is_due(now);
  });
}

bool Driver::sweep(Time now) noexcept {
  if (!sweeping_ || !sweeps_.is_due(now)) return true;
  sweeps_.take(now);
  SweepResult result;
  if (!call(Call{}, [&] {
        try {
          result = sweeping_->sweeper.sweep();
        } catch (const std::bad_alloc&) {
          diagnose("runtime", "out of memory in a sweep for idle series");
        }
      })) {
    return false;
  }
  sweeping_->metrics.sweeps.add();
  sweeping_->metrics.evicted.add(result.evicted);
  sweeping_->metrics.forgotten.add(result.forgotten);
  return true;
}

void Driver::let_go() noexcept {
  tail_.reset();
  exporters_.clear();
  sweeping_.reset();
}

Time Driver::next_due() const noexcept {
  Time due = sweeping_ ? sweeps_.due() : Time::max();
  for (const auto& driven : exporters_) {
    if (driven->is_closed || driven->is_stuck) continue;
    due = std::min({due, driven->schedule.due(), driven->retry_at.value_or(Time::max())});
  }
  return due;
}

void Driver::interrupt(Round round, Time by) noexcept {
  const std::lock_guard lock{mutex_};
  wanted_ = std::max(wanted_, round);
  if (round <= round_ || !call_) return;
  // What is cut short has the first of the shares.
  call_->until = std::min(call_->until, share(clock_(), by, exporters_.size() + 2));
  if (call_->exporter == nullptr) return;
  call_->is_cut_short = true;
  call_->exporter->exporter->end_by(call_->until);
}

Time Driver::call_ends_by() const noexcept {
  const std::lock_guard lock{mutex_};
  return call_ ? call_->until : Time::max();
}

bool Driver::take_over(milliseconds overdue) noexcept {
  const std::lock_guard lock{mutex_};
  if (!call_ || clock_() < after(call_->until, overdue)) return false;
  ++driver_;
  if (call_->is_drain) {
    drains_ = false;
    const SpanExporter* const stuck = fan_out_.stop();
    for (const auto& driven : exporters_) driven->is_stuck |= driven->spans != nullptr && driven->spans == stuck;
  } else if (call_->exporter != nullptr) {
    call_->exporter->is_stuck = true;
  }
  call_.reset();
  return true;
}

std::vector<ExporterState> Driver::states() const {
  std::vector<ExporterState> states;
  const std::lock_guard lock{mutex_};
  for (const auto& driven : exporters_) states.push_back(driven->state);
  return states;
}

std::uint64_t Driver::spans_waiting() const noexcept {
  return spans_left_.load(std::memory_order_relaxed) + (tail_ ? tail_->info().held : 0) +
         (fan_out_.holds_one() ? 1 : 0);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
