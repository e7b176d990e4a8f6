// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "src/core/process.h"

namespace ft = fast_telemetry;
using namespace std::string_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace registry_test {

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

enum class Le : std::uint8_t { only };
constexpr ft::Label label(Le) { return {"le", "1"}; }

using Labels = ft::RecordedPoint::Labels;

class Registry : public testing::Test {
 protected:
  ft::RecordingVisitor look() { return ft::RecordingVisitor{reader}; }

  ft::Registry registry;
  ft::Reader reader{registry};
};

// ── names, prefixes, labels ────────────────────────────────────────────────────────────────────────────────────────

// VIS-2, W-20
TEST_F(Registry, shows_each_family_with_the_fields_of_its_info) {
  const ft::Scope proxy{registry, "proxy"};
  const ft::Scope upstream{proxy, "upstream"};
  ft::Counter counter{upstream, {.name = "received_bytes_total", .help = "Bytes read.", .unit = ft::Unit::bytes}};
  ft::Gauge<double> gauge{registry, {.name = "temperature", .unit = ft::Unit::celsius}};
  const ft::RecordingVisitor seen = look();

  const ft::RecordedFamily& bytes = seen.family("proxy_upstream_received_bytes");
  EXPECT_EQ(bytes.scope, "proxy.upstream");
  EXPECT_EQ(bytes.name, "received");
  EXPECT_EQ(bytes.help, "Bytes read.");
  EXPECT_EQ(bytes.unit, ft::Unit::bytes);
  EXPECT_EQ(bytes.kind, ft::Kind::counter);

  const ft::RecordedFamily& temperature = seen.family("temperature_celsius");
  EXPECT_EQ(temperature.scope, "");
  EXPECT_EQ(temperature.name, "temperature");
  EXPECT_EQ(temperature.help, "");
  EXPECT_EQ(temperature.unit, ft::Unit::celsius);
  EXPECT_EQ(temperature.kind, ft::Kind::gauge);
}

TEST_F(Registry, joins_the_prefixes_of_nested_scopes_and_skips_empty_ones) {
  const ft::Scope empty{registry, ""};
  const ft::Scope a{empty, "a"};
  const ft::Scope still_a{a, ""};
  const ft::Scope b{still_a, "b"};
  ft::Counter plain{empty, {.name = "x"}};
  ft::Counter in_a{still_a, {.name = "x"}};
  ft::Counter in_b{b, {.name = "x"}};
  EXPECT_THAT(look().family_names(), ElementsAre("x", "a_x", "a_b_x"));
  EXPECT_EQ(look().family("a_b_x").scope, "a.b");
}

TEST_F(Registry, shows_constant_labels_from_the_outermost_scope_inwards) {
  const ft::Scope outer{registry, "a", {{"z", "1"}, {"y", "2"}}};
  const ft::Scope inner{outer, "b", {{"x", "3"}}};
  ft::Labeled<ft::Counter, Command> counter{inner, {.name = "c"}};
  EXPECT_EQ(look().family("a_b_c").points.front().labels,
            (Labels{{"z", "1"}, {"y", "2"}, {"x", "3"}, {"command", "get"}}));
}

TEST_F(Registry, takes_labels_from_an_array_too) {
  std::vector<ft::Label> labels{{"pod", "p-1"}, {"node", "n-1"}};
  const ft::Scope scope{registry, "a", labels.data(), labels.size()};
  ft::Counter counter{scope, {.name = "c"}};
  EXPECT_EQ(look().family("a_c").points.front().labels, (Labels{{"pod", "p-1"}, {"node", "n-1"}}));
}

// P-17. Exposition format 0.0.4 takes a label without text for one that is not there.
TEST_F(Registry, takes_an_empty_label_value_for_an_absent_label) {
  const ft::Scope scope{registry, "a", {{"left", ""}, {"right", "1"}}};
  ft::Counter counter{scope, {.name = "c"}};
  EXPECT_EQ(look().family("a_c").points.front().labels, (Labels{{"right", "1"}}));
  // So a metric without the label is the same series.
  const ft::Scope without{registry, "a", {{"right", "1"}}};
  EXPECT_THROW(ft::Counter(without, {.name = "c"}), std::invalid_argument);
}

TEST_F(Registry, takes_a_null_pointer_for_an_empty_label_value) {
  const char* const unset = nullptr;  // what getenv gives for a variable that is not set
  const ft::Scope scope{registry, "a", {{"host", unset}, {"right", "1"}}};
  ft::Counter counter{scope, {.name = "c", .help = unset}};
  EXPECT_EQ(look().family("a_c").points.front().labels, (Labels{{"right", "1"}}));
  EXPECT_EQ(look().family("a_c").help, "");
}

TEST_F(Registry, takes_any_text_as_label_value_and_help) {
  const std::string hostile = "\0\x01\n\"\\\xff{}\xc3\xa4=,"s;
  const ft::Scope scope{registry, "a", {{"value", hostile}}};
  ft::Counter counter{scope, {.name = "c", .help = hostile}};
  EXPECT_EQ(look().family("a_c").help, hostile);
  EXPECT_EQ(look().family("a_c").points.front().labels, (Labels{{"value", hostile}}));
}

// Registration copies: what the caller gave may go at once (a plugin's literals, a std::string's buffer).
TEST_F(Registry, copies_all_text_it_is_given) {
  std::optional<ft::Counter> counter;
  {
    auto prefix = std::make_unique<std::string>("a_prefix_longer_than_any_small_string_buffer");
    auto key = std::make_unique<std::string>("a_key_longer_than_any_small_string_buffer");
    auto value = std::make_unique<std::string>("a value longer than any small string buffer");
    auto name = std::make_unique<std::string>("a_name_longer_than_any_small_string_buffer");
    auto help = std::make_unique<std::string>("A help text longer than any small string buffer.");
    const ft::Scope scope{registry, *prefix, {{*key, *value}}};
    counter.emplace(scope, ft::Info{.name = ft::Name::checked(*name), .help = *help});
    for (auto* const text : {&prefix, &key, &value, &name, &help}) {
      (*text)->assign((*text)->size(), 'X');
      text->reset();
    }
  }
  const ft::RecordingVisitor seen = look();
  const ft::RecordedFamily& family = seen.families().front();
  EXPECT_EQ(family.scope, "a_prefix_longer_than_any_small_string_buffer");
  EXPECT_EQ(family.name, "a_name_longer_than_any_small_string_buffer");
  EXPECT_EQ(family.help, "A help text longer than any small string buffer.");
  EXPECT_EQ(family.points.front().labels,
            (Labels{{"a_key_longer_than_any_small_string_buffer", "a value longer than any small string buffer"}}));
}

TEST_F(Registry, is_the_same_object_for_the_whole_process_by_default) {
  EXPECT_EQ(&ft::default_registry(), &ft::default_registry());
  ft::Reader of_default{ft::default_registry()};
  const ft::Counter counter{ft::default_registry(), {.name = "only_in_the_default_registry"}};
  EXPECT_TRUE(ft::RecordingVisitor{of_default}.has("only_in_the_default_registry"));
  EXPECT_FALSE(look().has("only_in_the_default_registry"));
}

TEST_F(Registry, does_not_mix_with_another_registry) {
  ft::Registry other;
  ft::Reader other_reader{other};
  ft::Counter here{registry, {.name = "x"}};
  ft::Counter there{other, {.name = "x"}};
  here.add(1);
  there.add(2);
  EXPECT_EQ(look().counter("x"), 1u);
  EXPECT_EQ(ft::RecordingVisitor{other_reader}.counter("x"), 2u);
}

// ── one family, several metrics ────────────────────────────────────────────────────────────────────────────────────

struct ServerMetrics {
  ServerMetrics(ft::Registry& registry, const char* port) : scope{registry, "server", {{"port", port}}} {}

  ft::Scope scope;
  ft::Counter requests{scope, {.name = "requests", .help = "Requests read."}};
  ft::Labeled<ft::Counter, Command> commands{scope, {.name = "commands"}};
  ft::Histogram latency{scope, {.name = "latency"}, ft::buckets::latency};
};

TEST_F(Registry, gives_two_instances_of_one_struct_the_same_families) {
  ServerMetrics first{registry, "80"};
  ServerMetrics second{registry, "443"};
  first.requests.add(1);
  second.requests.add(2);
  second.commands.with(Command::set).add(3);
  const ft::RecordingVisitor seen = look();
  EXPECT_THAT(seen.family_names(), ElementsAre("server_requests", "server_commands", "server_latency_seconds"));
  EXPECT_EQ(seen.counter("server_requests", {{"port", "80"}}), 1u);
  EXPECT_EQ(seen.counter("server_requests", {{"port", "443"}}), 2u);
  EXPECT_EQ(seen.point_count("server_commands"), 4u);
  EXPECT_EQ(seen.counter("server_commands", {{"port", "443"}, {"command", "set"}}), 3u);
  EXPECT_EQ(seen.point_count("server_latency_seconds"), 2u);
}

// P-10
TEST_F(Registry, puts_metrics_of_one_family_together_though_others_came_between) {
  ft::Counter a1{ft::Scope{registry, "", {{"n", "1"}}}, {.name = "a"}};
  ft::Counter b{registry, {.name = "b"}};
  ft::Counter a2{ft::Scope{registry, "", {{"n", "2"}}}, {.name = "a"}};
  const ft::RecordingVisitor seen = look();
  EXPECT_THAT(seen.family_names(), ElementsAre("a", "b"));
  EXPECT_EQ(seen.family("a").points[0].labels, (Labels{{"n", "1"}}));
  EXPECT_EQ(seen.family("a").points[1].labels, (Labels{{"n", "2"}}));
}

// P-10, W-60
TEST_F(Registry, refuses_the_same_family_with_the_same_labels) {
  ft::Counter first{registry, {.name = "requests"}};
  EXPECT_THAT([&] { ft::Counter(registry, {.name = "requests"}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("requests"), HasSubstr("same labels"))));
  // `_total` is a format's suffix, not a name's: this is the same metric.
  EXPECT_THROW(ft::Counter(registry, {.name = "requests_total"}), std::invalid_argument);
  // So is the prefix a part of the name.
  ft::Counter prefixed{ft::Scope{registry, "a"}, {.name = "b"}};
  EXPECT_THROW(ft::Counter(registry, {.name = "a_b"}), std::invalid_argument);
}

// P-10
TEST_F(Registry, refuses_the_same_labels_in_another_order) {
  ft::Counter first{ft::Scope{registry, "a", {{"x", "1"}, {"y", "2"}}}, {.name = "c"}};
  EXPECT_THROW(ft::Counter(ft::Scope(registry, "a", {{"y", "2"}, {"x", "1"}}), {.name = "c"}), std::invalid_argument);
}

TEST_F(Registry, does_not_take_labels_for_equal_that_only_read_alike_when_joined) {
  ft::Counter first{ft::Scope{registry, "a", {{"x", "1,y=1:2"}}}, {.name = "c"}};
  EXPECT_NO_THROW(ft::Counter(ft::Scope(registry, "a", {{"x", "1"}, {"y", "2"}}), {.name = "c"}));
}

// P-7, P-10: formats replace what is ill-formed, and both would go out as one series.
TEST_F(Registry, refuses_label_values_that_differ_only_in_ill_formed_bytes) {
  ft::Counter first{ft::Scope{registry, "a", {{"x", "\xff"}}}, {.name = "c"}};
  EXPECT_THROW(ft::Counter(ft::Scope(registry, "a", {{"x", "\xfe"}}), {.name = "c"}), std::invalid_argument);
  EXPECT_THROW(ft::Counter(ft::Scope(registry, "a", {{"x", "\xef\xbf\xbd"}}), {.name = "c"}), std::invalid_argument);
  EXPECT_NO_THROW(ft::Counter(ft::Scope(registry, "a", {{"x", "\xff\xfe"}}), {.name = "c"}));  // two replacements
}

TEST_F(Registry, refuses_a_metric_of_which_one_combination_exists_already) {
  ft::Counter one{ft::Scope{registry, "a", {{"command", "set"}}}, {.name = "c"}};
  using All = ft::Labeled<ft::Counter, Command>;
  EXPECT_THROW(All(ft::Scope(registry, "a"), {.name = "c"}), std::invalid_argument);
  // The other way round: the spare point counts as existing although it is not shown.
  All all{ft::Scope{registry, "b"}, {.name = "c"}};
  EXPECT_THROW(ft::Counter(ft::Scope(registry, "b", {{"command", "invalid"}}), {.name = "c"}), std::invalid_argument);
  EXPECT_NO_THROW(ft::Counter(ft::Scope(registry, "b", {{"command", "else"}}), {.name = "c"}));
}

// ── what must not be called alike ──────────────────────────────────────────────────────────────────────────────────

// P-9
TEST_F(Registry, refuses_a_name_that_exists_with_another_kind) {
  ft::Counter counter{registry, {.name = "x"}};
  EXPECT_THAT([&] { ft::Gauge<double>(ft::Scope(registry, "", {{"n", "1"}}), {.name = "x"}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("\"x\""), HasSubstr("another kind"))));
  EXPECT_THROW(ft::Histogram(registry, {.name = "x"}, {1}), std::invalid_argument);
}

TEST_F(Registry, refuses_a_name_that_exists_with_another_unit) {
  ft::Gauge<double> first{registry, {.name = "x_seconds"}};
  EXPECT_THAT(
      [&] { ft::Gauge<double>(ft::Scope(registry, "", {{"n", "1"}}), {.name = "x", .unit = ft::Unit::seconds}); },
      ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("x_seconds"), HasSubstr("another unit"))));
}

TEST_F(Registry, takes_one_name_with_different_units_for_different_families) {
  ft::Gauge<double> seconds{registry, {.name = "x", .unit = ft::Unit::seconds}};
  ft::Gauge<double> bytes{registry, {.name = "x", .unit = ft::Unit::bytes}};
  ft::Gauge<double> none{registry, {.name = "x"}};
  EXPECT_THAT(look().family_names(), ElementsAre("x_seconds", "x_bytes", "x"));
}

// Formats that do not join scope and name by `_` tell them apart, and their family would have the first one's.
TEST_F(Registry, refuses_a_name_that_is_cut_into_scope_and_name_elsewhere) {
  ft::Counter first{ft::Scope{registry, "a_b", {{"n", "1"}}}, {.name = "c"}};
  EXPECT_THAT([&] { ft::Counter(ft::Scope(registry, "a", {{"n", "2"}}), {.name = "b_c"}); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("\"c\" in the scope \"a_b\""), HasSubstr("\"b_c\" in the scope \"a\""))));
  const ft::Scope nested{ft::Scope{registry, "a"}, "b", {{"n", "3"}}};
  EXPECT_THAT([&] { ft::Counter(nested, {.name = "c"}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("scope \"a.b\"")));
  EXPECT_NO_THROW(ft::Counter(ft::Scope(registry, "a_b", {{"n", "4"}}), {.name = "c"}));
}

TEST_F(Registry, takes_integers_and_doubles_for_one_kind) {
  ft::Gauge<double> first{ft::Scope{registry, "", {{"n", "1"}}}, {.name = "x"}};
  ft::Gauge<std::int64_t> second{ft::Scope{registry, "", {{"n", "2"}}}, {.name = "x"}};
  EXPECT_EQ(look().point_count("x"), 2u);
}

constexpr std::uint64_t some_bounds[] = {1, 2};

/// Registers a metric and hands back what keeps it alive.
using Register = std::function<std::shared_ptr<void>(const ft::Scope&)>;

template <class Metric, class... Args>
Register a(const char* name, Args... args) {
  return [=](const ft::Scope& scope) -> std::shared_ptr<void> {
    return std::make_shared<Metric>(scope, ft::Info{.name = ft::Name::checked(name)}, args...);
  };
}

Register counter(const char* name) { return a<ft::Counter>(name); }
Register gauge(const char* name) { return a<ft::Gauge<std::int64_t>>(name); }
Register histogram(const char* name) { return a<ft::Histogram>(name, ft::Bounds{some_bounds, 2}); }

struct SuffixCase {
  const char* what;
  Register first;
  Register second;
  bool clash;
};

// P-26. OpenMetrics 1.0, "Suffixes": no family's name may be another family's sample name. Text 0.0.4 has the same
// trouble without the rule: two samples of one name under two TYPE lines.
class Suffixes : public testing::TestWithParam<SuffixCase> {
 protected:
  static void try_both(const Register& first, const Register& second, bool clash) {
    ft::Registry registry;
    const std::shared_ptr<void> kept = first(registry);
    if (clash) {
      EXPECT_THROW(second(registry), std::invalid_argument);
    } else {
      EXPECT_NO_THROW(second(registry));
    }
  }
};

TEST_P(Suffixes, clash_or_not) { try_both(GetParam().first, GetParam().second, GetParam().clash); }
TEST_P(Suffixes, clash_or_not_in_the_other_order_of_registration) {
  try_both(GetParam().second, GetParam().first, GetParam().clash);
}

INSTANTIATE_TEST_SUITE_P(
    open_metrics, Suffixes,
    testing::Values(SuffixCase{"counter_and_gauge_created", counter("foo"), gauge("foo_created"), true},
                    SuffixCase{"counter_and_gauge_total", counter("foo"), gauge("foo_total"), true},
                    SuffixCase{"counter_total_and_gauge_total", counter("foo_total"), gauge("foo_total"), true},
                    SuffixCase{"counter_and_histogram_total", counter("foo"), histogram("foo_total"), true},
                    SuffixCase{"counter_and_counter_created", counter("foo"), counter("foo_created"), true},
                    SuffixCase{"counter_and_gauge_count", counter("foo"), gauge("foo_count"), false},
                    SuffixCase{"counter_and_gauge_sum", counter("foo"), gauge("foo_sum"), false},
                    SuffixCase{"counter_and_gauge_bucket", counter("foo"), gauge("foo_bucket"), false},
                    SuffixCase{"histogram_and_counter_count", histogram("x"), counter("x_count"), true},
                    SuffixCase{"histogram_and_counter_count_total", histogram("x"), counter("x_count_total"), true},
                    SuffixCase{"histogram_and_counter_bucket", histogram("x"), counter("x_bucket"), true},
                    SuffixCase{"histogram_and_gauge_sum", histogram("x"), gauge("x_sum"), true},
                    SuffixCase{"histogram_and_gauge_count", histogram("x"), gauge("x_count"), true},
                    SuffixCase{"histogram_and_gauge_bucket", histogram("x"), gauge("x_bucket"), true},
                    SuffixCase{"histogram_and_gauge_created", histogram("x"), gauge("x_created"), true},
                    SuffixCase{"histogram_and_histogram_sum", histogram("x"), histogram("x_sum"), true},
                    SuffixCase{"histogram_and_gauge_total", histogram("x"), gauge("x_total"), false},
                    SuffixCase{"counter_created_and_histogram", counter("x_created"), histogram("x"), true},
                    SuffixCase{"two_suffixed_counters", counter("x_count"), counter("x_sum"), false},
                    // Both export x_created: the suffixes of two families may not meet either.
                    SuffixCase{"counter_and_histogram_of_one_name", counter("x"), histogram("x"), true},
                    SuffixCase{"gauge_and_gauge_created", gauge("x"), gauge("x_created"), false},
                    SuffixCase{"gauge_and_counter_total_created", gauge("x_total"), counter("x_total_created"), false}),
    [](const auto& test) { return std::string{test.param.what}; });

TEST_F(Registry, names_both_metrics_and_the_sample_when_suffixes_clash) {
  ft::Counter counter{registry, {.name = "foo"}};
  EXPECT_THAT([&] { ft::Gauge<double>(registry, {.name = "foo_created"}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("\"foo_created\""), HasSubstr("\"foo\""))));
}

// W-60
TEST_F(Registry, forgets_the_names_of_a_family_that_is_gone) {
  {
    ft::Gauge<double> gone{registry, {.name = "x_created"}};
  }
  EXPECT_NO_THROW(ft::Counter(registry, {.name = "x"}));
}

TEST_F(Registry, refuses_a_name_longer_than_255_characters_with_its_prefix_and_unit) {
  const std::string half(127, 'a');
  const ft::Scope scope{registry, half};
  EXPECT_NO_THROW(ft::Counter(scope, {.name = ft::Name::checked(half)}));  // 127 + 1 + 127
  EXPECT_THROW(ft::Counter(scope, {.name = ft::Name::checked(half + "a")}), std::invalid_argument);
  EXPECT_THROW(ft::Counter(scope, {.name = ft::Name::checked(half), .unit = ft::Unit::bytes}), std::invalid_argument);
}

// P-51
TEST_F(Registry, refuses_the_names_of_the_prometheus_servers_own_series) {
  for (const Register& metric : {counter("up"), gauge("up"), gauge("scrape_duration_seconds"), counter("scrape_x")}) {
    EXPECT_THAT([&] { metric(registry); }, ThrowsMessage<std::invalid_argument>(HasSubstr("Prometheus server's own")));
  }
  EXPECT_THROW(ft::Gauge<double>(ft::Scope(registry, "scrape"), {.name = "x"}), std::invalid_argument);
  EXPECT_THROW(ft::Gauge<double>(registry, {.name = "scrape", .unit = ft::Unit::bytes}), std::invalid_argument);
  for (const char* const name : {"uptime", "up_2", "scrape", "scraped_x", "a_scrape_x"}) {
    EXPECT_NO_THROW(gauge(name)(registry)) << name;
  }
}

/// The names under which the library's own families go out.
TEST_F(Registry, refuses_the_names_of_the_librarys_own_families) {
  ft::RecordingVisitor own;
  ft::visit_families(ft::storage_info(), own);
  ASSERT_GE(own.families().size(), 6u);
  for (const ft::RecordedFamily& family : own.families()) {
    for (const Register& metric : {counter(family.full_name.c_str()), gauge(family.full_name.c_str())}) {
      EXPECT_THAT([&] { metric(registry); },
                  ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr(family.full_name), HasSubstr("library's own"))));
    }
    if (family.kind == ft::Kind::counter) {
      for (const char* const suffix : {"_total", "_created"}) {
        EXPECT_THROW(gauge((family.full_name + suffix).c_str())(registry), std::invalid_argument) << suffix;
      }
    }
  }
  // However the name is put together.
  EXPECT_THROW(ft::Counter(ft::Scope(registry, "fast_telemetry"), {.name = "cells"}), std::invalid_argument);
  EXPECT_THROW(ft::Counter(registry, {.name = "fast_telemetry_storage", .unit = ft::Unit::bytes}),
               std::invalid_argument);
}

// ── labels ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// P-4
TEST_F(Registry, refuses_label_keys_that_are_ill_formed_or_reserved) {
  for (const char* const key : {"", "le", "quantile", "__name__", "2x", "a-b", "a b", "ä"}) {
    EXPECT_THAT([&] { ft::Scope(registry, "a", {{key, "v"}}); },
                ThrowsMessage<std::invalid_argument>(HasSubstr("bad label key")))
        << key;
    const ft::Scope parent{registry, "a"};
    EXPECT_THROW(ft::Scope(parent, "b", {{key, "v"}}), std::invalid_argument) << key;
  }
  using OfLe = ft::Labeled<ft::Counter, Le>;
  EXPECT_THAT([&] { OfLe(registry, {.name = "x"}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("bad label key"), HasSubstr("\"le\""))));
}

TEST_F(Registry, refuses_a_label_key_that_appears_twice) {
  EXPECT_THAT([&] { ft::Scope(registry, "a", {{"x", "1"}, {"x", "2"}}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("\"x\""), HasSubstr("twice"))));
  const ft::Scope outer{registry, "a", {{"x", "1"}}};
  EXPECT_THROW(ft::Scope(outer, "b", {{"x", "1"}}), std::invalid_argument);
  // Between a scope and an enum, and between two enums.
  using One = ft::Labeled<ft::Counter, Command>;
  EXPECT_THAT([&] { One(ft::Scope(registry, "a", {{"command", "1"}}), {.name = "x"}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("\"command\""), HasSubstr("twice"))));
  using Two = ft::Labeled<ft::Counter, Command, Command>;
  EXPECT_THROW(Two(registry, {.name = "x"}), std::invalid_argument);
  EXPECT_EQ(look().families().size(), 0u);
}

TEST_F(Registry, refuses_ill_formed_prefixes) {
  for (const char* const prefix : {"Proxy", "2x", "_a", "a.b", "a-b"}) {
    EXPECT_THAT([&] { ft::Scope(registry, prefix); },
                ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("bad scope prefix"), HasSubstr(prefix))));
  }
}

// ── help texts ─────────────────────────────────────────────────────────────────────────────────────────────────────

std::vector<std::string>* heard = nullptr;

void hear(const ft::Diagnostic& diagnostic, void*) noexcept {
  if (diagnostic.component == "storage") return;  // said to each new callback where writes are locked
  heard->push_back(std::string{diagnostic.component} + ": " + std::string{diagnostic.message});
}

// P-9
TEST_F(Registry, shows_the_first_of_two_help_texts_and_says_so) {
  std::vector<std::string> messages;
  heard = &messages;
  ft::set_diagnostics(hear);
  ft::Counter first{ft::Scope{registry, "", {{"n", "1"}}}, {.name = "x", .help = "First."}};
  ft::Counter same{ft::Scope{registry, "", {{"n", "2"}}}, {.name = "x", .help = "First."}};
  EXPECT_TRUE(messages.empty());
  ft::Counter other{ft::Scope{registry, "", {{"n", "3"}}}, {.name = "x", .help = "Second."}};
  ft::set_diagnostics(nullptr);
  EXPECT_THAT(messages, ElementsAre(AllOf(HasSubstr("registry: "), HasSubstr("x differs"))));
  EXPECT_EQ(look().family("x").help, "First.");
}

// ── what a refused registration leaves behind: nothing ─────────────────────────────────────────────────────────────

std::uint64_t declared_cells() {
  const std::lock_guard lock{ft::detail::process().mutex};
  return ft::detail::process().declared_cells;
}

TEST_F(Registry, is_unchanged_by_a_registration_it_refuses) {
  ft::Counter existing{registry, {.name = "existing"}};
  existing.add(5);
  const std::uint64_t metrics = ft::storage_info().metrics;
  const std::uint64_t cells = ft::storage_info().cells;
  const std::uint64_t declared = declared_cells();

  using Labeled = ft::Labeled<ft::Counter, Command>;
  const ft::Scope with_command{registry, "", {{"command", "x"}}};
  EXPECT_THROW(ft::Counter(registry, {.name = "existing"}), std::invalid_argument);
  EXPECT_THROW(ft::Gauge<double>(registry, {.name = "existing"}), std::invalid_argument);
  EXPECT_THROW(ft::Gauge<double>(registry, {.name = "existing_created"}), std::invalid_argument);
  EXPECT_THROW(Labeled(with_command, {.name = "fresh"}), std::invalid_argument);
  EXPECT_THROW(ft::Histogram(registry, {.name = "fresh", .unit = ft::Unit::bytes}, ft::buckets::latency),
               std::invalid_argument);
  EXPECT_THROW(ft::Histogram(registry, {.name = "fresh"}, ft::Bounds{nullptr, 0}), std::invalid_argument);

  EXPECT_EQ(ft::storage_info().metrics, metrics);
  EXPECT_EQ(ft::storage_info().cells, cells);
  EXPECT_EQ(declared_cells(), declared);
  EXPECT_THAT(look().family_names(), ElementsAre("existing"));
  EXPECT_EQ(look().counter("existing"), 5u);

  // The names that were refused are free.
  ft::Histogram fresh{registry, {.name = "fresh"}, ft::buckets::latency};
  ft::Gauge<double> gauge{registry, {.name = "fresh_seconds_total"}};
  EXPECT_THAT(look().family_names(), ElementsAre("existing", "fresh_seconds", "fresh_seconds_total"));
}

TEST_F(Registry, gives_back_what_its_metrics_declared) {
  const std::uint64_t declared = declared_cells();
  {
    ft::Counter counter{registry, {.name = "c"}};
    EXPECT_EQ(declared_cells(), declared + 1);
    ft::Labeled<ft::Counter, Command> labeled{registry, {.name = "l"}};
    EXPECT_EQ(declared_cells(), declared + 1 + 3);
    ft::Histogram histogram{registry, {.name = "h"}, {1, 2, 3}};
    EXPECT_EQ(declared_cells(), declared + 1 + 3 + 5);
  }
  EXPECT_EQ(declared_cells(), declared);
}

TEST_F(Registry, destroys_the_members_of_a_struct_whose_construction_is_refused_halfway) {
  ft::Gauge<double> in_the_way{ft::Scope{registry, "server"}, {.name = "latency_seconds_sum"}};
  const std::uint64_t held = ft::storage_info().finals_held;
  EXPECT_THROW(ServerMetrics(registry, "80"), std::invalid_argument);
  EXPECT_EQ(ft::storage_info().finals_held, held + 1 + 3);  // the two members before it ended, with their final values
}

// ── orders of destruction: none is wrong ───────────────────────────────────────────────────────────────────────────

TEST(RegistryLifetime, may_end_before_its_scopes_metrics_and_readers) {
  auto registry = std::make_unique<ft::Registry>();
  ft::Reader reader{*registry};
  const ft::Scope scope{*registry, "a", {{"x", "1"}}};
  ft::Counter counter{scope, {.name = "c"}};
  ft::Gauge<double> gauge{scope, {.name = "g"}};
  counter.add(3);
  static_cast<void>(reader.collect());
  registry.reset();

  counter.add(4);
  gauge.set(1.5);
  EXPECT_EQ(counter.value(), 7u);
  EXPECT_EQ(gauge.get(), 1.5);
  EXPECT_NO_THROW(static_cast<void>(ft::RecordingVisitor{reader}));
  reader.accept();
  const ft::Scope nested{scope, "b"};
  ft::Counter late{nested, {.name = "late"}};
  late.add(1);
  EXPECT_EQ(late.value(), 1u);
  EXPECT_NO_THROW(static_cast<void>(ft::RecordingVisitor{reader}));
}

// All orders in which the registry, a scope, a metric, a second metric and a reader can end. The sanitizers look for
// what is used after it is gone and for what is never freed.
TEST(RegistryLifetime, survives_every_order_of_destruction) {
  std::vector<int> order{0, 1, 2, 3, 4};
  do {
    auto registry = std::make_unique<ft::Registry>();
    auto scope = std::make_unique<ft::Scope>(*registry, "a");
    auto reader = std::make_unique<ft::Reader>(*registry, ft::ReaderOptions{.temporality = ft::Temporality::delta});
    auto counter = std::make_unique<ft::Counter>(*scope, ft::Info{.name = "c"});
    auto histogram = std::make_unique<ft::Histogram>(*scope, ft::Info{.name = "h"}, ft::Bounds{some_bounds, 2});
    counter->add(1);
    histogram->record(1);
    if (reader) static_cast<void>(reader->collect());
    for (const int which : order) {
      if (which == 0) registry.reset();
      if (which == 1) scope.reset();
      if (which == 2) counter.reset();
      if (which == 3) histogram.reset();
      if (which == 4) reader.reset();
      if (counter) counter->inc();
      if (histogram) histogram->record(2);
      if (reader) {
        const ft::RecordingVisitor seen{*reader};
        EXPECT_TRUE(seen.complete());
        reader->accept();
      }
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(RegistryLifetime, lets_go_of_final_values_when_it_ends) {
  const std::uint64_t before = ft::storage_info().finals_held;
  {
    ft::Registry registry;
    {
      ft::Counter counter{registry, {.name = "c"}};
    }
    EXPECT_EQ(ft::storage_info().finals_held, before + 1);
  }
  EXPECT_EQ(ft::storage_info().finals_held, before);
}

TEST(ScopeLifetime, is_copied_and_assigned_and_outlives_nothing_it_needs) {
  ft::Registry registry;
  ft::Reader reader{registry};
  auto original = std::make_unique<ft::Scope>(registry, "a", std::initializer_list<ft::Label>{{"x", "1"}});
  ft::Scope copy{*original};
  ft::Scope assigned{registry, "other"};
  assigned = copy;
  assigned = *&assigned;
  original.reset();
  ft::Counter first{copy, {.name = "first"}};
  ft::Counter second{assigned, {.name = "second"}};
  ft::Counter temporary{ft::Scope{copy, "b"}, {.name = "third"}};
  EXPECT_THAT(ft::RecordingVisitor{reader}.family_names(), ElementsAre("a_first", "a_second", "a_b_third"));
}

TEST(RegistryThreads, takes_registrations_and_collections_from_many_threads_at_once) {
  constexpr int threads = 4;
  constexpr int rounds = 200;
  ft::Registry registry;
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&registry, i] {
        const std::string number = std::to_string(i);
        const ft::Scope scope{registry, "a", {{"thread", number}}};
        for (int round = 0; round < rounds; ++round) {
          ft::Counter counter{scope, {.name = "c"}};
          ft::Labeled<ft::Counter, Command> labeled{scope, {.name = "l"}};
          counter.inc();
          labeled.with(Command::set).inc();
        }
      });
    }
    workers.emplace_back([&registry] {
      ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
      for (int round = 0; round < rounds; ++round) {
        EXPECT_TRUE(ft::RecordingVisitor{reader}.complete());
        reader.accept();
      }
    });
  }
  // Each counter came back two hundred times and continued its series.
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.sum("a_c"), threads * rounds);
  EXPECT_EQ(seen.sum("a_l"), threads * rounds);
}

}  // namespace registry_test
