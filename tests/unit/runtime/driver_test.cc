// SPDX-License-Identifier: Apache-2.0
#include "src/runtime/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/unit/runtime/scripted_exporter.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace driver_test {

using ft::detail::Driver;
using Time = Driver::Time;

/// Stands still until a test moves it.
Time clock_time;
Time clock_now() noexcept { return clock_time; }

class DriverTest : public testing::Test {
 protected:
  DriverTest() { clock_time = Time{1'000s}; }

  ft::Script& add(const char* name, const ft::ExportSchedule& schedule) {
    scripts.push_back(std::make_unique<ft::Script>());
    driver.add(std::make_unique<ft::ScriptedExporter>(name, *scripts.back()), schedule);
    return *scripts.back();
  }

  void run() {
    driver.begin_round(Driver::Round::regular);
    ASSERT_TRUE(driver.run_due(Time::max()));
  }
  void flush(std::uint64_t round, Time until) {
    driver.begin_round(Driver::Round::flush);
    ASSERT_TRUE(driver.flush(round, until));
  }
  void close(Time until) {
    driver.begin_round(Driver::Round::close);
    ASSERT_TRUE(driver.close(until));
  }

  std::vector<std::unique_ptr<ft::Script>> scripts;
  ft::Registry registry;
  Driver driver{registry, clock_now};
};

TEST_F(DriverTest, each_exporter_has_its_own_interval) {
  ft::Script& often = add("often", {.interval = 5s, .timeout = 1s});
  ft::Script& seldom = add("seldom", {.interval = 20s, .timeout = 1s});
  ft::Script& at_once = add("at_once", {.interval = 60s, .timeout = 1s, .at_start = true});
  driver.begin();
  run();
  EXPECT_THAT(at_once.calls, ElementsAre("export"));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(driver.next_due(), clock_time + 5s);
    clock_time += 5s;
    run();
    run();  // nothing is due twice
  }
  EXPECT_EQ(often.calls.size(), 4u);
  EXPECT_THAT(seldom.calls, ElementsAre("export"));
  EXPECT_EQ(at_once.calls.size(), 1u);
}

TEST_F(DriverTest, an_export_may_take_its_timeout_from_its_own_start) {
  ft::Script& slow = add("slow", {.interval = 10s, .timeout = 3s});
  ft::Script& next = add("next", {.interval = 10s, .timeout = 2s});
  slow.act = [](const std::string&, ft::DeliveryInfo&) {
    clock_time += 3s;
    return ft::DeliveryReport{};
  };
  driver.begin();
  clock_time += 10s;
  const Time due = clock_time;
  run();
  EXPECT_EQ(slow.untils.front(), due + 3s);
  EXPECT_EQ(next.untils.front(), due + 5s);
}

TEST_F(DriverTest, exports_that_were_missed_are_skipped_and_counted) {
  ft::Script& slow = add("slow", {.interval = 10s, .timeout = 60s});
  driver.begin();
  clock_time += 35s;
  run();
  EXPECT_EQ(slow.calls.size(), 1u);
  EXPECT_EQ(driver.next_due(), Time{1'040s});
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("fast_telemetry_runtime_exports", {{"exporter", "slow"}}), 1u);
  EXPECT_EQ(seen.counter("fast_telemetry_runtime_skipped_exports", {{"exporter", "slow"}}), 2u);
}

TEST_F(DriverTest, what_waits_is_delivered_between_exports_when_the_endpoint_may_be_asked_again) {
  ft::Script& script = add("otlp", {.interval = 60s, .timeout = 1s});
  script.act = [](const std::string& call, ft::DeliveryInfo&) {
    ft::DeliveryReport report;
    if (call == "export") report.next_attempt_in = 7s;
    return report;
  };
  driver.begin();
  clock_time += 60s;
  run();
  EXPECT_EQ(driver.next_due(), clock_time + 7s);
  clock_time += 6s;
  run();
  EXPECT_THAT(script.calls, ElementsAre("export"));
  clock_time += 1s;
  run();
  EXPECT_THAT(script.calls, ElementsAre("export", "deliver"));
  EXPECT_EQ(driver.next_due(), Time{1'120s}) << "all was delivered";
}

// Mutation: without shortest_wait, the thread that drives would never sleep.
TEST_F(DriverTest, who_always_wants_to_deliver_at_once_is_called_ten_times_a_second) {
  ft::Script& script = add("otlp", {.interval = 60s, .timeout = 1s, .at_start = true});
  script.act = [](const std::string&, ft::DeliveryInfo&) {
    return ft::DeliveryReport{.counts = {}, .next_attempt_in = 0s};
  };
  driver.begin();
  run();
  EXPECT_EQ(driver.next_due(), clock_time + 100ms);
  run();
  EXPECT_EQ(script.calls.size(), 1u);
}

TEST_F(DriverTest, a_flush_gives_each_an_equal_share_of_the_time_that_is_left) {
  ft::Script& dead = add("dead", {.interval = 60s, .timeout = 1s});
  ft::Script& quick = add("quick", {.interval = 60s, .timeout = 1s});
  ft::Script& last = add("last", {.interval = 60s, .timeout = 1s});
  dead.act = [&](const std::string&, ft::DeliveryInfo& info) {
    clock_time = dead.untils.back();
    info.items = info.queued = 4;
    return ft::DeliveryReport{.counts = {}, .next_attempt_in = 1s};
  };
  driver.begin();
  flush(1, clock_time + 9s);
  EXPECT_EQ(dead.untils.front(), Time{1'003s});
  EXPECT_EQ(quick.untils.front(), Time{1'006s});
  EXPECT_EQ(last.untils.front(), Time{1'009s}) << "what one does not use, the others have";
  const auto states = driver.states();
  EXPECT_FALSE(states[0].is_complete);
  EXPECT_EQ(states[0].info.queued, 4u);
  EXPECT_TRUE(states[1].is_complete);
  EXPECT_EQ(states[2].round, 1u);
}

TEST_F(DriverTest, a_flush_in_which_something_is_dropped_is_not_complete) {
  ft::Script& script = add("otlp", {.interval = 60s, .timeout = 1s});
  script.act = [](const std::string&, ft::DeliveryInfo& info) {
    info.items += 2;
    info.dropped_refused += 2;
    return ft::DeliveryReport{};
  };
  driver.begin();
  flush(1, clock_time + 1s);
  EXPECT_FALSE(driver.states()[0].is_complete);
  script.act = nullptr;
  flush(2, clock_time + 1s);
  EXPECT_TRUE(driver.states()[0].is_complete) << "what was dropped before is not this flush's";
}

TEST_F(DriverTest, what_is_closed_is_called_no_more) {
  ft::Script& script = add("otlp", {.interval = 60s, .timeout = 1s});
  driver.begin();
  close(clock_time + 1s);
  clock_time += 600s;
  run();
  flush(1, clock_time + 1s);
  close(clock_time + 1s);
  EXPECT_THAT(script.calls, ElementsAre("close"));
  EXPECT_EQ(driver.next_due(), Time::max());
}

TEST_F(DriverTest, an_interrupt_cuts_the_call_under_way_and_leaves_out_the_rest_of_a_regular_round) {
  ft::Script& slow = add("slow", {.interval = 10s, .timeout = 30s});
  ft::Script& next = add("next", {.interval = 10s, .timeout = 30s});
  slow.act = [&](const std::string& call, ft::DeliveryInfo&) {
    if (call == "export") driver.interrupt(Driver::Round::flush, clock_time + 8s);
    return ft::DeliveryReport{};
  };
  driver.begin();
  clock_time += 10s;
  run();
  EXPECT_THAT(next.calls, IsEmpty());
  EXPECT_THAT(slow.ends, ElementsAre(clock_time + 2s, Time::max())) << "a share of the flush's time, then all again";
  flush(1, clock_time + 8s);
  run();
  EXPECT_THAT(next.calls, ElementsAre("flush", "export"));
}

TEST_F(DriverTest, a_flush_is_interrupted_by_a_close_but_not_by_another_flush) {
  ft::Script& first = add("first", {.interval = 10s, .timeout = 30s});
  ft::Script& second = add("second", {.interval = 10s, .timeout = 30s});
  auto by = Driver::Round::flush;
  first.act = [&](const std::string&, ft::DeliveryInfo&) {
    driver.interrupt(by, clock_time + 8s);
    return ft::DeliveryReport{};
  };
  driver.begin();
  flush(1, clock_time + 8s);
  EXPECT_THAT(second.calls, ElementsAre("flush"));
  EXPECT_THAT(first.ends, IsEmpty());
  by = Driver::Round::close;
  flush(2, clock_time + 8s);
  EXPECT_THAT(second.calls, ElementsAre("flush"));
  EXPECT_EQ(driver.states()[1].round, 1u) << "the second flush did not get there";
}

TEST_F(DriverTest, a_call_that_does_not_return_is_left_to_its_thread_and_all_others_are_closed) {
  ft::Script& stuck = add("stuck", {.interval = 10s, .timeout = 1s});
  ft::Script& other = add("other", {.interval = 10s, .timeout = 1s});
  stuck.act = [&](const std::string&, ft::DeliveryInfo&) {
    driver.interrupt(Driver::Round::close, clock_time + 4s);
    EXPECT_FALSE(driver.take_over(100ms)) << "it may still come back";
    clock_time += 2s;
    EXPECT_TRUE(driver.take_over(100ms));
    driver.begin_round(Driver::Round::close);  // what the other thread does
    EXPECT_TRUE(driver.close(clock_time + 1s));
    return ft::DeliveryReport{};
  };
  driver.begin();
  clock_time += 10s;
  driver.begin_round(Driver::Round::regular);
  EXPECT_FALSE(driver.run_due(Time::max())) << "whoever comes back finds that another drives";
  EXPECT_THAT(stuck.calls, ElementsAre("export"));
  EXPECT_THAT(other.calls, ElementsAre("close"));
  EXPECT_NE(driver.states()[0].round, Driver::last_round);
  EXPECT_EQ(driver.states()[1].round, Driver::last_round);
}

TEST_F(DriverTest, the_registry_shows_how_delivery_goes) {
  ft::Script& script = add("otlp", {.interval = 10s, .timeout = 1s});
  script.act = [](const std::string&, ft::DeliveryInfo& info) {
    info.items += 10;
    info.delivered += 4;
    info.rejected += 1;
    info.dropped_too_old += 2;
    info.queued = 3;
    info.attempts += 2;
    info.attempt_ns += 500'000'000;
    return ft::DeliveryReport{};
  };
  driver.begin();
  for (int i = 0; i < 2; ++i) {
    clock_time += 10s;
    run();
  }
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("fast_telemetry_delivery_items", {{"exporter", "otlp"}, {"outcome", "delivered"}}), 8u);
  EXPECT_EQ(seen.counter("fast_telemetry_delivery_items", {{"exporter", "otlp"}, {"outcome", "rejected"}}), 2u);
  EXPECT_EQ(seen.counter("fast_telemetry_delivery_dropped_items", {{"exporter", "otlp"}, {"reason", "too_old"}}), 4u);
  EXPECT_EQ(seen.counter("fast_telemetry_delivery_attempts", {{"exporter", "otlp"}}), 4u);
  EXPECT_EQ(seen.float_counter("fast_telemetry_delivery_attempt_time_seconds", {{"exporter", "otlp"}}), 1.0);
  EXPECT_EQ(seen.gauge("fast_telemetry_delivery_queued_items", {{"exporter", "otlp"}}), 3);
}

TEST_F(DriverTest, exporters_of_one_name_are_told_apart) {
  add("otlp", {.interval = 10s, .timeout = 1s});
  add("otlp", {.interval = 10s, .timeout = 1s});
  driver.begin();
  clock_time += 10s;
  run();
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("fast_telemetry_runtime_exports", {{"exporter", "otlp"}}), 1u);
  EXPECT_EQ(seen.counter("fast_telemetry_runtime_exports", {{"exporter", "otlp_2"}}), 1u);
}

TEST_F(DriverTest, a_schedule_without_sense_is_refused) {
  EXPECT_THROW(add("otlp", {.interval = 0s, .timeout = 1s}), std::invalid_argument);
  EXPECT_THROW(add("otlp", {.interval = 1s, .timeout = -1s}), std::invalid_argument);
  EXPECT_THROW(driver.sweep_every(-1s, {}), std::invalid_argument);
}

TEST_F(DriverTest, idle_series_are_swept_at_their_interval) {
  ft::Dynamic<ft::Counter, 1> by_tenant{registry, {.name = "requests"}, {"tenant"}};
  by_tenant.with("a").add();
  driver.sweep_every(60s, {.idle_sweeps = 1});
  driver.begin();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(driver.next_due(), clock_time + 60s);
    clock_time += 60s;
    run();
  }
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("fast_telemetry_runtime_sweeps", {{"sweeper", "1"}}), 2u);
  EXPECT_EQ(seen.counter("fast_telemetry_runtime_evicted_series", {{"sweeper", "1"}}), 1u);
}

}  // namespace driver_test
