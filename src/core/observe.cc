// SPDX-License-Identifier: Apache-2.0
#include "observe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <exception>
#include <limits>
#include <string>

#include "diagnose.h"
#include "fast_telemetry/observable.h"
#include "observed.h"
#include "process.h"
#include "reader_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

std::int64_t deadline_after(std::int64_t budget_ns) noexcept {
  const std::int64_t now = now_ns();
  return budget_ns > std::numeric_limits<std::int64_t>::max() - now ? std::numeric_limits<std::int64_t>::max()
                                                                    : now + budget_ns;
}

/// The call under way in this thread: there is one at most. With Process::mutex held.
const ObservationRun* run_of_this_thread() noexcept {
  const std::thread::id self = std::this_thread::get_id();
  for (const ObservationRun* run = process().runs; run != nullptr; run = run->next) {
    if (run->thread == self) return run;
  }
  return nullptr;
}

/// With Process::mutex held. The list is the reader's own, since callbacks change the registry's.
void list_observables(ReaderState& reader) {
  if (reader.observables_version == reader.registry->layout_version) return;
  reader.observables.clear();
  for (const auto& [ordinal, family] : reader.registry->families) {
    for (const auto& [id, instrument] : family->instruments) {
      if (instrument->observed) reader.observables.push_back(instrument);
    }
  }
  reader.observables_version = reader.registry->layout_version;
}

/// Waits while another thread is in the callback. False: until the deadline.
bool wait_for_turn(std::unique_lock<std::mutex>& lock, const Observed& observed, std::int64_t deadline_ns) {
  // Not for the whole time at once: virtual time passes without waking anybody.
  constexpr std::int64_t longest_wait_ns = 100'000'000;
  while (observed.run != nullptr) {
    const std::int64_t left = deadline_ns - now_ns();
    if (left <= 0) return false;
    process().run_ended.wait_for(lock, std::chrono::nanoseconds{std::min(left, longest_wait_ns)});
  }
  return true;
}

/// With Process::mutex held.
void begin_run(ObservationRun& run) noexcept {
  run.observed.run = &run;
  run.next = process().runs;
  process().runs = &run;
}

void end_run(ObservationRun& run, bool succeeded, bool late) noexcept {
  Process& state = process();
  {
    const auto lock = lock_process();
    run.observed.publish(succeeded);
    run.observed.run = nullptr;
    ObservationRun** link = &state.runs;
    while (*link != &run) link = &(*link)->next;
    *link = run.next;
    state.callbacks_failed += succeeded ? 0 : 1;
    state.callbacks_late += late ? 1 : 0;
  }
  state.run_ended.notify_all();
}

/// What an exception says. No std::string: there may be no memory, and that may be what it says.
using Reason = std::array<char, 160>;

void keep(Reason& reason, const char* text) noexcept {
  const std::size_t size = std::min(std::char_traits<char>::length(text), reason.size() - 1);
  std::copy_n(text, size, reason.begin());
  reason[size] = '\0';
}

void diagnose_run(const Instrument& instrument, bool succeeded, bool late, const Reason& reason) noexcept try {
  Observed& observed = *instrument.observed;
  if (!succeeded && !observed.failure_told) {
    observed.failure_told = true;
    diagnose("observable", "the callback of " + instrument.family->full_name + " threw: " + reason.data());
  }
  if (late && !observed.delay_told) {
    observed.delay_told = true;
    diagnose("observable", "the callback of " + instrument.family->full_name +
                               " returned after its collection's time was spent: callbacks after it are not called");
  }
} catch (...) {
  // Out of memory while composing a message.
}

/// False: the callback was not called, because it was running in another thread until the deadline.
bool run_callback(const ReaderState& reader, const Instrument& instrument, std::int64_t deadline_ns) {
  Observed& observed = *instrument.observed;
  ObservationRun run{observed, reader, deadline_ns};
  {
    auto lock = lock_process();
    if (!wait_for_turn(lock, observed, deadline_ns)) return false;
    if (observed.ended || observed.callback.empty()) return true;  // its metric goes, or is still being made
    begin_run(run);
  }
  bool succeeded = false;
  Reason reason{};
  try {
    // Without the lock: whoever takes it away waits for the run's end, or is in it and leaves it in `orphan`.
    observed.callback(run);
    succeeded = true;
  } catch (const std::exception& error) {
    keep(reason, error.what());
  } catch (...) {
    keep(reason, "something that is no std::exception");
  }
  const bool late = now_ns() >= deadline_ns;
  // While it counts as running: who is told may collect, too.
  diagnose_run(instrument, succeeded, late, reason);
  end_run(run, succeeded, late);
  return true;
}

void count_skipped(std::size_t callbacks) {
  const auto lock = lock_process();
  process().callbacks_skipped += callbacks;
}

}  // namespace

bool observe_all(ReaderState& reader) {
  const std::int64_t deadline = deadline_after(reader.options.callback_budget_ns);
  {
    const auto lock = lock_process();
    if (const ObservationRun* const outer = run_of_this_thread(); outer != nullptr) {
      // Waiting in a callback for other callbacks: two threads could wait for each other.
      return &outer->reader != &reader;
    }
    list_observables(reader);
  }
  const std::size_t count = reader.observables.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (reader.first_observable + i) % count;
    if (now_ns() < deadline && run_callback(reader, *reader.observables[at], deadline)) continue;
    count_skipped(count - i);
    reader.first_observable = at;  // so that no callback is skipped for ever because of those before it
    break;
  }
  return true;
}

void end_runs_of_other_threads() noexcept {
  const std::thread::id self = std::this_thread::get_id();
  ObservationRun** link = &process().runs;
  while (*link != nullptr) {
    ObservationRun& run = **link;
    if (run.thread == self) {
      link = &run.next;
      continue;
    }
    run.observed.run = nullptr;
    *link = run.next;
  }
}

// ---- what the header needs ----

void observe(ObservationRun& run, std::size_t point, std::uint64_t bits) noexcept {
  const Cells cells = run.observed.cells;
  if (cells == Cells::observed_counter_f64 || cells == Cells::observed_up_down_f64) {
    const auto value = std::bit_cast<double>(bits);
    constexpr double largest = std::numeric_limits<double>::max();
    if (!(value >= -largest && value <= largest)) return count_drop(Drop::not_finite);
    if (value < 0 && cells == Cells::observed_counter_f64) return count_drop(Drop::negative);
  }
  ObservedPoint& observed = run.observed.points[point];
  observed.next = bits;
  observed.reported = true;
}

std::int64_t deadline_ns(const ObservationRun& run) noexcept { return run.deadline_ns; }

ObservableRegistration::ObservableRegistration(const Scope& scope, const Info& info, Cells cells, const Axis* axes,
                                               std::size_t axis_count, Callback callback)
    : registration_{&scope, &info, {cells}, axes, axis_count} {
  const auto lock = lock_process();
  static_cast<Instrument*>(registration_.site.owner)->observed->callback.swap(callback);
}

ObservableRegistration::~ObservableRegistration() {
  Callback callback;
  Observed& observed = *static_cast<Instrument*>(registration_.site.owner)->observed;
  Process& state = process();
  auto lock = lock_process();
  observed.ended = true;
  if (observed.run != nullptr && observed.run->thread == std::this_thread::get_id()) {
    observed.run->orphan.swap(observed.callback);
    return;
  }
  state.run_ended.wait(lock, [&observed] { return observed.run == nullptr; });
  observed.callback.swap(callback);
  lock.unlock();  // before what the callback owned is destroyed
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
