// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/observable.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "fast_telemetry/testing/virtual_clock.h"

namespace observable_test {

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

enum class State : std::uint8_t { idle, busy };
constexpr ft::Label label(State state) { return ft::from_enumerator("state", state); }
enum class Zone : std::uint8_t { a, b };
constexpr ft::Label label(Zone zone) { return ft::from_enumerator("zone", zone); }

constexpr ft::ReaderOptions delta{.temporality = ft::Temporality::delta};

ft::RecordingVisitor take(ft::Reader& reader) {
  ft::RecordingVisitor seen{reader};
  reader.accept();
  return seen;
}

class Observable : public testing::Test {
 protected:
  ft::Registry registry;
  ft::Reader reader{registry};
};

// ── values ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// Mutations seen red: observe_all not called by collect(); `present` never set.
TEST_F(Observable, gauge_is_what_its_callback_says_at_each_collection) {
  std::int64_t level = -3;
  int calls = 0;
  const ft::ObservableGauge<std::int64_t> whole{registry, {.name = "whole"}, [&] { return ++calls, level; }};
  const ft::ObservableGauge<double> real{registry, {.name = "real"}, [&] { return static_cast<double>(level) / 2; }};
  EXPECT_EQ(calls, 0);
  const ft::RecordingVisitor first{reader};
  EXPECT_EQ(first.family("whole").kind, ft::Kind::gauge);
  EXPECT_EQ(first.gauge("whole"), -3);
  EXPECT_EQ(first.float_gauge("real"), -1.5);
  level = 7;
  EXPECT_EQ(ft::RecordingVisitor{reader}.gauge("whole"), 7);
  EXPECT_EQ(calls, 2);
}

// M-10. Mutation seen red: no call when there is a value from another reader's collection.
TEST_F(Observable, is_called_once_per_collection_of_each_reader_also_by_delta_readers) {
  ft::Reader other{registry, delta};
  int calls = 0;
  const ft::ObservableGauge<std::int64_t> gauge{registry, {.name = "g"}, [&] { return ++calls; }};
  EXPECT_EQ(take(reader).gauge("g"), 1);
  EXPECT_EQ(take(other).gauge("g"), 2);
  EXPECT_EQ(take(other).gauge("g"), 3);
  ft::Snapshot snapshot = reader.collect();
  EXPECT_EQ(ft::RecordingVisitor{snapshot}.gauge("g"), 4);
  EXPECT_EQ(ft::RecordingVisitor{snapshot}.gauge("g"), 4);
}

// Mutation seen red: gauges taken as sums in observed_delta.
TEST_F(Observable, gauge_keeps_nan_and_infinities) {
  double value = std::numeric_limits<double>::infinity();
  ft::Reader other{registry, delta};
  const ft::ObservableGauge<double> gauge{registry, {.name = "g"}, [&] { return value; }};
  EXPECT_EQ(take(other).float_gauge("g"), value);
  EXPECT_EQ(take(other).float_gauge("g"), value);
  value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(take(reader).float_gauge("g"), value);
}

// O-73. Mutations seen red: no difference in visit_observed; accept_observed left out.
TEST_F(Observable, counter_is_the_total_to_cumulative_readers_and_what_came_to_delta_readers) {
  std::uint64_t total = 100;
  double seconds = 0.5;
  ft::Reader often{registry, delta};
  ft::Reader seldom{registry, delta};
  const ft::ObservableCounter<std::uint64_t> packets{registry, {.name = "packets"}, [&] { return total; }};
  const ft::ObservableCounter<double> cpu{
      registry, {.name = "cpu", .unit = ft::Unit::seconds}, [&] { return seconds; }};
  EXPECT_EQ(take(reader).family("packets").kind, ft::Kind::counter);
  EXPECT_EQ(take(often).counter("packets"), 100u);
  total = 130;
  seconds = 0.75;
  EXPECT_EQ(take(reader).counter("packets"), 130u);
  EXPECT_EQ(ft::RecordingVisitor{often}.counter("packets"), 30u);  // not accepted
  const ft::RecordingVisitor again = take(often);
  EXPECT_EQ(again.counter("packets"), 30u);
  EXPECT_EQ(again.float_counter("cpu_seconds"), 0.25);
  EXPECT_EQ(take(often).counter("packets"), 0u);
  EXPECT_EQ(take(seldom).counter("packets"), 130u);
  EXPECT_EQ(take(reader).float_counter("cpu_seconds"), 0.75);
}

// D-10, O-72: after a fall, all of the total is new, for every reader, whoever noticed. Mutations seen red: a fall as a
// difference; `before` not kept; delta readers given values instead of totals; not born again; born again at the fall.
TEST_F(Observable, counter_that_falls_has_begun_again) {
  ft::VirtualClock clock;
  std::uint64_t total = 100;
  double real = 10;
  ft::Reader often{registry, delta};
  ft::Reader seldom{registry, delta};
  const ft::ObservableCounter<std::uint64_t> counter{registry, {.name = "c"}, [&] { return total; }};
  const ft::ObservableCounter<double> floating{registry, {.name = "f"}, [&] { return real; }};
  clock.advance(1s);
  const std::int64_t born = take(reader).point("c").born_unix_ns;
  EXPECT_LT(born, take(reader).collection().time_unix_ns);
  take(often);
  take(seldom);

  clock.advance(1s);
  total = 140;
  real = 14;
  const std::int64_t last_shown = take(often).collection().time_unix_ns;
  clock.advance(1s);
  total = 5;
  real = 2;
  const ft::RecordingVisitor fallen = take(often);
  EXPECT_EQ(fallen.counter("c"), 5u);
  EXPECT_EQ(fallen.float_counter("f"), 2.0);
  EXPECT_EQ(fallen.point("c").born_unix_ns, last_shown);
  total = 150;  // more than `seldom` ever saw
  real = 20;
  const ft::RecordingVisitor late = take(seldom);
  EXPECT_EQ(late.counter("c"), 190u);
  EXPECT_EQ(late.float_counter("f"), 24.0);
  const ft::RecordingVisitor cumulative = take(reader);
  EXPECT_EQ(cumulative.counter("c"), 150u);
  EXPECT_EQ(cumulative.point("c").born_unix_ns, last_shown);
}

// Mutation seen red: no check in detail::observe.
TEST_F(Observable, sum_of_doubles_drops_what_is_no_sum) {
  double value = -1;
  const ft::ObservableCounter<double> counter{registry, {.name = "c"}, [&] { return value; }};
  const ft::ObservableUpDownCounter<double> level{registry, {.name = "l"}, [&] { return value; }};
  const ft::StorageInfo before = ft::storage_info();
  ft::RecordingVisitor seen{reader};
  EXPECT_FALSE(seen.has("c", {}));
  EXPECT_EQ(std::get<double>(seen.point("l").value), -1.0);
  EXPECT_EQ(ft::storage_info().dropped_negative, before.dropped_negative + 1);
  for (const double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    value = bad;
    EXPECT_EQ(ft::RecordingVisitor{reader}.point_count(), 0u);
  }
  EXPECT_EQ(ft::storage_info().dropped_not_finite, before.dropped_not_finite + 4);
}

// Mutation seen red: is_counter true for all, so that a falling level begins again.
TEST_F(Observable, up_down_counter_falls_as_well_as_rises) {
  std::int64_t level = 10;
  ft::Reader other{registry, delta};
  const ft::ObservableUpDownCounter<std::int64_t> counter{registry, {.name = "u"}, [&] { return level; }};
  EXPECT_EQ(take(other).family("u").kind, ft::Kind::up_down_counter);
  level = 4;
  EXPECT_EQ(take(other).up_down_counter("u"), -6);
  level = -5;
  EXPECT_EQ(take(other).up_down_counter("u"), -9);
  EXPECT_EQ(take(reader).up_down_counter("u"), -5);
}

// ── labels ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// LAB-9, M-10, O-73. Mutations seen red: the first report kept; `reported` not cleared after a run; an index that is
// none taken modulo the combinations.
TEST_F(Observable, labelled_shows_what_was_reported) {
  std::vector<std::pair<double, State>> reports{{1, State::idle}, {2, State::idle}};
  const ft::Labeled<ft::ObservableGauge<double>, State, Zone> gauge{
      registry, {.name = "g"}, [&](ft::Observer<double, State, Zone>& observer) {
        for (const auto& [value, state] : reports) observer.observe(value, state, Zone::b);
      }};
  const ft::RecordingVisitor first{reader};
  EXPECT_EQ(first.point_count("g"), 1u);
  EXPECT_EQ(first.float_gauge("g", {{"state", "idle"}, {"zone", "b"}}), 2.0);
  reports = {{3, State::busy}, {4, static_cast<State>(9)}};
  const ft::RecordingVisitor second{reader};
  EXPECT_EQ(second.point_count("g"), 2u);
  EXPECT_EQ(second.float_gauge("g", {{"state", "busy"}, {"zone", "b"}}), 3.0);
  EXPECT_EQ(second.float_gauge("g", {{"state", "invalid"}, {"zone", "invalid"}}), 4.0);
}

// Mutation seen red: accept_observed also for what was not shown.
TEST_F(Observable, labelled_counter_that_was_not_shown_goes_on_where_it_was) {
  std::uint64_t busy = 10;
  bool reports_busy = true;
  ft::Reader other{registry, delta};
  const ft::Labeled<ft::ObservableCounter<std::uint64_t>, State> counter{registry, {.name = "c"}, [&](auto& observer) {
                                                                           observer.observe(1, State::idle);
                                                                           if (reports_busy)
                                                                             observer.observe(busy, State::busy);
                                                                         }};
  EXPECT_EQ(take(other).counter("c", {{"state", "busy"}}), 10u);
  reports_busy = false;
  EXPECT_FALSE(take(other).has("c", {{"state", "busy"}}));
  busy = 17;
  reports_busy = true;
  take(reader);  // somebody else's collection in between
  reports_busy = false;
  take(other);
  reports_busy = true;
  EXPECT_EQ(take(other).counter("c", {{"state", "busy"}}), 7u);
}

// O-71. Mutation seen red: shown_unix_ns stays what it was (born with the metric).
TEST_F(Observable, series_that_appears_later_is_born_at_the_collection_before) {
  ft::VirtualClock clock;
  bool reports = false;
  const ft::ObservableCounter<std::uint64_t> counter{registry, {.name = "c"}, [&](auto& observer) {
                                                       if (reports) observer.observe(3);
                                                     }};
  clock.advance(1s);
  const std::int64_t before = take(reader).collection().time_unix_ns;
  clock.advance(1s);
  reports = true;
  EXPECT_EQ(take(reader).point("c").born_unix_ns, before);
}

// ── failures ───────────────────────────────────────────────────────────────────────────────────────────────────────

struct Heard {
  Heard() {
    ft::set_diagnostics(
        [](const ft::Diagnostic& diagnostic, void* context) noexcept {
          if (diagnostic.component == "observable") {
            static_cast<Heard*>(context)->messages.emplace_back(diagnostic.message);
          }
        },
        this);
  }
  ~Heard() { ft::set_diagnostics(nullptr); }
  std::vector<std::string> messages;
};

// Mutations seen red: publish(true) after an exception; failures not counted; told each time; no catch of what is no
// std::exception.
TEST_F(Observable, that_throws_is_not_in_that_collection_and_others_are) {
  const ft::VirtualClock clock;  // the pace of diagnostics
  const Heard heard;
  int step = 0;
  std::uint64_t total = 5;
  ft::Reader other{registry, delta};
  const ft::ObservableCounter<std::uint64_t> throws{registry, {.name = "throws"}, [&](auto& observer) {
                                                      observer.observe(total);
                                                      if (step == 1) throw std::runtime_error{"no such disk"};
                                                      if (step == 2) throw 7;
                                                    }};
  const ft::ObservableGauge<std::int64_t> after{registry, {.name = "after"}, [&] { return step; }};
  const std::uint64_t before = ft::storage_info().callbacks_failed;
  EXPECT_EQ(take(other).counter("throws"), 5u);
  for (step = 1; step <= 2; ++step) {
    total += 10;
    const ft::RecordingVisitor seen = take(other);
    EXPECT_FALSE(seen.has("throws", {}));
    EXPECT_EQ(seen.gauge("after"), step);
  }
  EXPECT_EQ(take(other).counter("throws"), 20u);
  EXPECT_EQ(ft::storage_info().callbacks_failed, before + 2);
  EXPECT_EQ(heard.messages, std::vector<std::string>{"the callback of throws threw: no such disk"});
}

// Mutations seen red: the deadline not asked between callbacks; skipped ones shown as absent; late or skipped not
// counted; told each time; the round begun with the first callback each time.
TEST_F(Observable, that_is_late_keeps_those_after_it_from_being_called) {
  ft::VirtualClock clock;
  const Heard heard;
  std::chrono::nanoseconds delay{0};
  int calls = 0;
  int calls_of_last = 0;
  const ft::ObservableGauge<std::int64_t> slow{registry, {.name = "slow"}, [&] {
                                                 clock.advance(delay);
                                                 return ++calls;
                                               }};
  const ft::ObservableGauge<std::int64_t> next{registry, {.name = "next"}, [&] { return calls; }};
  const ft::ObservableGauge<std::int64_t> last{registry, {.name = "last"}, [&] { return ++calls_of_last; }};
  take(reader);
  const ft::StorageInfo before = ft::storage_info();

  delay = 999'999'999ns;
  EXPECT_EQ(take(reader).gauge("next"), 2);
  EXPECT_EQ(ft::storage_info().callbacks_late, before.callbacks_late);

  delay = 1s;
  const ft::RecordingVisitor seen = take(reader);
  EXPECT_EQ(seen.gauge("slow"), 3);  // late, but there
  EXPECT_EQ(seen.gauge("next"), 2);  // as last observed
  EXPECT_EQ(seen.gauge("last"), 2);
  EXPECT_EQ(ft::storage_info().callbacks_late, before.callbacks_late + 1);
  EXPECT_EQ(ft::storage_info().callbacks_skipped, before.callbacks_skipped + 2);

  const ft::RecordingVisitor turned = take(reader);  // next, last, slow
  EXPECT_EQ(turned.gauge("next"), 3);
  EXPECT_EQ(turned.gauge("last"), 3);
  EXPECT_EQ(turned.gauge("slow"), 4);
  EXPECT_EQ(ft::storage_info().callbacks_late, before.callbacks_late + 2);
  EXPECT_EQ(ft::storage_info().callbacks_skipped, before.callbacks_skipped + 2);
  ASSERT_EQ(heard.messages.size(), 1u);
  EXPECT_NE(heard.messages[0].find("slow"), std::string::npos);
}

// Mutations seen red: the deadline begins anew for each callback; it overflows.
TEST_F(Observable, is_told_how_much_time_is_left) {
  ft::VirtualClock clock;
  ft::Reader hurried{registry, {.callback_budget_ns = 10}};
  std::int64_t left = 0;
  std::int64_t left_for_second = 0;
  bool had_time = false;
  bool has_time = true;
  const ft::ObservableGauge<double> first{registry, {.name = "a"}, [&](ft::Observer<double>& observer) {
                                            left = observer.deadline_ns() - ft::now_ns();
                                            clock.advance(4ns);
                                          }};
  const ft::ObservableGauge<double> second{registry, {.name = "b"}, [&](ft::Observer<double>& observer) {
                                             left_for_second = observer.deadline_ns() - ft::now_ns();
                                             had_time = observer.has_time_left();
                                             clock.advance(6ns);
                                             has_time = observer.has_time_left();
                                           }};
  EXPECT_EQ(ft::RecordingVisitor{hurried}.point_count(), 0u);
  EXPECT_EQ(left, 10);
  EXPECT_EQ(left_for_second, 6);
  EXPECT_TRUE(had_time);
  EXPECT_FALSE(has_time);
  ft::Reader patient{registry, {.callback_budget_ns = std::numeric_limits<std::int64_t>::max()}};
  EXPECT_TRUE(ft::RecordingVisitor{patient}.complete());
  EXPECT_GT(left, 1'000'000'000);
}

// ── what a callback may do ─────────────────────────────────────────────────────────────────────────────────────────

// Mutation seen red: Process::mutex held during the call (hangs).
TEST_F(Observable, callback_may_make_destroy_and_record_metrics) {
  ft::Counter calls{registry, {.name = "calls"}};
  std::vector<std::unique_ptr<ft::Counter>> made;
  std::optional<ft::ObservableGauge<double>> other;
  const ft::ObservableGauge<std::int64_t> busy{
      registry, {.name = "busy"}, [&] {
        calls.add();
        made.push_back(std::make_unique<ft::Counter>(ft::Scope{registry, "", {{"n", std::to_string(made.size())}}},
                                                     ft::Info{.name = "made"}));
        other.reset();
        other.emplace(registry, ft::Info{.name = "other"}, [] { return 1.5; });
        // Another thread finds no lock held, either.
        std::jthread{[&] { static_cast<void>(ft::Counter{registry, {.name = "passing"}}.value()); }};
        static_cast<void>(ft::storage_info());
        return static_cast<std::int64_t>(made.size());
      }};
  for (std::int64_t n = 1; n <= 3; ++n) {
    const ft::RecordingVisitor seen = take(reader);
    EXPECT_EQ(seen.gauge("busy"), n);
    EXPECT_EQ(seen.counter("calls"), static_cast<std::uint64_t>(n));
    EXPECT_EQ(seen.point_count("made"), static_cast<std::size_t>(n));
  }
}

// Mutations seen red: run_of_this_thread finds none; every reader taken for another one in observe_all.
TEST_F(Observable, callback_that_collects_is_shown_what_was_observed_last) {
  ft::Reader other{registry};
  int calls = 0;
  std::optional<std::int64_t> seen_by_other;
  std::uint64_t seen_by_own = 0;
  ft::Counter counter{registry, {.name = "c"}};
  const ft::ObservableGauge<std::int64_t> gauge{registry, {.name = "g"}, [&]() -> std::int64_t {
                                                  ++calls;
                                                  if (calls > 1) {
                                                    seen_by_other = ft::RecordingVisitor{other}.gauge("g");
                                                    seen_by_own = ft::RecordingVisitor{reader}.counter("c");
                                                  }
                                                  return calls;
                                                }};
  take(reader);
  counter.add(5);
  EXPECT_EQ(take(reader).gauge("g"), 2);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(seen_by_other, 1);
  EXPECT_EQ(seen_by_own, 0u);  // the snapshot before
}

// ── beginning and end ──────────────────────────────────────────────────────────────────────────────────────────────

// Mutation seen red: Callback's destructor without the call of destroy_.
TEST_F(Observable, owns_its_callback_and_lets_go_of_it_when_it_is_refused) {
  const auto owned = std::make_shared<int>(7);
  {
    const ft::ObservableGauge<std::int64_t> gauge{registry, {.name = "g"}, [owned] { return *owned; }};
    EXPECT_EQ(owned.use_count(), 2);
    EXPECT_THROW((ft::ObservableGauge<std::int64_t>{registry, {.name = "g"}, [owned] { return *owned; }}),
                 std::invalid_argument);
    EXPECT_EQ(owned.use_count(), 2);
    EXPECT_EQ(take(reader).gauge("g"), 7);
  }
  EXPECT_EQ(owned.use_count(), 1);
  const ft::ObservableGauge<std::int64_t> movable{
      registry, {.name = "g"}, [unique = std::make_unique<int>(8)] { return *unique; }};
  EXPECT_EQ(take(reader).gauge("g"), 8);
}

// P-49, O-73. Mutation seen red: Instrument::is_gauge without `observed`.
TEST_F(Observable, is_gone_with_its_metric_and_begins_anew) {
  ft::Reader held{registry, {.temporality = ft::Temporality::delta, .finals = ft::Finals::held}};
  {
    const ft::ObservableCounter<std::uint64_t> counter{registry, {.name = "c"}, [] { return 5; }};
    EXPECT_EQ(take(held).counter("c"), 5u);
  }
  EXPECT_FALSE(take(held).has("c"));
  const ft::ObservableCounter<std::uint64_t> counter{registry, {.name = "c"}, [] { return 6; }};
  EXPECT_EQ(take(held).counter("c"), 6u);
}

// Mutation seen red: observe_all does nothing without RegistryState::owner.
TEST(ObservableOfAGoneRegistry, is_still_called_by_its_readers) {
  auto registry = std::make_unique<ft::Registry>();
  ft::Reader reader{*registry};
  const ft::ObservableGauge<std::int64_t> gauge{*registry, {.name = "g"}, [] { return 5; }};
  registry.reset();
  EXPECT_EQ(take(reader).gauge("g"), 5);
}

// Mutations seen red: the destructor waits for its own callback (hangs); the callback destroyed with its metric.
TEST_F(Observable, may_be_destroyed_by_its_own_callback) {
  std::optional<ft::ObservableGauge<std::int64_t>> gauge;
  int calls = 0;
  const auto owned = std::make_shared<int>(7);
  long alive = 0;
  gauge.emplace(registry, ft::Info{.name = "g"}, [&, owned](ft::Observer<std::int64_t>& observer) {
    ++calls;
    gauge.reset();
    alive = owned.use_count();
    observer.observe(1);
  });
  EXPECT_FALSE(take(reader).has("g"));
  EXPECT_EQ(alive, 2);
  EXPECT_EQ(owned.use_count(), 1);
  take(reader);
  EXPECT_EQ(calls, 1);
}

// Mutation seen red: the destructor does not wait.
TEST_F(Observable, is_not_running_when_its_destructor_returns) {
  std::latch entered{1};
  std::latch released{1};
  std::atomic<bool> running{false};
  std::atomic<bool> destroyed{false};
  auto gauge = std::make_unique<ft::ObservableGauge<std::int64_t>>(registry, ft::Info{.name = "g"}, [&] {
    running = true;
    entered.count_down();
    released.wait();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    EXPECT_FALSE(destroyed);
    running = false;
    return 1;
  });
  std::jthread collector{[&] { static_cast<void>(reader.collect()); }};
  entered.wait();
  std::jthread releaser{[&] { released.count_down(); }};
  gauge.reset();
  destroyed = true;
  EXPECT_FALSE(running);
}

// Mutations seen red: called in two threads at a time; no wait for the other's call; a wait without a deadline (hangs).
TEST_F(Observable, that_another_thread_is_calling_is_waited_for_until_the_deadline) {
  std::latch entered{1};
  std::latch released{1};
  std::atomic<int> calls{0};
  std::atomic<int> inside{0};
  const ft::ObservableGauge<std::int64_t> gauge{registry, {.name = "g"}, [&] {
                                                  EXPECT_EQ(++inside, 1);
                                                  if (++calls == 2) {
                                                    entered.count_down();
                                                    released.wait();
                                                  }
                                                  --inside;
                                                  return calls.load();
                                                }};
  take(reader);
  std::jthread collector{[&] { static_cast<void>(reader.collect()); }};
  entered.wait();
  ft::Reader hurried{registry, {.callback_budget_ns = 1'000'000}};
  const std::uint64_t before = ft::storage_info().callbacks_skipped;
  EXPECT_EQ(take(hurried).gauge("g"), 1);  // as last observed
  EXPECT_EQ(ft::storage_info().callbacks_skipped, before + 1);
  ft::Reader patient{registry, {.callback_budget_ns = 60'000'000'000}};
  std::jthread waiter{[&] { EXPECT_EQ(take(patient).gauge("g"), 3); }};
  released.count_down();
}

// ── fork ───────────────────────────────────────────────────────────────────────────────────────────────────────────

// Mutations seen red: begin_child left out (the child shows the parent's 107); runs of the parent's threads not ended
// (hangs).
TEST_F(Observable, forked_child_starts_afresh_though_a_thread_of_the_parent_was_in_the_callback) {
  ft::Reader other{registry, delta};
  std::uint64_t total = 100;
  std::latch entered{1};
  std::latch released{1};
  std::atomic<bool> blocks{false};
  std::optional<ft::ObservableCounter<std::uint64_t>> counter;
  counter.emplace(registry, ft::Info{.name = "c"}, [&] {
    if (blocks.exchange(false)) {
      entered.count_down();
      released.wait();
    }
    return total;
  });
  EXPECT_EQ(take(other).counter("c"), 100u);
  blocks = true;
  std::jthread collector{[&] { static_cast<void>(reader.collect()); }};
  entered.wait();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);  // only to turn a hang into a failure
    total = 107;
    bool right = take(other).counter("c") == 7;
    total = 110;
    right = right && take(other).counter("c") == 3;
    counter.reset();
    _exit(right ? 0 : 1);
  }
  released.count_down();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace observable_test
