// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/labeled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace labeled_test {

enum class Command : std::uint8_t { get, set, remove };

constexpr ft::Label label(Command command) {
  switch (command) {
    case Command::get: return {"command", "get"};
    case Command::set: return {"command", "set"};
    case Command::remove: return {"command", "del"};
  }
  return {};
}

enum class Outcome : std::uint8_t { ok, failed };
constexpr ft::Label label(Outcome outcome) { return ft::from_enumerator("outcome", outcome); }

enum class Zone : std::int8_t { north, south, east, west };
constexpr ft::Label label(Zone zone) { return ft::from_enumerator("zone", zone); }

constexpr Command commands[] = {Command::get, Command::set, Command::remove};
constexpr Outcome outcomes[] = {Outcome::ok, Outcome::failed};
constexpr Zone zones[] = {Zone::north, Zone::south, Zone::east, Zone::west};

template <class E>
std::string text_of(E value) {
  return std::string{ft::view(label(value).value)};
}

class Labeled : public testing::Test {
 protected:
  ft::RecordingVisitor look() { return ft::RecordingVisitor{reader}; }

  ft::Registry registry;
  ft::Reader reader{registry};
};

// LAB-1: no byte that is no enumerator can index past the cells; W-29 and LAB-9 do not hold for ours.
static_assert(ft::Labeled<ft::Counter, Command>::combinations == 3);
static_assert(ft::Labeled<ft::Counter, Command, Outcome>::combinations == 6);
static_assert(ft::Labeled<ft::Counter, Command, Outcome, Zone>::combinations == 24);

// LAB-2, LAB-3
TEST_F(Labeled, counts_each_label_by_itself) {
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "commands"}};
  counter.with(Command::get).add(5);
  counter.with(Command::remove).inc();
  EXPECT_EQ(counter.with(Command::get).value(), 5u);
  EXPECT_EQ(counter.with(Command::set).value(), 0u);
  EXPECT_EQ(counter.with(Command::remove).value(), 1u);
  const ft::RecordingVisitor seen = look();
  EXPECT_EQ(seen.counter("commands", {{"command", "get"}}), 5u);
  EXPECT_EQ(seen.counter("commands", {{"command", "set"}}), 0u);
  EXPECT_EQ(seen.counter("commands", {{"command", "del"}}), 1u);
}

// LAB-2; LAB-7 ("no multi-dimension enum label") does not hold for ours.
TEST_F(Labeled, counts_each_combination_of_two_enums_by_itself) {
  ft::Labeled<ft::Counter, Command, Outcome> counter{registry, {.name = "commands"}};
  std::uint64_t value = 0;
  for (const Command command : commands) {
    for (const Outcome outcome : outcomes) counter.with(command, outcome).add(++value);
  }
  const ft::RecordingVisitor seen = look();
  value = 0;
  for (const Command command : commands) {
    for (const Outcome outcome : outcomes) {
      EXPECT_EQ(counter.with(command, outcome).value(), ++value);
      EXPECT_EQ(seen.counter("commands", {{"command", text_of(command)}, {"outcome", text_of(outcome)}}), value);
    }
  }
  EXPECT_EQ(seen.point_count("commands"), 6u);
}

TEST_F(Labeled, counts_each_combination_of_three_enums_by_itself) {
  ft::Labeled<ft::Counter, Zone, Command, Outcome> counter{registry, {.name = "commands"}};
  std::uint64_t value = 0;
  for (const Zone zone : zones) {
    for (const Command command : commands) {
      for (const Outcome outcome : outcomes) counter.with(zone, command, outcome).add(++value);
    }
  }
  const ft::RecordingVisitor seen = look();
  value = 0;
  for (const Zone zone : zones) {
    for (const Command command : commands) {
      for (const Outcome outcome : outcomes) {
        EXPECT_EQ(seen.counter("commands",
                               {{"zone", text_of(zone)}, {"command", text_of(command)}, {"outcome", text_of(outcome)}}),
                  ++value);
      }
    }
  }
  EXPECT_EQ(seen.point_count("commands"), 24u);
  EXPECT_EQ(counter.total(), 24u * 25 / 2);
}

// LAB-8
TEST_F(Labeled, exports_all_combinations_in_enumerator_order_also_while_they_are_zero) {
  ft::Labeled<ft::Counter, Command, Outcome> counter{registry, {.name = "commands"}};
  std::vector<std::string> labels;
  const ft::RecordingVisitor seen = look();
  for (const ft::RecordedPoint& point : seen.family("commands").points) {
    EXPECT_EQ(std::get<std::uint64_t>(point.value), 0u);
    ASSERT_EQ(point.labels.size(), 2u);
    EXPECT_EQ(point.labels[0].first, "command");
    EXPECT_EQ(point.labels[1].first, "outcome");
    labels.push_back(point.labels[0].second + " " + point.labels[1].second);
  }
  EXPECT_THAT(labels, ElementsAre("get ok", "get failed", "set ok", "set failed", "del ok", "del failed"));
}

TEST_F(Labeled, numbers_its_points_one_after_the_other) {
  ft::Labeled<ft::Counter, Command, Outcome> counter{registry, {.name = "commands"}};
  counter.with(static_cast<Command>(9), Outcome::ok).inc();
  const ft::RecordingVisitor seen = look();
  const auto& points = seen.family("commands").points;
  ASSERT_EQ(points.size(), 7u);
  for (std::size_t i = 1; i < points.size(); ++i) EXPECT_EQ(points[i].id, points[0].id + i);
}

// ── bytes that are no enumerator: LAB-9, W-29 ──────────────────────────────────────────────────────────────────────

TEST_F(Labeled, counts_every_byte_that_is_no_enumerator_in_the_spare_point) {
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "commands"}};
  for (unsigned byte = 3; byte < 256; ++byte) counter.with(static_cast<Command>(byte)).inc();
  for (const Command command : commands) EXPECT_EQ(counter.with(command).value(), 0u);
  EXPECT_EQ(counter.with(static_cast<Command>(77)).value(), 253u);
  EXPECT_EQ(look().counter("commands", {{"command", "invalid"}}), 253u);
}

TEST_F(Labeled, uses_the_spare_point_whichever_enum_is_invalid) {
  ft::Labeled<ft::Counter, Zone, Command, Outcome> counter{registry, {.name = "commands"}};
  const auto bad_zone = static_cast<Zone>(-1);
  const auto bad_command = static_cast<Command>(3);
  const auto bad_outcome = static_cast<Outcome>(2);
  counter.with(bad_zone, Command::get, Outcome::ok).add(1);
  counter.with(Zone::west, bad_command, Outcome::ok).add(10);
  counter.with(Zone::west, Command::get, bad_outcome).add(100);
  counter.with(bad_zone, bad_command, Outcome::failed).add(1'000);
  counter.with(bad_zone, bad_command, bad_outcome).add(10'000);
  const ft::RecordingVisitor seen = look();
  EXPECT_EQ(seen.counter("commands", {{"zone", "invalid"}, {"command", "invalid"}, {"outcome", "invalid"}}), 11'111u);
  EXPECT_EQ(seen.sum("commands"), 11'111u);
  EXPECT_EQ(seen.point_count("commands"), 25u);
}

// The product of the other enums' sizes could bring a wrong value back into the array: (1, 3) of 3 × 2 has the number
// of (2, 1). All pairs of bytes are tried.
TEST_F(Labeled, never_takes_one_combination_for_another) {
  ft::Labeled<ft::Counter, Command, Outcome> counter{registry, {.name = "commands"}};
  std::uint64_t invalid = 0;
  for (unsigned command = 0; command < 256; ++command) {
    for (unsigned outcome = 0; outcome < 256; ++outcome) {
      counter.with(static_cast<Command>(command), static_cast<Outcome>(outcome)).inc();
      if (command >= 3 || outcome >= 2) ++invalid;
    }
  }
  for (const Command command : commands) {
    for (const Outcome outcome : outcomes) EXPECT_EQ(counter.with(command, outcome).value(), 1u);
  }
  EXPECT_EQ(look().counter("commands", {{"command", "invalid"}, {"outcome", "invalid"}}), invalid);
}

TEST_F(Labeled, exports_the_spare_point_last_and_only_when_it_is_not_zero) {
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "commands"}};
  EXPECT_FALSE(look().has("commands", {{"command", "invalid"}}));
  counter.with(static_cast<Command>(200)).inc();
  const ft::RecordingVisitor seen = look();
  ASSERT_EQ(seen.point_count("commands"), 4u);
  EXPECT_EQ(seen.family("commands").points.back().labels[0].second, "invalid");
}

TEST_F(Labeled, exports_the_spare_point_of_a_delta_reader_when_something_came) {
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "commands"}};
  counter.with(static_cast<Command>(200)).inc();
  EXPECT_EQ(ft::RecordingVisitor{delta}.counter("commands", {{"command", "invalid"}}), 1u);
  delta.accept();
  EXPECT_FALSE(ft::RecordingVisitor{delta}.has("commands", {{"command", "invalid"}}));
}

// ── every kind of metric: LAB-7 does not hold for ours ─────────────────────────────────────────────────────────────

// LAB-5
TEST_F(Labeled, records_a_histogram_for_each_label) {
  ft::Labeled<ft::Histogram, Command> latency{registry, {.name = "latency"}, ft::buckets::durations(1ms, 10ms)};
  latency.with(Command::get).record(500us);
  latency.with(Command::get).record(2ms);
  latency.with(Command::set).record(1s);
  EXPECT_EQ(latency.with(Command::get).count(), 2u);
  EXPECT_EQ(latency.with(Command::get).sum(), 0.0025);
  EXPECT_EQ(latency.with(Command::set).count(), 1u);
  const ft::RecordingVisitor seen = look();
  EXPECT_THAT(seen.histogram("latency_seconds", {{"command", "get"}}).buckets, ElementsAre(1, 1, 0));
  EXPECT_THAT(seen.histogram("latency_seconds", {{"command", "set"}}).buckets, ElementsAre(0, 0, 1));
  EXPECT_THAT(seen.histogram("latency_seconds", {{"command", "del"}}).buckets, ElementsAre(0, 0, 0));
  EXPECT_EQ(seen.histogram("latency_seconds", {{"command", "get"}}).sum, 0.0025);
  EXPECT_EQ(seen.histogram("latency_seconds", {{"command", "set"}}).sum, 1.0);
  EXPECT_EQ(seen.point_count("latency_seconds"), 3u);
}

TEST_F(Labeled, shows_the_spare_histogram_once_it_is_not_empty) {
  ft::Labeled<ft::Histogram, Command, Outcome> latency{registry, {.name = "size"}, ft::Bounds{10, 20}};
  EXPECT_EQ(look().point_count("size"), 6u);
  latency.with(static_cast<Command>(9), Outcome::ok).record(0);  // its sum stays zero
  EXPECT_THAT(look().histogram("size", {{"command", "invalid"}, {"outcome", "invalid"}}).buckets, ElementsAre(1, 0, 0));
}

// LAB-5
TEST_F(Labeled, records_a_histogram_with_the_latency_preset) {
  ft::Labeled<ft::Histogram, Outcome> latency{registry, {.name = "latency"}, ft::buckets::latency};
  latency.with(Outcome::failed).record(10us);
  EXPECT_EQ(look().histogram("latency_seconds", {{"outcome", "failed"}}).buckets.front(), 1u);
  EXPECT_EQ(look().histogram("latency_seconds", {{"outcome", "ok"}}).buckets.size(), 14u);
}

TEST_F(Labeled, records_a_histogram_of_doubles_for_each_label) {
  ft::Labeled<ft::FloatHistogram, Command> error{registry, {.name = "error"}, ft::FloatBounds{-0.5, 0.5}};
  error.with(Command::get).record(-1.25);
  error.with(Command::remove).record(0.75);
  error.with(static_cast<Command>(3)).record(0.25);
  const ft::RecordingVisitor seen = look();
  EXPECT_EQ(seen.histogram("error", {{"command", "get"}}).sum, -1.25);
  EXPECT_EQ(seen.histogram("error", {{"command", "set"}}).sum, 0.0);
  EXPECT_EQ(seen.histogram("error", {{"command", "del"}}).sum, 0.75);
  EXPECT_EQ(seen.histogram("error", {{"command", "invalid"}}).sum, 0.25);
  EXPECT_THAT(seen.histogram("error", {{"command", "del"}}).buckets, ElementsAre(0, 0, 1));
  EXPECT_EQ(error.with(Command::get).sum(), -1.25);
}

// LAB-4
TEST_F(Labeled, sets_a_gauge_for_each_combination) {
  ft::Labeled<ft::Gauge<double>, Zone, Outcome> level{registry, {.name = "level"}};
  double value = 0.5;
  for (const Zone zone : zones) {
    for (const Outcome outcome : outcomes) level.with(zone, outcome).set(value += 1);
  }
  const ft::RecordingVisitor seen = look();
  value = 0.5;
  for (const Zone zone : zones) {
    for (const Outcome outcome : outcomes) {
      EXPECT_EQ(seen.float_gauge("level", {{"zone", text_of(zone)}, {"outcome", text_of(outcome)}}), value += 1);
    }
  }
  EXPECT_EQ(seen.point_count("level"), 8u);
}

// ── totals, handles, threads ───────────────────────────────────────────────────────────────────────────────────────

// LAB-3, sum_all
TEST_F(Labeled, has_a_total_that_includes_the_spare_point) {
  ft::Labeled<ft::Counter, Command, Outcome> counter{registry, {.name = "commands"}};
  EXPECT_EQ(counter.total(), 0u);
  counter.with(Command::get, Outcome::ok).add(1);
  counter.with(Command::remove, Outcome::failed).add(20);
  counter.with(static_cast<Command>(250), Outcome::ok).add(300);
  EXPECT_EQ(counter.total(), 321u);
}

template <class Metric>
concept HasTotal = requires(const Metric& metric) { metric.total(); };
static_assert(HasTotal<ft::Labeled<ft::Counter, Command>>);
static_assert(!HasTotal<ft::Labeled<ft::Gauge<double>, Command>>, "a sum of levels means nothing");

TEST_F(Labeled, gives_handles_that_are_copied_and_keep_pointing_to_their_cell) {
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "commands"}};
  const auto get = counter.with(Command::get);
  auto copy = get;
  get.inc();
  copy.inc();
  counter.with(Command::get).inc();
  EXPECT_EQ(get.value(), 3u);
  copy = counter.with(Command::set);
  copy.inc();
  EXPECT_EQ(get.value(), 3u);
  EXPECT_EQ(counter.with(Command::set).value(), 1u);
}

// LAB-3, swap_all: a window for each label, and nothing is reset.
TEST_F(Labeled, gives_a_delta_reader_the_window_of_each_label) {
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "commands"}};
  counter.with(Command::get).add(3);
  counter.with(Command::set).add(4);
  const ft::RecordingVisitor first{delta};
  EXPECT_EQ(first.counter("commands", {{"command", "get"}}), 3u);
  EXPECT_EQ(first.counter("commands", {{"command", "set"}}), 4u);
  delta.accept();
  counter.with(Command::get).add(5);
  const ft::RecordingVisitor second{delta};
  EXPECT_EQ(second.counter("commands", {{"command", "get"}}), 5u);
  EXPECT_EQ(second.counter("commands", {{"command", "set"}}), 0u);
  EXPECT_EQ(second.counter("commands", {{"command", "del"}}), 0u);
  EXPECT_EQ(counter.with(Command::get).value(), 8u);
  EXPECT_EQ(counter.total(), 12u);
}

// LAB-3, "concurrent access from several threads"
TEST_F(Labeled, loses_nothing_when_many_threads_add_to_all_labels) {
  constexpr int threads = 4;
  constexpr unsigned per_thread = 400'000;
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "commands"}};
  std::barrier start{threads};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < threads; ++i) {
      writers.emplace_back([&] {
        start.arrive_and_wait();
        for (unsigned n = 0; n < per_thread; ++n) counter.with(static_cast<Command>(n % 4)).inc();
      });
    }
  }
  const ft::RecordingVisitor seen = look();
  for (const char* const command : {"get", "set", "del", "invalid"}) {
    EXPECT_EQ(seen.counter("commands", {{"command", command}}), threads * per_thread / 4) << command;
  }
  EXPECT_EQ(counter.total(), threads * per_thread);
}

TEST_F(Labeled, puts_the_scopes_labels_before_its_own) {
  const ft::Scope scope{registry, "proxy", {{"shard", "7"}}};
  ft::Labeled<ft::Counter, Command, Outcome> counter{scope, {.name = "commands"}};
  const ft::RecordingVisitor seen = look();
  const auto& labels = seen.family("proxy_commands").points.front().labels;
  ASSERT_EQ(labels.size(), 3u);
  EXPECT_EQ(labels[0].first, "shard");
  EXPECT_EQ(labels[1].first, "command");
  EXPECT_EQ(labels[2].first, "outcome");
}

// ── limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────

enum class Byte : std::uint8_t {};
constexpr char digits[] = "0123456789abcdef";
constexpr auto byte_texts = [] {
  std::array<std::array<char, 2>, 256> texts{};
  for (unsigned i = 0; i < 256; ++i) texts[i] = {digits[i / 16], digits[i % 16]};
  return texts;
}();
constexpr ft::Label label(Byte byte) { return {"byte", {byte_texts[static_cast<unsigned char>(byte)].data(), 2}}; }

enum class OtherByte : std::uint8_t {};
constexpr ft::Label label(OtherByte byte) { return {"other", label(static_cast<Byte>(byte)).value}; }

TEST_F(Labeled, refuses_more_combinations_than_fit_one_run_with_the_figures) {
  using Large = ft::Labeled<ft::Counter, Byte, OtherByte>;
  EXPECT_THAT([&] { Large(registry, {.name = "commands"}); },
              ThrowsMessage<std::length_error>(AllOf(HasSubstr("65537"), HasSubstr("32752"))));
  using LargeHistogram = ft::Labeled<ft::Histogram, Byte, Command>;
  std::vector<std::uint64_t> bounds(50);
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = i;
  EXPECT_THAT([&] { LargeHistogram(registry, {.name = "sizes"}, ft::Bounds{bounds.data(), bounds.size()}); },
              ThrowsMessage<std::length_error>(AllOf(HasSubstr("769"), HasSubstr("52"), HasSubstr("32752"))));
  EXPECT_EQ(look().families().size(), 0u);
}

enum class SignedByte : std::int8_t {};
constexpr ft::Label label(SignedByte byte) { return {"signed", label(static_cast<Byte>(byte)).value}; }

TEST_F(Labeled, takes_an_enum_of_negative_values_too) {
  ft::Labeled<ft::Counter, SignedByte, Outcome> counter{registry, {.name = "signed"}};
  for (int value = -128; value < 128; ++value) counter.with(static_cast<SignedByte>(value), Outcome::failed).inc();
  const ft::RecordingVisitor seen = look();
  EXPECT_EQ(seen.counter("signed", {{"signed", "ff"}, {"outcome", "failed"}}), 1u);
  EXPECT_EQ(seen.counter("signed", {{"signed", "80"}, {"outcome", "failed"}}), 1u);
  EXPECT_FALSE(seen.has("signed", {{"signed", "invalid"}, {"outcome", "invalid"}}));
  EXPECT_EQ(counter.total(), 256u);
}

TEST_F(Labeled, takes_an_enum_of_all_256_values) {
  ft::Labeled<ft::Counter, Byte> counter{registry, {.name = "bytes_seen"}};
  for (unsigned byte = 0; byte < 256; ++byte) counter.with(static_cast<Byte>(byte)).add(byte);
  const ft::RecordingVisitor seen = look();
  EXPECT_EQ(seen.point_count("bytes_seen"), 256u);
  EXPECT_EQ(seen.counter("bytes_seen", {{"byte", "ff"}}), 255u);
  EXPECT_EQ(counter.total(), 255u * 256 / 2);
}

// ── labels that are not distinct ───────────────────────────────────────────────────────────────────────────────────

enum class Twice : std::uint8_t { first, second };
constexpr ft::Label label(Twice value) {
  switch (value) {
    case Twice::first:
    case Twice::second: return {"twice", "same"};
  }
  return {};
}

enum class Invalid : std::uint8_t { fine, invalid };
constexpr ft::Label label(Invalid value) { return ft::from_enumerator("validity", value); }

// Two points with one label set must not leave the process: a scrape with both is refused whole.
TEST_F(Labeled, refuses_an_enum_that_gives_two_enumerators_one_value) {
  using Repeated = ft::Labeled<ft::Counter, Twice>;
  EXPECT_THAT([&] { Repeated(registry, {.name = "repeated"}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("repeated"), HasSubstr("same labels"))));
  EXPECT_EQ(look().families().size(), 0u);
}

TEST_F(Labeled, refuses_an_enumerator_that_is_called_as_the_spare_point_is) {
  using Taken = ft::Labeled<ft::Counter, Invalid>;
  EXPECT_THAT([&] { Taken(registry, {.name = "taken"}); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("taken"), HasSubstr("same labels"))));
  // Beside a second enum the spare point is told from it by the other label.
  ft::Labeled<ft::Counter, Invalid, Outcome> distinct{registry, {.name = "distinct"}};
  EXPECT_EQ(look().point_count("distinct"), 4u);
}

}  // namespace labeled_test
