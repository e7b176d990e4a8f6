// SPDX-License-Identifier: Apache-2.0
#include "runtime.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "at_exit.h"
#include "borrowed_exporters.h"
#include "built_in_exporters.h"
#include "core/diagnose.h"
#include "export/signals_blocked.h"
#include "spans/pressure.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

using std::chrono::milliseconds;
using Time = Runtime::Time;

Time now() noexcept { return std::chrono::steady_clock::now(); }

/// What any time can be added to.
milliseconds bounded(milliseconds timeout) noexcept {
  return std::clamp(timeout, milliseconds{0}, milliseconds{std::chrono::hours{24 * 365}});
}

std::shared_ptr<Exposer> exposer_of(const TelemetryOptions& options, Registry& registry) {
  if (options.is_disabled || !options.prometheus) return nullptr;
  return std::make_shared<Exposer>(registry, *options.prometheus);
}

}  // namespace

// An exporter may exceed its time by what collecting takes: a twentieth of the whole is kept for that. A call that is
// late by a tenth is taken for one that does not return.
Runtime::Budget::Budget(milliseconds timeout) noexcept
    : overrun{std::clamp(timeout / 10, milliseconds{50}, milliseconds{1'000})},
      by{now() + bounded(timeout) - bounded(timeout) / 20},
      limit{now() + bounded(timeout) + overrun} {}

Runtime::Runtime(const TelemetryOptions& options, Registry& registry)
    : process_{::getpid()},
      is_disabled_{options.is_disabled},
      wants_thread_{options.background_thread},
      shutdown_timeout_{options.shutdown_timeout},
      driver_{registry},
      exposer_{exposer_of(options, registry)} {
  if (options.sampler) set_default_sampler(*options.sampler);
  if (options.span_limits) set_default_span_limits(*options.span_limits);
  if (is_disabled_) return;
  add_built_in_exporters(driver_, options, registry);
  if (options.tail_sampler) driver_.sample_tails(*options.tail_sampler);
  if (options.sweep_interval != milliseconds{0}) driver_.sweep_every(options.sweep_interval, options.sweeper);
}

void Runtime::add(std::unique_ptr<Exporter> exporter, const ExportSchedule& schedule) {
  if (is_disabled_ || is_forked()) return;
  const std::lock_guard lock{hand_};
  if (is_begun_) throw std::logic_error{"exporters are added before Telemetry::start"};
  driver_.add(std::move(exporter), schedule);
}

bool Runtime::is_forked() const noexcept { return process_ != ::getpid(); }

// ---- driving

bool Runtime::drive(Time until) noexcept {
  driving_thread_ = std::this_thread::get_id();
  auto kind = Driver::Round::regular;
  Requests asked;
  {
    const std::lock_guard lock{mutex_};
    asked = requests_;
    requests_.flush_by = {};
    if (asked.flushes != asked.flushed) kind = Driver::Round::flush;
    if (asked.close_by) kind = Driver::Round::close;
    driver_.begin_round(kind);
  }
  bool is_ours = false;
  switch (kind) {
    case Driver::Round::regular: is_ours = driver_.run_due(until); break;
    case Driver::Round::flush: is_ours = driver_.flush(asked.flushes, asked.flush_by); break;
    case Driver::Round::close: is_ours = driver_.close(*asked.close_by); break;
  }
  if (!is_ours) return false;
  driving_thread_ = std::thread::id{};
  if (kind == Driver::Round::regular) return true;
  const std::lock_guard lock{mutex_};
  requests_.flushed = asked.flushes;
  requests_.is_closed = kind == Driver::Round::close;
  changed_.notify_all();
  return true;
}

void Runtime::run() noexcept {
  pthread_setname_np(pthread_self(), "ft-telemetry");
  for (;;) {
    const std::uint32_t seen = collector_events.seen();
    if (!drive(Time::max())) return;
    {
      const std::lock_guard lock{mutex_};
      if (requests_.is_closed) return;
    }
    collector_events.wait(seen, driver_.next_due());
  }
}

Time Runtime::collect_once(milliseconds timeout) {
  if (is_forked() || is_called_by_exporter()) return Time::max();
  const Time until = now() + bounded(timeout);
  std::unique_lock hand{hand_, until};
  if (!hand || has_thread_) return Time::max();
  begin();
  drive(until);
  return driver_.next_due();
}

Time Runtime::next_due() {
  if (is_forked() || is_called_by_exporter()) return Time::max();
  const std::lock_guard hand{hand_};
  if (has_thread_) return Time::max();
  begin();
  return driver_.next_due();
}

void Runtime::begin() noexcept {
  if (!is_begun_) driver_.begin();
  is_begun_ = true;
}

// ---- starting

std::error_code Runtime::start() {
  if (is_disabled_ || is_forked() || is_called_by_exporter()) return {};
  const std::lock_guard lock{life_};
  if (is_shut_down_) return {};
  const std::error_code thread_error = start_thread();
  const std::error_code exposer_error = start_exposer();
  return thread_error ? thread_error : exposer_error;
}

std::error_code Runtime::start_thread() noexcept try {
  if (!is_registered_) shut_down_at_exit(shared_from_this());
  is_registered_ = true;
  const std::lock_guard hand{hand_};
  begin();
  if (!wants_thread_ || thread_ || driver_.next_due() == Time::max()) return {};
  const SignalsBlocked blocked;
  thread_ = std::make_unique<std::thread>([self = shared_from_this()] { self->run(); });
  has_thread_ = true;
  return {};
} catch (const std::system_error& error) {
  return error.code();
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

std::error_code Runtime::start_exposer() noexcept {
  if (!exposer_ || exposer_->port() != 0) return {};
  const std::error_code error = exposer_->start();
  port_ = exposer_->port();
  return error;
}

// ---- flushing

TelemetryReport Runtime::force_flush(milliseconds timeout) {
  if (is_forked()) return {.is_forked = true};
  const Budget budget{timeout};
  if (is_called_by_exporter()) return report(Driver::last_round);
  const std::uint64_t round = ask_for_flush(budget.by);
  if (!has_thread_) {
    const std::unique_lock hand{hand_, budget.limit};
    if (hand && !has_thread_) drive(budget.by);
    if (!hand) return report(round);
  }
  {
    std::unique_lock lock{mutex_};
    changed_.wait_until(lock, budget.limit, [&] { return requests_.flushed >= round || requests_.is_closed; });
  }
  return report(round);
}

std::uint64_t Runtime::ask_for_flush(Time by) {
  std::uint64_t round = 0;
  {
    const std::lock_guard lock{mutex_};
    round = ++requests_.flushes;
    requests_.flush_by = std::max(requests_.flush_by, by);
    driver_.interrupt(Driver::Round::flush, by);
  }
  collector_events.notify_all();
  return round;
}

// ---- the end

TelemetryReport Runtime::shutdown(milliseconds timeout) {
  if (is_forked()) return {.is_forked = true};
  if (is_called_by_exporter()) return report(Driver::last_round);
  const Budget budget{timeout};
  const std::unique_lock life{life_, budget.limit};
  if (life && !is_shut_down_) {
    is_shut_down_ = true;
    close(budget);
  }
  return report(Driver::last_round);
}

void Runtime::end() noexcept try {
  if (is_shut_down_) return;
  for (const ExporterReport& exporter : shutdown(shutdown_timeout_).exporters) {
    if (exporter.is_complete) continue;
    diagnose("runtime", printable(exporter.name) + " ended incomplete: items dropped then: " +
                            std::to_string(exporter.delivery.dropped_shutdown));
  }
} catch (const std::bad_alloc&) {
  diagnose("runtime", "out of memory at the end");
}

void Runtime::ask_to_close(Time by) {
  {
    const std::lock_guard lock{mutex_};
    requests_.close_by = by;
    driver_.interrupt(Driver::Round::close, by);
  }
  collector_events.notify_all();
}

void Runtime::close(const Budget& budget) {
  ask_to_close(budget.by);
  if (!has_thread_) {
    const Time call_ends_by = driver_.call_ends_by();
    const bool is_called = call_ends_by != Time::max();
    const std::unique_lock hand{hand_, is_called ? call_ends_by + budget.overrun : budget.limit};
    if (hand) drive(budget.by);
  }
  while (!wait_until_closed(budget)) {
    is_left_behind_ = true;
    leave_behind(shared_from_this());
    replace_thread();
  }
  if (thread_) thread_->join();
  thread_.reset();
  stop_exposer(budget.limit);
}

bool Runtime::wait_until_closed(const Budget& budget) {
  std::unique_lock lock{mutex_};
  while (!requests_.is_closed) {
    const Time soon = now() + budget.overrun;  // by when another call may be under way
    changed_.wait_until(lock, soon);
    if (!requests_.is_closed && driver_.take_over(budget.overrun)) return false;
  }
  return true;
}

// Not this thread itself: the next exporter may be as stuck.
void Runtime::replace_thread() noexcept {
  if (thread_) thread_->detach();
  thread_.reset();
  try {
    const SignalsBlocked blocked;
    thread_ = std::make_unique<std::thread>([self = shared_from_this()] { self->run(); });
  } catch (const std::exception&) {  // no thread is to be had, or no memory
    drive(Time::max());
  }
}

void Runtime::stop_exposer(Time by) noexcept {
  if (port_.exchange(0) == 0) return;
  struct Stop {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_done = false;
  };
  try {
    // It waits for a scrape, which waits for the program's callbacks.
    const auto stop = std::make_shared<Stop>();
    const SignalsBlocked blocked;
    std::thread stopper{[stop, exposer = exposer_] {
      exposer->stop();
      const std::lock_guard lock{stop->mutex};
      stop->is_done = true;
      stop->changed.notify_all();
    }};
    std::unique_lock lock{stop->mutex};
    const bool is_done = stop->changed.wait_until(lock, by, [&] { return stop->is_done; });
    lock.unlock();
    is_done ? stopper.join() : stopper.detach();
    if (!is_done) is_left_behind_ = true;
  } catch (const std::exception&) {
    exposer_->stop();
  }
}

void Runtime::let_go() noexcept {
  if (driving_thread_.load() == std::thread::id{}) driver_.let_go();
  if (exposer_) exposer_->stop();
  leave_behind(shared_from_this());  // the thread's handle is the parent's, and cannot be destroyed
}

TelemetryReport Runtime::report(std::uint64_t round) const {
  TelemetryReport report;
  for (ExporterState& state : driver_.states()) {
    const bool is_complete = state.is_complete && state.round >= round;
    report.exporters.push_back({std::move(state.name), state.info, is_complete});
  }
  report.spans_waiting = driver_.spans_waiting();
  report.is_left_behind = is_left_behind_;
  return report;
}

}  // namespace detail

Telemetry::Telemetry(TelemetryOptions options, Registry& registry)
    : runtime_{std::make_shared<detail::Runtime>(options, registry)}, registry_{registry} {}

Telemetry::~Telemetry() { runtime_->is_forked() ? runtime_->let_go() : runtime_->end(); }

void Telemetry::add_exporter(std::unique_ptr<Exporter> exporter, const ExportSchedule& schedule) {
  runtime_->add(std::move(exporter), schedule);
}

void Telemetry::add_visitor(Text name, Visitor& visitor, const ExportSchedule& schedule, const ReaderOptions& options) {
  runtime_->add(std::make_unique<detail::VisitorExporter>(registry_, name, visitor, options), schedule);
}

void Telemetry::add_span_sink(Text name, SpanSink& sink, const ExportSchedule& schedule) {
  runtime_->add(std::make_unique<detail::SinkExporter>(name, sink), schedule);
}

std::error_code Telemetry::start() { return runtime_->start(); }
std::uint16_t Telemetry::prometheus_port() const noexcept { return runtime_->prometheus_port(); }

TelemetryReport Telemetry::force_flush(std::chrono::milliseconds timeout) { return runtime_->force_flush(timeout); }
TelemetryReport Telemetry::shutdown(std::chrono::milliseconds timeout) { return runtime_->shutdown(timeout); }

std::chrono::steady_clock::time_point Telemetry::collect_once(std::chrono::milliseconds timeout) {
  return runtime_->collect_once(timeout);
}
std::chrono::steady_clock::time_point Telemetry::next_due() const { return runtime_->next_due(); }

FAST_TELEMETRY_END_NAMESPACE
