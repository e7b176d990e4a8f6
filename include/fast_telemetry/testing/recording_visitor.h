// SPDX-License-Identifier: Apache-2.0
//
// RecordingVisitor: keeps everything a visit shows, and answers questions about it by name and labels. For tests.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fast_telemetry/snapshot.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct RecordedHistogram {
  std::vector<double> bounds;
  std::vector<std::uint64_t> buckets;
  double sum = 0;
  std::optional<double> min;
  std::optional<double> max;

  [[nodiscard]] std::uint64_t count() const {
    return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  }
};

struct RecordedExponential {
  std::int32_t scale = 0;
  std::int32_t offset = 0;
  double zero_threshold = 0;
  std::uint64_t zero_count = 0;
  std::vector<std::uint64_t> buckets;
  double sum = 0;
  std::optional<double> min;
  std::optional<double> max;

  [[nodiscard]] std::uint64_t count() const { return std::accumulate(buckets.begin(), buckets.end(), zero_count); }
};

using RecordedStates = std::vector<std::pair<std::string, bool>>;

struct RecordedPoint {
  using Labels = std::vector<std::pair<std::string, std::string>>;
  /// monostate: an info metric, which has labels and no value.
  using Value = std::variant<std::monostate, std::uint64_t, std::int64_t, double, RecordedHistogram,
                             RecordedExponential, RecordedStates>;

  std::uint64_t id = 0;
  std::int64_t born_unix_ns = 0;
  Labels labels;  ///< in the order they were shown
  Value value;
};

struct RecordedFamily {
  std::string scope;
  std::string name;
  std::string full_name;
  std::string help;
  Unit unit = Unit::none;
  Kind kind = Kind::counter;
  Temporality temporality = Temporality::cumulative;
  std::vector<RecordedPoint> points;
};

/// Keeps one collection. Names in queries are full names: scopes, name and unit joined by `_`, without a type's suffix
/// (`proxy_requests`, not `proxy_requests_total`). Labels must be all that the point has; their order does not matter.
///
/// A query that finds nothing, finds more than one point or finds another kind throws std::out_of_range, with what was
/// asked for and what is there: a failure with this text in every test framework.
class RecordingVisitor final : public Visitor {
 public:
  RecordingVisitor() = default;
  /// What one visit of the snapshot shows.
  explicit RecordingVisitor(const Snapshot& snapshot) { snapshot.visit(*this); }
  /// What the reader's next collection shows.
  explicit RecordingVisitor(Reader& reader) : RecordingVisitor{reader.collect()} {}

  using LabelSet = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  [[nodiscard]] std::uint64_t counter(std::string_view full_name, LabelSet labels = {}) const {
    return get<std::uint64_t>(Kind::counter, "is not an integer counter", full_name, labels);
  }
  [[nodiscard]] std::int64_t up_down_counter(std::string_view full_name, LabelSet labels = {}) const {
    return get<std::int64_t>(Kind::up_down_counter, "is not an up-down counter", full_name, labels);
  }
  [[nodiscard]] double float_counter(std::string_view full_name, LabelSet labels = {}) const {
    return get<double>(Kind::counter, "is not a floating-point counter", full_name, labels);
  }
  [[nodiscard]] std::int64_t gauge(std::string_view full_name, LabelSet labels = {}) const {
    return get<std::int64_t>(Kind::gauge, "is not an integer gauge", full_name, labels);
  }
  [[nodiscard]] double float_gauge(std::string_view full_name, LabelSet labels = {}) const {
    return get<double>(Kind::gauge, "is not a floating-point gauge", full_name, labels);
  }
  [[nodiscard]] const RecordedHistogram& histogram(std::string_view full_name, LabelSet labels = {}) const {
    return get<RecordedHistogram>(Kind::histogram, "is not a histogram", full_name, labels);
  }
  [[nodiscard]] const RecordedExponential& exponential(std::string_view full_name, LabelSet labels = {}) const {
    return get<RecordedExponential>(Kind::exponential_histogram, "is not an exponential histogram", full_name, labels);
  }
  [[nodiscard]] const RecordedStates& states(std::string_view full_name, LabelSet labels = {}) const {
    return get<RecordedStates>(Kind::state_set, "is not a state set", full_name, labels);
  }

  /// The sum of an integer counter over all its points that have these labels, among others:
  /// `sum("proxy_requests", {{"command", "get"}})`. 0 when none has.
  [[nodiscard]] std::uint64_t sum(std::string_view full_name, LabelSet some_labels = {}) const {
    std::uint64_t total = 0;
    for (const RecordedPoint& point : family(full_name).points) {
      const auto* const value = std::get_if<std::uint64_t>(&point.value);
      if (value == nullptr) fail("has points that are no integer counters", full_name, some_labels);
      if (has_all(point.labels, some_labels)) total += *value;
    }
    return total;
  }

  [[nodiscard]] const RecordedPoint& point(std::string_view full_name, LabelSet labels = {}) const {
    const RecordedPoint* found = nullptr;
    for (const RecordedPoint& candidate : family(full_name).points) {
      if (!same(candidate.labels, labels)) continue;
      if (found != nullptr) fail("is there more than once", full_name, labels);
      found = &candidate;
    }
    if (found == nullptr) fail("is not there", full_name, labels);
    return *found;
  }

  [[nodiscard]] bool has(std::string_view full_name) const { return find(full_name) != nullptr; }
  [[nodiscard]] bool has(std::string_view full_name, LabelSet labels) const {
    const RecordedFamily* const found = find(full_name);
    return found != nullptr && std::any_of(found->points.begin(), found->points.end(),
                                           [&](const RecordedPoint& point) { return same(point.labels, labels); });
  }

  [[nodiscard]] const RecordedFamily& family(std::string_view full_name) const {
    const RecordedFamily* const found = find(full_name);
    if (found == nullptr) fail("is not there", full_name, {});
    return *found;
  }

  [[nodiscard]] const std::vector<RecordedFamily>& families() const& { return families_; }
  /// Of a temporary: `for (const auto& family : RecordingVisitor{reader}.families())` keeps them.
  [[nodiscard]] std::vector<RecordedFamily> families() && { return std::move(families_); }

  /// Full names, in the order they were announced. A family that is announced twice is in it twice.
  [[nodiscard]] std::vector<std::string> family_names() const {
    std::vector<std::string> names;
    for (const RecordedFamily& family : families_) names.push_back(family.full_name);
    return names;
  }

  [[nodiscard]] std::size_t point_count(std::string_view full_name) const { return family(full_name).points.size(); }
  [[nodiscard]] std::size_t point_count() const {
    std::size_t count = 0;
    for (const RecordedFamily& family : families_) count += family.points.size();
    return count;
  }

  [[nodiscard]] const Collection& collection() const { return collection_; }
  /// Whether `begin … end` was seen whole, once.
  [[nodiscard]] bool complete() const { return begun_ == 1 && ended_ == 1; }

  /// One line per point, for failure messages and for looking at.
  [[nodiscard]] std::string describe() const {
    std::string text;
    for (const RecordedFamily& family : families_) text += describe(family);
    return text.empty() ? "nothing\n" : text;
  }

  [[nodiscard]] static std::string describe(std::string_view full_name, const RecordedPoint& point) {
    return describe(full_name, point.labels.begin(), point.labels.end()) + " " + describe(point.value);
  }

  [[nodiscard]] static std::string describe(const RecordedPoint::Value& value) {
    struct Describe {
      std::string operator()(std::monostate) const { return "(info)"; }
      std::string operator()(std::uint64_t n) const { return std::to_string(n); }
      std::string operator()(std::int64_t n) const { return std::to_string(n); }
      std::string operator()(double n) const { return shortest(n); }
      std::string operator()(const RecordedHistogram& point) const {
        return "(histogram: count " + std::to_string(point.count()) + ", sum " + shortest(point.sum) + ")";
      }
      std::string operator()(const RecordedExponential& point) const {
        return "(exponential histogram: count " + std::to_string(point.count()) + ", sum " + shortest(point.sum) + ")";
      }
      std::string operator()(const RecordedStates& states) const {
        std::string text = "(states:";
        for (const auto& [name, enabled] : states) text += " " + name + (enabled ? "=1" : "=0");
        return text + ")";
      }
    };
    return std::visit(Describe{}, value);
  }

  void begin(const Collection& collection) override {
    families_.clear();
    collection_ = collection;
    ++begun_;
  }

  void family(const Family& shown) override {
    families_.push_back({std::string{shown.scope},
                         std::string{shown.name},
                         std::string{shown.full_name},
                         std::string{shown.help},
                         shown.unit,
                         shown.kind,
                         shown.temporality,
                         {}});
  }

  void sum(const Series& series, const NumberPoint<std::uint64_t>& point) override { keep(series, point.value); }
  void sum(const Series& series, const NumberPoint<std::int64_t>& point) override { keep(series, point.value); }
  void sum(const Series& series, const NumberPoint<double>& point) override { keep(series, point.value); }
  void gauge(const Series& series, const NumberPoint<std::int64_t>& point) override { keep(series, point.value); }
  void gauge(const Series& series, const NumberPoint<double>& point) override { keep(series, point.value); }

  void histogram(const Series& series, const HistogramPoint& point) override {
    keep(series, RecordedHistogram{{point.bounds.begin(), point.bounds.end()},
                                   {point.buckets.begin(), point.buckets.end()},
                                   point.sum,
                                   point.min,
                                   point.max});
  }

  void histogram(const Series& series, const ExponentialPoint& point) override {
    keep(series, RecordedExponential{point.scale,
                                     point.offset,
                                     point.zero_threshold,
                                     point.zero_count,
                                     {point.buckets.begin(), point.buckets.end()},
                                     point.sum,
                                     point.min,
                                     point.max});
  }

  void info(const Series& series) override { keep(series, std::monostate{}); }

  void state_set(const Series& series, std::span<const State> states) override {
    RecordedStates kept;
    for (const State& state : states) kept.emplace_back(state.name, state.enabled);
    keep(series, std::move(kept));
  }

  void end() override { ++ended_; }

 private:
  // The value alone does not tell: an up-down counter and a gauge hold the same.
  template <class Value>
  [[nodiscard]] const Value& get(Kind kind, std::string_view otherwise, std::string_view full_name,
                                 LabelSet labels) const {
    const auto* const value = std::get_if<Value>(&point(full_name, labels).value);
    if (value == nullptr || family(full_name).kind != kind) fail(otherwise, full_name, labels);
    return *value;
  }

  [[nodiscard]] const RecordedFamily* find(std::string_view full_name) const {
    const RecordedFamily* found = nullptr;
    for (const RecordedFamily& candidate : families_) {
      if (candidate.full_name != full_name) continue;
      if (found != nullptr) fail("was announced more than once", full_name, {});
      found = &candidate;
    }
    return found;
  }

  [[nodiscard]] static bool same(const RecordedPoint::Labels& kept, LabelSet wanted) {
    return kept.size() == wanted.size() && has_all(kept, wanted);
  }

  [[nodiscard]] static bool has_all(const RecordedPoint::Labels& kept, LabelSet wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
      return std::any_of(kept.begin(), kept.end(), [&](const auto& candidate) {
        return candidate.first == label.first && candidate.second == label.second;
      });
    });
  }

  [[nodiscard]] static std::string describe(const RecordedFamily& family) {
    if (family.points.empty()) return family.full_name + " without points\n";
    std::string text;
    for (const RecordedPoint& point : family.points) text += describe(family.full_name, point) + "\n";
    return text;
  }

  [[nodiscard]] static std::string shortest(double n) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, n).ptr};
  }

  template <class Iterator>
  [[nodiscard]] static std::string describe(std::string_view full_name, Iterator label, Iterator end) {
    std::string text{full_name};
    const char* separator = "{";
    for (; label != end; ++label) {
      text += separator + std::string{label->first} + "=\"" + std::string{label->second} + "\"";
      separator = ",";
    }
    return *separator == ',' ? text + "}" : text;
  }

  // Says what is there: the family's points when there is such a family, all families' names otherwise. A whole
  // registry can be ten thousand lines.
  [[noreturn]] void fail(std::string_view what, std::string_view full_name, LabelSet labels) const {
    std::string text = describe(full_name, labels.begin(), labels.end());
    text.append(" ").append(what).append("; recorded:\n");
    std::string there;
    for (const RecordedFamily& family : families_) {
      if (family.full_name == full_name) there += describe(family);
    }
    if (there.empty()) {
      for (const std::string& name : family_names()) there += name + "\n";
    }
    throw std::out_of_range(text + (there.empty() ? "nothing\n" : there));
  }

  template <class Value>
  void keep(const Series& series, Value&& value) {
    if (families_.empty()) throw std::out_of_range("a point was shown before any family");
    RecordedPoint::Labels labels;
    for (const Label& label : series.labels) {
      labels.emplace_back(std::string{view(label.key)}, std::string{view(label.value)});
    }
    families_.back().points.push_back({series.id, series.born_unix_ns, std::move(labels), std::forward<Value>(value)});
  }

  Collection collection_ = {};
  std::vector<RecordedFamily> families_;
  int begun_ = 0;
  int ended_ = 0;
};

FAST_TELEMETRY_END_NAMESPACE
