// SPDX-License-Identifier: Apache-2.0
//
// Ends, or forks, in a way that its argument names, with a Telemetry that nobody shut down. What was recorded has to be
// exported all the same, and nothing may crash or hang.
//
// Mutations: without shut_down_at_exit, `leaked` loses what was recorded; without the test for a call by the driving
// thread, `exit_in_a_visitor` waits for itself; without the one for a forked child, `forked` waits for a thread that is
// not there.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/runtime/telemetry.h>
#include <fast_telemetry/testing/ignoring_visitor.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <latch>
#include <optional>
#include <string_view>
#include <thread>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace {

constexpr ft::ExportSchedule never{.interval = 24h, .timeout = 30s};
constexpr ft::ExportSchedule at_once{.interval = 24h, .timeout = 30s, .at_start = true};
constexpr ft::ReaderOptions deltas{.temporality = ft::Temporality::delta};

/// Adds up what it is shown of `requests`. Immortal, as what outlives all static objects has to be.
class Sums final : public ft::IgnoringVisitor {
 public:
  void begin(const ft::Collection&) override {
    if (hook) hook();
  }
  void family(const ft::Family& family) override { is_it_ = family.full_name == "requests"; }
  void sum(const ft::Series&, const ft::NumberPoint<std::uint64_t>& point) override {
    if (is_it_) total += point.value;
  }
  std::atomic<std::uint64_t> total{0};
  std::function<void()> hook;

 private:
  bool is_it_ = false;
};
Sums& sums() {
  static Sums* const immortal = new Sums;
  return *immortal;
}
Sums& sums_of_child() {
  static Sums* const immortal = new Sums;
  return *immortal;
}

ft::TelemetryOptions options() { return {.shutdown_timeout = 30s}; }

ft::Telemetry& begin(ft::Telemetry& telemetry, Sums& visitor = sums(), const ft::ExportSchedule& schedule = never) {
  telemetry.add_visitor("sums", visitor, schedule, deltas);
  if (telemetry.start()) std::_Exit(2);
  return telemetry;
}

std::uint64_t expected = 3;

/// After all static destructors and handlers.
[[gnu::destructor(101)]] void check() {
  if (sums().total == expected) _exit(0);
  std::printf("exported %llu of %llu\n", static_cast<unsigned long long>(sums().total.load()),
              static_cast<unsigned long long>(expected));
  std::fflush(stdout);
  _exit(1);
}

ft::Counter& requests() {
  static ft::Counter counter{ft::default_registry(), {.name = "requests"}};
  return counter;
}

void leaked() {
  begin(*new ft::Telemetry{options()});
  requests().add(3);
}

void as_static() {
  static ft::Telemetry telemetry{options()};
  begin(telemetry);
  requests().add(3);
}

void before_its_metrics() {
  static std::optional<ft::Telemetry> telemetry;  // destroyed after the counter, which is registered later
  telemetry.emplace(options());
  telemetry->add_visitor("sums", sums(), never, deltas);  // not started: no exit handler, the destructor does it
  requests().add(3);
}

void as_thread_local() {
  std::thread{[] {
    thread_local ft::Telemetry telemetry{options()};
    begin(telemetry);
    requests().add(3);
  }}.join();
}

void twice() {
  static ft::Telemetry telemetry{options()};
  begin(telemetry);
  requests().add(3);
  if (!telemetry.shutdown(30s).is_complete() || !telemetry.shutdown(30s).is_complete()) std::_Exit(2);
  requests().add(5);  // after the end: not exported, and no harm
}

void exit_in_a_thread() {
  begin(*new ft::Telemetry{options()});
  std::thread{[] {
    requests().add(3);
    std::exit(0);
  }}.join();
}

void exit_in_a_visitor() {
  expected = 0;
  sums().hook = [] { std::exit(0); };
  begin(*new ft::Telemetry{options()}, sums(), at_once);
  for (;;) pause();
}

/// In the child: every call returns at once and says so, and a Telemetry of its own works.
void check_child(std::optional<ft::Telemetry>& parents) {
  expected = 0;
  sums().total = 0;
  if (!parents->force_flush(1h).is_forked || !parents->shutdown(1h).is_forked) std::_Exit(3);
  if (parents->start() || parents->collect_once(1h) != std::chrono::steady_clock::time_point::max()) std::_Exit(4);
  parents.reset();
  requests().add(7);
  ft::Telemetry own{options()};
  begin(own, sums_of_child());
  if (!own.shutdown(30s).is_complete() || sums_of_child().total != 7) std::_Exit(5);
}

void expect_child_is_well(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  std::printf("the child ended with status %d\n", status);
  std::fflush(stdout);
  std::_Exit(1);
}

void forked() {
  std::optional<ft::Telemetry> telemetry{std::in_place, options()};
  begin(*telemetry);
  requests().add(3);
  const pid_t child = fork();
  if (child == 0) {
    check_child(telemetry);
    std::exit(0);
  }
  expect_child_is_well(child);
  if (!telemetry->shutdown(30s).is_complete()) std::_Exit(2);
}

void forked_in_an_export() {
  static std::latch is_in{1};
  static std::latch may_go{1};
  sums().hook = [] {
    is_in.count_down();
    may_go.wait();
  };
  std::optional<ft::Telemetry> telemetry{std::in_place, options()};
  requests().add(3);
  begin(*telemetry, sums(), at_once);
  is_in.wait();
  const pid_t child = fork();
  if (child == 0) {
    check_child(telemetry);
    std::exit(0);
  }
  expect_child_is_well(child);
  may_go.count_down();
  if (!telemetry->shutdown(30s).is_complete()) std::_Exit(2);
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view way = arguments[1];
  if (way == "leaked") leaked();
  if (way == "static") as_static();
  if (way == "before_its_metrics") before_its_metrics();
  if (way == "thread_local") as_thread_local();
  if (way == "twice") twice();
  if (way == "exit_in_a_thread") exit_in_a_thread();
  if (way == "exit_in_a_visitor") exit_in_a_visitor();
  if (way == "forked") forked();
  if (way == "forked_in_an_export") forked_in_an_export();
}
