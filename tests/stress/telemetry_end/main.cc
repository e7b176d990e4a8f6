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
#include <fast_telemetry/spans/span.h>
#include <fast_telemetry/testing/ignoring_visitor.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <latch>
#include <optional>
#include <string>
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
  ft::TelemetryOptions patient = options();
  patient.shutdown_timeout = 24h;  // who waited for itself would hang
  begin(*new ft::Telemetry{patient}, sums(), at_once);
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

/// Takes connections and answers nothing. The port.
std::uint16_t open_black_hole() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, generic, size) != 0 || listen(listener, 16) != 0 || getsockname(listener, generic, &size) != 0) {
    std::_Exit(2);
  }
  return ntohs(address.sin_port);
}

/// Everything goes to an endpoint that does not answer, but for what a visitor is shown. `limit_ms`: how long the
/// shutdown within 1 s may take; 0: not looked at.
void black_hole(long limit_ms) {
  ft::TelemetryOptions to_black_hole = options();
  const ft::OtlpHttpOptions http{.endpoint = "http://127.0.0.1:" + std::to_string(open_black_hole())};
  to_black_hole.otlp_metrics = {.http = http};
  to_black_hole.otlp_spans = {.http = http};
  to_black_hole.metrics.at_start = true;  // so that an export is under way when the end comes
  ft::Telemetry telemetry{to_black_hole};
  begin(telemetry);
  const ft::Tracer tracer{"test"};
  static_cast<void>(tracer.root("work"));
  requests().add(3);
  const auto before = std::chrono::steady_clock::now();
  const ft::TelemetryReport report = telemetry.shutdown(1s);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before);
  std::printf("shutdown(1s) took %lld ms\n", static_cast<long long>(took.count()));
  std::fflush(stdout);
  if (limit_ms != 0 && took.count() > limit_ms) std::_Exit(6);
  // What was not delivered is said to be dropped, item by item, and the visitor, which comes last, had its turn.
  for (std::size_t i = 0; i < 2; ++i) {
    const ft::ExporterReport& otlp = report.exporters.at(i);
    const ft::DeliveryInfo& info = otlp.delivery;
    if (otlp.is_complete || info.items == 0 || info.dropped_shutdown != info.items) std::_Exit(7);
  }
  if (!report.exporters.at(2).is_complete || report.is_left_behind || report.is_complete()) std::_Exit(8);
}

}  // namespace

int main(int count, char** arguments) {
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
  if (way == "black_hole") black_hole(count > 2 ? std::strtol(arguments[2], nullptr, 10) : 0);
}
