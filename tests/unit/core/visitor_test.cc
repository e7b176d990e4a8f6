// SPDX-License-Identifier: Apache-2.0
//
// What a visitor of one's own is shown, call by call. Which values, labels and families: the other tests of this
// folder.
#include "fast_telemetry/visitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/snapshot.h"

namespace ft = fast_telemetry;
using testing::ElementsAre;

namespace visitor_test {

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

/// One line per call.
class Lines final : public ft::Visitor {
 public:
  void begin(const ft::Collection&) override { lines.emplace_back("begin"); }
  void family(const ft::Family& family) override { lines.push_back("family " + std::string{family.full_name}); }
  void sum(const ft::Series& series, const ft::NumberPoint<std::uint64_t>& point) override {
    lines.push_back("unsigned sum" + labels(series) + " " + std::to_string(point.value));
    exemplars += point.exemplar != nullptr;
  }
  void sum(const ft::Series&, const ft::NumberPoint<std::int64_t>&) override { lines.emplace_back("signed sum"); }
  void sum(const ft::Series&, const ft::NumberPoint<double>&) override { lines.emplace_back("double sum"); }
  void gauge(const ft::Series& series, const ft::NumberPoint<std::int64_t>& point) override {
    lines.push_back("integer gauge" + labels(series) + " " + std::to_string(point.value));
  }
  void gauge(const ft::Series& series, const ft::NumberPoint<double>& point) override {
    lines.push_back("double gauge" + labels(series) + " " + std::to_string(point.value));
  }
  void histogram(const ft::Series& series, const ft::HistogramPoint& point) override {
    std::string line = "histogram" + labels(series);
    for (std::size_t i = 0; i < point.buckets.size(); ++i) {
      line += i < point.bounds.size() ? " <=" + std::to_string(static_cast<int>(point.bounds[i])) : " rest";
      line += ":" + std::to_string(point.buckets[i]);
    }
    lines.push_back(line + " sum " + std::to_string(static_cast<int>(point.sum)));
    exemplars += !point.exemplars.empty() || point.min.has_value() || point.max.has_value();
  }
  void histogram(const ft::Series& series, const ft::ExponentialPoint& point) override {
    std::string line = "exponential" + labels(series) + " scale " + std::to_string(point.scale);
    line += " zero " + std::to_string(point.zero_count) + " from " + std::to_string(point.offset) + ":";
    for (const std::uint64_t count : point.buckets) line += " " + std::to_string(count);
    lines.push_back(line + " sum " + std::to_string(static_cast<int>(point.sum)));
    exemplars += !point.exemplars.empty() || point.min.has_value() || point.max.has_value();
  }
  void info(const ft::Series&) override { lines.emplace_back("info"); }
  void state_set(const ft::Series&, std::span<const ft::State>) override { lines.emplace_back("states"); }
  void end() override { lines.emplace_back("end"); }

  std::vector<std::string> lines;
  int exemplars = 0;

 private:
  static std::string labels(const ft::Series& series) {
    std::string text;
    for (const ft::Label& label : series.labels) {
      text += " " + std::string{ft::view(label.key)} + "=" + std::string{ft::view(label.value)};
    }
    return text;
  }
};

// VIS-1, VIS-3, VIS-4, VIS-5, VIS-6, VIS-7, in the shapes that docs/parity.md gives.
TEST(Visitor, is_shown_each_family_once_and_its_points_right_after_it_each_in_its_shape) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Scope scope{registry, "", {{"zone", "a"}}};
  ft::Labeled<ft::Counter, Command> counter{scope, {.name = "commands"}};
  ft::Gauge<std::int64_t> limit{registry, {.name = "limit"}};
  ft::Gauge<double> load{registry, {.name = "load"}};
  ft::Histogram size{registry, {.name = "size"}, {10, 20}};
  ft::FloatHistogram error{registry, {.name = "error"}, {1}};
  ft::Distribution weight{registry, {.name = "weight"}, ft::Range{1, 1024}, {.scale = 0}};
  counter.with(Command::set).add(2);
  limit.set(-5);
  load.set(0.5);
  for (const int value : {5, 15, 25, 35}) size.record(value);
  error.record(3.0);
  for (const int value : {0, 3, 20}) weight.record(value);

  Lines seen;
  ft::Visitor& by_its_interface = seen;
  reader.collect().visit(by_its_interface);
  EXPECT_THAT(seen.lines,
              ElementsAre("begin",                                                 //
                          "family commands",                                       //
                          "unsigned sum zone=a command=get 0",                     //
                          "unsigned sum zone=a command=set 2",                     //
                          "family limit", "integer gauge -5",                      //
                          "family load", "double gauge 0.500000",                  //
                          "family size", "histogram <=10:1 <=20:1 rest:2 sum 80",  //
                          "family error", "histogram <=1:0 rest:1 sum 3",          //
                          "family weight", "exponential scale 0 zero 1 from 1: 1 0 0 1 sum 23", "end"));
  EXPECT_EQ(seen.exemplars, 0);
}

TEST(Visitor, must_answer_for_every_shape) {
  static_assert(std::is_abstract_v<ft::Visitor>);
  static_assert(!std::is_destructible_v<ft::Visitor>, "it is borrowed, never owned through this interface");
}

TEST(View, is_the_text_itself) {
  constexpr char text[] = {'a', '\0', 'b'};
  const std::string_view seen = ft::view(ft::Text{text, 3});
  EXPECT_EQ(seen.data(), text);
  EXPECT_EQ(seen.size(), 3u);
}

}  // namespace visitor_test
