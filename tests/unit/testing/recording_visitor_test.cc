// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/testing/recording_visitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"

namespace ft = fast_telemetry;
using testing::HasSubstr;
using testing::Not;

namespace recording_visitor_test {

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }
enum class Outcome : std::uint8_t { ok, failed };
constexpr ft::Label label(Outcome outcome) { return ft::from_enumerator("outcome", outcome); }

/// What the query's failure says.
template <class Query>
std::string refusal(Query query) {
  try {
    static_cast<void>(query());
  } catch (const std::out_of_range& failure) {
    return failure.what();
  }
  return "no failure";
}

class RecordingVisitor : public testing::Test {
 protected:
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Labeled<ft::Counter, Command, Outcome> requests{registry, {.name = "requests"}};
  ft::UpDownCounter open{registry, {.name = "open"}};
  ft::Gauge<double> load{registry, {.name = "load"}};
  ft::FloatCounter cost{registry, {.name = "cost"}};
};

// Mutation: labels are compared in order.
TEST_F(RecordingVisitor, finds_a_point_whatever_the_order_of_its_labels) {
  requests.with(Command::get, Outcome::failed).add(3);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("requests", {{"command", "get"}, {"outcome", "failed"}}), 3u);
  EXPECT_EQ(seen.counter("requests", {{"outcome", "failed"}, {"command", "get"}}), 3u);
}

// Mutation: some suffice.
TEST_F(RecordingVisitor, wants_all_labels_of_a_point) {
  const ft::RecordingVisitor seen{reader};
  EXPECT_THAT(refusal([&] { return seen.counter("requests", {{"command", "get"}}); }),
              HasSubstr("requests{command=\"get\"} is not there"));
}

TEST_F(RecordingVisitor, adds_up_the_points_that_have_some_labels) {
  requests.with(Command::get, Outcome::ok).add(3);
  requests.with(Command::get, Outcome::failed).add(5);
  requests.with(Command::set, Outcome::failed).add(7);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.sum("requests"), 15u);
  EXPECT_EQ(seen.sum("requests", {{"command", "get"}}), 8u);
  EXPECT_EQ(seen.sum("requests", {{"outcome", "failed"}}), 12u);
  EXPECT_EQ(seen.sum("requests", {{"outcome", "none"}}), 0u);
}

TEST_F(RecordingVisitor, names_the_points_of_the_family_when_one_is_missing_and_no_other_family) {
  requests.with(Command::get, Outcome::ok).add(3);
  const ft::RecordingVisitor seen{reader};
  const std::string what = refusal([&] { return seen.counter("requests", {{"command", "put"}}); });
  EXPECT_THAT(what, HasSubstr("requests{command=\"get\",outcome=\"ok\"} 3\n"));
  EXPECT_THAT(what, Not(HasSubstr("load")));
}

TEST_F(RecordingVisitor, names_the_families_when_one_is_missing_and_no_points) {
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(refusal([&] { return seen.counter("requests_total"); }),
            "requests_total is not there; recorded:\nrequests\nopen\nload\ncost\n");
  EXPECT_EQ(refusal([&] { return ft::RecordingVisitor{}.counter("requests"); }),
            "requests is not there; recorded:\nnothing\n");
}

TEST_F(RecordingVisitor, does_not_take_one_kind_for_another_that_holds_the_same) {
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.up_down_counter("open"), 0);
  EXPECT_EQ(refusal([&] { return seen.gauge("open"); }), "open is not an integer gauge; recorded:\nopen 0\n");
  EXPECT_EQ(seen.float_gauge("load"), 0);
  EXPECT_THAT(refusal([&] { return seen.float_counter("load"); }), HasSubstr("load is not a floating-point counter"));
  EXPECT_EQ(seen.float_counter("cost"), 0);
  EXPECT_THAT(refusal([&] { return seen.float_gauge("cost"); }), HasSubstr("cost is not a floating-point gauge"));
}

TEST_F(RecordingVisitor, keeps_all_of_a_distribution) {
  ft::FloatDistribution sizes{registry, {.name = "sizes"}, ft::FloatRange{1, 1024}, {.scale = 0, .extrema = true}};
  for (const double value : {0.25, 3.0, 20.0}) sizes.record(value);
  const ft::RecordingVisitor seen{reader};
  const ft::RecordedExponential& point = seen.exponential("sizes");
  EXPECT_EQ(point.scale, 0);
  EXPECT_EQ(point.offset, 1);  // (2, 4]
  EXPECT_EQ(point.zero_threshold, 0.5);
  EXPECT_EQ(point.zero_count, 1u);
  EXPECT_THAT(point.buckets, testing::ElementsAre(1u, 0u, 0u, 1u));
  EXPECT_EQ(point.count(), 3u);
  EXPECT_EQ(point.sum, 23.25);
  EXPECT_EQ(point.min, 0.25);
  EXPECT_EQ(point.max, 20.0);
}

TEST_F(RecordingVisitor, describes_doubles_with_all_their_digits) {
  load.set(1e-9);
  EXPECT_THAT(ft::RecordingVisitor{reader}.describe(), HasSubstr("load 1e-09\n"));
}

}  // namespace recording_visitor_test
