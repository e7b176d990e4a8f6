// SPDX-License-Identifier: Apache-2.0
//
// Dynamic<Metric, N>: series by label values, handles, what counts as a value, registration.
#include "fast_telemetry/dynamic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/counter_set.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/sampled_timer.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/registry_test.h"
#include "tests/support/sanitized.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace dynamic_test {

enum class Verb : std::uint8_t { get, put };
constexpr ft::Label label(Verb verb) { return ft::from_enumerator("verb", verb); }

class Dynamic : public RegistryTest {};

// DYN-15, DYN-16, DC-1.
TEST_F(Dynamic, counts_by_labels_and_by_handle) {
  ft::Dynamic<ft::Counter, 2> requests{scope, {.name = "requests"}, {"tenant", "path"}};
  requests.at("a", "/").add();
  requests.at(std::string{"a"}, std::string_view{"/"}).add(2);
  const auto handle = requests.with("a", "/");
  handle.add(4);
  handle.inc();
  requests.at("b", "/").add(8);
  EXPECT_EQ(handle.value(), 8U);
  EXPECT_EQ(requests.series_count(), 2U);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.counter("requests", {{"tenant", "a"}, {"path", "/"}}), 8U);
  EXPECT_EQ(seen.counter("requests", {{"tenant", "b"}, {"path", "/"}}), 8U);
  EXPECT_EQ(seen.point_count("requests"), 2U);
}

TEST_F(Dynamic, takes_text_integers_and_enums_as_values) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  requests.at(0).add();
  requests.at(-7).add();
  requests.at(INT64_MIN).add();
  requests.at(UINT64_MAX).add();
  requests.at(std::uint8_t{200}).add();
  requests.at(Verb::put).add();
  requests.at(static_cast<Verb>(77)).add();
  requests.at("put").add();
  const ft::RecordingVisitor seen = collect();
  for (const char* const value : {"0", "-7", "-9223372036854775808", "18446744073709551615", "200", "invalid"}) {
    EXPECT_EQ(seen.counter("requests", {{"x", value}}), 1U) << value;
  }
  EXPECT_EQ(seen.counter("requests", {{"x", "put"}}), 2U);
}

// DYN-4. Up to 65 535 bytes a size is kept in 16 bits, beyond in 32.
//
// Mutation: `long_texts` is never set (red: the size of the value of 65 536 bytes is 0).
TEST_F(Dynamic, takes_values_of_any_length_and_content) {
  ft::Dynamic<ft::Counter, 2> requests{scope, {.name = "requests"}, {"x", "y"}};
  std::vector<std::string> values;
  for (const std::size_t size : std::initializer_list<std::size_t>{
           1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 200, 1000, 5000, 65'535, 65'536, 100'000}) {
    values.emplace_back(size, 'v');
    values.push_back(std::string(size - 1, 'v') + 'w');
    values.push_back('u' + std::string(size - 1, 'v'));
  }
  values.emplace_back("quote \" backslash \\ line\nbreak");
  values.push_back(std::string{"a zero \0 inside", 15});
  values.emplace_back("\xc3\xa4 and \xf0\x9f\x98\x80");
  for (const auto& value : values) requests.at(value, "1").add();
  for (const auto& value : values) requests.at("1", value).add(2);
  for (const auto& value : values) requests.at(value, "1").add(4);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.point_count("requests"), 2 * values.size());
  for (const auto& value : values) {
    EXPECT_EQ(seen.counter("requests", {{"x", value}, {"y", "1"}}), 5U) << value.substr(0, 100);
    EXPECT_EQ(seen.counter("requests", {{"x", "1"}, {"y", value}}), 2U) << value.substr(0, 100);
  }
}

// Values that are not told apart by where one ends and the next begins.
TEST_F(Dynamic, does_not_take_two_label_sets_for_one) {
  ft::Dynamic<ft::Counter, 2> requests{scope, {.name = "requests"}, {"x", "y"}};
  requests.at("ab", "c").add(1);
  requests.at("a", "bc").add(2);
  requests.at("abc", "").add(4);
  requests.at("", "abc").add(8);
  requests.at("", "").add(16);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.counter("requests", {{"x", "ab"}, {"y", "c"}}), 1U);
  EXPECT_EQ(seen.counter("requests", {{"x", "a"}, {"y", "bc"}}), 2U);
  EXPECT_EQ(seen.counter("requests", {{"x", "abc"}}), 4U);
  EXPECT_EQ(seen.counter("requests", {{"y", "abc"}}), 8U);
  EXPECT_EQ(seen.counter("requests", {}), 16U);
}

// What is exported as one text is one series.
TEST_F(Dynamic, repairs_ill_formed_text_before_it_looks) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  requests.at("\xff").add(1);
  requests.at("\xfe").add(2);
  requests.at("\xef\xbf\xbd").add(4);
  EXPECT_EQ(requests.with("\xff").value(), 7U);
  EXPECT_EQ(requests.series_count(), 1U);
}

// W-23.
TEST_F(Dynamic, two_metrics_with_the_same_labels_do_not_disturb_each_other) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"tenant"}};
  ft::Dynamic<ft::Counter, 1> errors{scope, {.name = "errors"}, {"tenant"}};
  for (int i = 0; i < 1000; ++i) {
    requests.at(i % 10).add();
    errors.at(i % 10).add(3);
  }
  const ft::RecordingVisitor seen = collect();
  for (int tenant = 0; tenant < 10; ++tenant) {
    EXPECT_EQ(seen.counter("requests", {{"tenant", std::to_string(tenant)}}), 100U);
    EXPECT_EQ(seen.counter("errors", {{"tenant", std::to_string(tenant)}}), 300U);
  }
}

// DYN-5, W-26: order of birth, whatever the hash.
TEST_F(Dynamic, is_shown_in_the_order_of_birth) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  for (int i = 0; i < 500; ++i) requests.at(i).add();
  const ft::RecordingVisitor seen = collect();
  const auto& points = seen.family("requests").points;
  ASSERT_EQ(points.size(), 500U);
  for (int i = 0; i < 500; ++i) {
    EXPECT_THAT(points[static_cast<std::size_t>(i)].labels, ElementsAre(std::pair{"x", std::to_string(i)}));
  }
}

// DYN-18.
TEST_F(Dynamic, find_makes_no_series) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Dynamic<ft::Histogram, 1> latency{scope, {.name = "latency"}, {"x"}, {}, ft::Bounds{10}};
  const std::uint64_t dropped = ft::storage_info().dropped_no_metric;
  const auto none = requests.find("a");
  EXPECT_FALSE(none);
  EXPECT_EQ(none.value(), 0U);
  none.add();
  EXPECT_EQ(ft::storage_info().dropped_no_metric, dropped + 1);
  EXPECT_EQ(latency.find("a").count(), 0U);
  EXPECT_EQ(requests.series_count(), 0U);
  requests.at("a").add(3);
  const auto found = requests.find("a");
  EXPECT_TRUE(found);
  EXPECT_EQ(found.value(), 3U);
}

// A declared but unused series has no cells and is exported nevertheless: somebody asked for it.
TEST_F(Dynamic, a_handle_that_was_never_written_reads_as_zero) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  const std::uint64_t cells = ft::storage_info().cells;
  const auto handle = requests.with("a");
  EXPECT_TRUE(handle);
  EXPECT_EQ(handle.value(), 0U);
  EXPECT_LE(ft::storage_info().cells, cells + 1);
  EXPECT_EQ(collect().counter("requests", {{"x", "a"}}), 0U);
}

TEST_F(Dynamic, handles_are_copied_assigned_and_shared_between_threads) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  auto handle = requests.with("a");
  handle = requests.with("b");
  const auto& same = handle;
  handle = same;
  const auto copy = handle;
  std::thread{[copy] { copy.add(2); }}.join();
  handle.add(1);
  EXPECT_EQ(copy.value(), 3U);
  EXPECT_EQ(requests.find("a").value(), 0U);
}

TEST_F(Dynamic, a_handle_outlives_its_metric) {
  using Counter = ft::Dynamic<ft::Counter, 1>;
  std::unique_ptr<Counter> requests{new Counter{scope, {.name = "requests"}, {"x"}}};
  const auto handle = requests->with("a");
  handle.add(3);
  requests.reset();
  const std::uint64_t dropped = ft::storage_info().dropped_no_metric;
  handle.add(1);
  EXPECT_EQ(ft::storage_info().dropped_no_metric, dropped + 1);
  EXPECT_EQ(collect().counter("requests", {{"x", "a"}}), 3U);
}

// DYN-25 and DESIGN's rule for every metric: what comes back while its final value is held goes on.
TEST_F(Dynamic, a_metric_that_comes_back_goes_on) {
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
  {
    ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
    requests.at("a").add(3);
  }
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  requests.at("a").add(4);
  requests.at("b").add(1);
  EXPECT_EQ(collect().counter("requests", {{"x", "a"}}), 7U);
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("requests", {{"x", "a"}}), 7U);
  EXPECT_EQ(requests.find("a").value(), 7U);
}

// A metric of a static object is used by others that end after it.
TEST_F(Dynamic, use_after_the_end_is_a_counted_drop) {
  using Counter = ft::Dynamic<ft::Counter, 1>;
  alignas(Counter) unsigned char memory[sizeof(Counter)]{};
  auto* const requests = reinterpret_cast<Counter*>(memory);
  const std::uint64_t dropped = ft::storage_info().dropped_no_metric;
  requests->at("before").add();
  new (memory) Counter{scope, {.name = "requests"}, {"x"}};
  requests->at("while").add();
  requests->~Counter();
  requests->at("after").add();
  requests->with("after").add();
  EXPECT_FALSE(requests->find("while"));
  EXPECT_EQ(ft::storage_info().dropped_no_metric, dropped + 3);
  EXPECT_EQ(requests->series_count(), 0U);
  EXPECT_EQ(requests->overflow_count(), 0U);
}

// It goes when the metric has gone: a metric that waited for its own thread would hang.
TEST_F(Dynamic, what_was_found_outlives_its_metric) {
  using Gauge = ft::Dynamic<ft::Gauge<std::int64_t>, 1>;
  std::unique_ptr<Gauge> depth{new Gauge{scope, {.name = "depth"}, {"x"}}};
  const std::uint64_t dropped = ft::storage_info().dropped_no_metric;
  {
    const auto found = depth->at("a");
    found.set(1);
    depth.reset();
    found.set(2);
    EXPECT_EQ(ft::storage_info().dropped_no_metric, dropped + 1);
    EXPECT_EQ(found.get(), 0);
  }
  const Gauge next{scope, {.name = "depth"}, {"x"}};
}

TEST_F(Dynamic, float_counter) {
  ft::Dynamic<ft::FloatCounter, 1> seconds{scope, {.name = "cpu"}, {"x"}};
  seconds.at("a").add(0.25);
  seconds.with("a").add(0.5);
  EXPECT_EQ(collect().float_counter("cpu", {{"x", "a"}}), 0.75);
  EXPECT_EQ(seconds.with("a").value(), 0.75);
}

// DGI-1: increments and decrements that many threads share.
TEST_F(Dynamic, up_down_counter) {
  ft::Dynamic<ft::UpDownCounter, 1> open{scope, {.name = "open"}, {"x"}};
  open.at("a").add(5);
  open.with("a").sub(7);
  EXPECT_EQ(collect().up_down_counter("open", {{"x", "a"}}), -2);
}

// DG-1, DGI-1: W-18.
TEST_F(Dynamic, gauges) {
  ft::Dynamic<ft::Gauge<std::int64_t>, 1> depth{scope, {.name = "depth"}, {"x"}};
  ft::Dynamic<ft::Gauge<double>, 1> load{scope, {.name = "load"}, {"x"}};
  depth.at("a").set(5);
  depth.at("a").set(-3);
  load.with("a").set(0.1);
  EXPECT_EQ(depth.find("a").get(), -3);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.gauge("depth", {{"x", "a"}}), -3);
  EXPECT_EQ(seen.float_gauge("load", {{"x", "a"}}), 0.1);
}

// DH-1.
TEST_F(Dynamic, histograms) {
  ft::Dynamic<ft::Histogram, 1> latency{scope, {.name = "latency"}, {"x"}, {}, ft::buckets::durations(1ms, 10ms)};
  ft::Dynamic<ft::FloatHistogram, 1> ratio{scope, {.name = "ratio"}, {"x"}, {}, ft::FloatBounds{0.5, 1}};
  latency.at("a").record(1ms);
  latency.at("a").record(2ms);
  latency.at("b").record(20ms);
  ratio.at("a").record(0.75);
  EXPECT_EQ(latency.with("a").count(), 2U);
  const ft::RecordingVisitor seen = collect();
  const auto& a = seen.histogram("latency_seconds", {{"x", "a"}});
  EXPECT_THAT(a.buckets, ElementsAre(1, 1, 0));
  EXPECT_THAT(a.bounds, ElementsAre(0.001, 0.01));
  EXPECT_DOUBLE_EQ(a.sum, 0.003);
  EXPECT_THAT(seen.histogram("latency_seconds", {{"x", "b"}}).buckets, ElementsAre(0, 0, 1));
  EXPECT_THAT(seen.histogram("ratio", {{"x", "a"}}).buckets, ElementsAre(0, 1, 0));
  EXPECT_EQ(seen.histogram("ratio", {{"x", "a"}}).sum, 0.75);
}

// DD-1, W-34: the same for any thread.
TEST_F(Dynamic, distributions) {
  ft::Dynamic<ft::Distribution, 1> sizes{scope, {.name = "sizes"}, {"x"}, {}, ft::Range{1, 1 << 20}};
  sizes.at("a").record(100);
  std::thread{[&] { sizes.at("a").record(200); }}.join();
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.exponential("sizes", {{"x", "a"}}).count(), 2U);
  EXPECT_EQ(seen.exponential("sizes", {{"x", "a"}}).sum, 300);
}

// TIM-1, with labels that are known at run time only.
TEST_F(Dynamic, sampled_timers) {
  ft::Dynamic<ft::SampledTimer, 1> parse{
      scope, {.name = "parse"}, {"x"}, ft::DynamicOptions{.max_series = 1}, ft::buckets::durations(1ms), 1};
  const auto timer = parse.with("a");
  const auto refused = parse.with("b");
  timer.record_elapsed(500us);
  {
    const auto timing = timer.start();
  }
  refused.record_elapsed(2ms);
  EXPECT_EQ(timer.calls(), 2U);
  EXPECT_EQ(timer.sample_count(), 2U);
  EXPECT_EQ(parse.series_count(), 1U);
  EXPECT_EQ(parse.overflow_count(), 1U);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.counter("parse_calls", {{"x", "a"}}), 2U);
  EXPECT_EQ(seen.histogram("parse_samples_seconds", {{"x", "a"}}).count(), 2U);
  EXPECT_EQ(seen.counter("parse_calls", {{"otel_metric_overflow", "true"}}), 1U);
  EXPECT_EQ(seen.gauge("parse_sample_stride"), 1);
}

// Delta readers have windows of their own (DESIGN 3).
TEST_F(Dynamic, delta_readers_see_what_is_new) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Dynamic<ft::FloatCounter, 1> seconds{scope, {.name = "cpu"}, {"x"}};
  ft::Dynamic<ft::Histogram, 1> sizes{scope, {.name = "sizes"}, {"x"}, {}, ft::Bounds{10}};
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
  const auto record = [&] {
    requests.at("a").add(3);
    seconds.at("a").add(0.5);
    sizes.at("a").record(7);
  };
  record();
  static_cast<void>(reader.collect());
  record();
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("requests", {{"x", "a"}}), 6U) << "a window that was not accepted";
  reader.accept();
  record();
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("requests", {{"x", "a"}}), 3U);
  EXPECT_EQ(seen.float_counter("cpu", {{"x", "a"}}), 0.5);
  EXPECT_EQ(seen.histogram("sizes", {{"x", "a"}}).count(), 1U);
}

// DYN-7.
TEST_F(Dynamic, refuses_keys_and_limits_that_cannot_be) {
  using Counter = ft::Dynamic<ft::Counter, 1>;
  using Pair = ft::Dynamic<ft::Counter, 2>;
  const ft::Info info{.name = "requests"};
  const ft::Scope inner{scope, "inner", {{"zone", "1"}}};
  const auto refused = [](auto text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  EXPECT_THAT(([&] { Counter{scope, info, {"le"}}; }), refused("le"));
  EXPECT_THAT(([&] { Counter{scope, info, {"a b"}}; }), refused("a b"));
  EXPECT_THAT(([&] { Counter{scope, info, {""}}; }), refused("bad label key"));
  EXPECT_THAT(([&] { Counter{scope, info, {"otel_metric_overflow"}}; }), refused("otel_metric_overflow"));
  EXPECT_THAT(([&] { Counter{inner, info, {"zone"}}; }), refused("zone"));
  EXPECT_THAT(([&] { Pair{scope, info, {"x", "x"}}; }), refused("twice"));
  EXPECT_THAT(([&] { Counter{scope, info, {"x"}, {.max_series = 0}}; }), refused("at least one series"));
  EXPECT_THAT(([&] { Counter{scope, info, {"x"}, {.overflow_key = "a b"}}; }), refused("a b"));
  EXPECT_THAT(([&] { Counter{scope, info, {"x"}, {.overflow_key = "x"}}; }), refused("twice"));
  EXPECT_EQ(collect().point_count(), 0U);
  EXPECT_NO_THROW((Counter{scope, info, {"x"}}));
}

// Series of one could some day have the labels of another's.
TEST_F(Dynamic, shares_a_family_only_with_what_has_other_values_of_the_same_constant_keys) {
  const ft::Scope one{scope, "", {{"zone", "1"}}};
  const ft::Scope two{scope, "", {{"zone", "2"}}};
  const ft::Scope other{scope, "", {{"rack", "2"}}};
  const ft::Info info{.name = "requests"};
  ft::Dynamic<ft::Counter, 1> first{one, info, {"tenant"}};
  ft::Dynamic<ft::Counter, 1> second{two, info, {"tenant"}};
  EXPECT_THAT(([&] { ft::Counter{scope, info}; }), ThrowsMessage<std::invalid_argument>(HasSubstr("dynamic")));
  EXPECT_THAT(([&] { ft::Dynamic<ft::Counter, 1>{other, info, {"tenant"}}; }),
              ThrowsMessage<std::invalid_argument>(HasSubstr("dynamic")));
  EXPECT_THAT(([&] { ft::Dynamic<ft::Counter, 1>{one, info, {"tenant"}}; }),
              ThrowsMessage<std::invalid_argument>(HasSubstr("same labels")));
  first.at("a").add(1);
  second.at("a").add(2);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.counter("requests", {{"zone", "1"}, {"tenant", "a"}}), 1U);
  EXPECT_EQ(seen.counter("requests", {{"zone", "2"}, {"tenant", "a"}}), 2U);
}

// Series that are made while others look up and while a reader collects: each label set has one series, and nothing is
// lost while tables grow.
//
// Mutation: the lookup under the lock left out of DynamicIndex::slow: two series for one label set.
TEST_F(Dynamic, many_threads_make_the_same_series) {
  constexpr int labels = ft::is_sanitized ? 600 : 3000;
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}, {.max_series = labels}};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&requests, t] {
      for (int i = 0; i < labels; ++i) requests.at(t % 2 == 0 ? i : labels - 1 - i).add();
    });
  }
  ft::Reader reader{registry};
  for (int i = 0; i < 20; ++i) static_cast<void>(reader.collect());
  for (auto& thread : threads) thread.join();
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.point_count("requests"), static_cast<std::size_t>(labels));
  for (int i = 0; i < labels; ++i) EXPECT_EQ(seen.counter("requests", {{"x", std::to_string(i)}}), 4U);
}

// The thread that comes second finds no room, and no series yet. Mutation seen red: refused without a look at
// `makings_`.
TEST_F(Dynamic, two_threads_that_make_the_only_series_both_write_it) {
  constexpr std::size_t rounds = ft::is_sanitized ? 500 : 5000;
  const ft::Text keys[] = {"x"};
  std::deque<ft::Dynamic<ft::Counter, 1>> metrics;
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::string name = "m" + std::to_string(i);
    metrics.emplace_back(scope, ft::Info{.name = ft::Name::checked(name)}, keys, ft::DynamicOptions{.max_series = 1});
  }
  std::atomic<std::size_t> at[2] = {};
  const auto run = [&](std::size_t self) {
    for (std::size_t i = 0; i < rounds; ++i) {
      at[self].store(i + 1);
      while (at[1 - self].load() <= i) std::this_thread::yield();
      metrics[i].at("a").add();
    }
  };
  std::thread other{run, 1U};
  run(0);
  other.join();
  std::uint64_t overflows = 0;
  for (const auto& metric : metrics) overflows += metric.overflow_count();
  EXPECT_EQ(overflows, 0U);
}

}  // namespace dynamic_test
