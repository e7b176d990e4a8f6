// SPDX-License-Identifier: Apache-2.0
//
// ShownCollection: shows a visitor a collection that a test writes down, without registry and cells. For encoder tests.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// `ShownCollection{visitor}.family("x", Kind::counter).counter(3, {{"a", "b"}});`: begins when it is made, ends when
/// it is destroyed. Series get the ids 1, 2, 3, … in the order in which they are shown.
class ShownCollection {
 public:
  using Labels = std::initializer_list<Label>;

  static constexpr Collection cumulative{.time_unix_ns = 0, .since_unix_ns = 0, .temporality = Temporality::cumulative};

  explicit ShownCollection(Visitor& visitor, const Collection& collection = cumulative) : visitor_{visitor} {
    visitor_.begin(collection);
  }
  ~ShownCollection() { visitor_.end(); }
  ShownCollection(const ShownCollection&) = delete;
  ShownCollection& operator=(const ShownCollection&) = delete;

  /// The next series gets this id.
  ShownCollection& id(std::uint64_t id) {
    next_id_ = id;
    return *this;
  }

  /// The series from here on were born then.
  ShownCollection& born(std::int64_t unix_ns) {
    born_unix_ns_ = unix_ns;
    return *this;
  }

  ShownCollection& family(std::string_view name, Kind kind, std::string_view help = {}, Unit unit = Unit::none) {
    visitor_.family({.scope = {}, .name = name, .full_name = name, .help = help, .unit = unit, .kind = kind});
    return *this;
  }

  ShownCollection& counter(std::uint64_t value, Labels labels = {}, const Exemplar* exemplar = nullptr) {
    visitor_.sum(series(labels), NumberPoint<std::uint64_t>{value, exemplar});
    return *this;
  }
  ShownCollection& float_counter(double value, Labels labels = {}, const Exemplar* exemplar = nullptr) {
    visitor_.sum(series(labels), NumberPoint<double>{value, exemplar});
    return *this;
  }
  ShownCollection& up_down_counter(std::int64_t value, Labels labels = {}, const Exemplar* exemplar = nullptr) {
    visitor_.sum(series(labels), NumberPoint<std::int64_t>{value, exemplar});
    return *this;
  }
  ShownCollection& gauge(std::int64_t value, Labels labels = {}, const Exemplar* exemplar = nullptr) {
    visitor_.gauge(series(labels), NumberPoint<std::int64_t>{value, exemplar});
    return *this;
  }
  ShownCollection& float_gauge(double value, Labels labels = {}) {
    visitor_.gauge(series(labels), NumberPoint<double>{value});
    return *this;
  }
  ShownCollection& histogram(std::vector<double> bounds, std::vector<std::uint64_t> buckets, double sum,
                             Labels labels = {}, std::vector<const Exemplar*> exemplars = {}) {
    visitor_.histogram(series(labels),
                       HistogramPoint{.bounds = bounds, .buckets = buckets, .sum = sum, .exemplars = exemplars});
    return *this;
  }
  ShownCollection& exponential(const ExponentialPoint& point, Labels labels = {}) {
    visitor_.histogram(series(labels), point);
    return *this;
  }
  ShownCollection& info(Labels labels) {
    visitor_.info(series(labels));
    return *this;
  }
  ShownCollection& state_set(std::vector<State> states, Labels labels = {}) {
    visitor_.state_set(series(labels), states);
    return *this;
  }

 private:
  Series series(Labels labels) { return {next_id_++, born_unix_ns_, {labels.begin(), labels.size()}}; }

  Visitor& visitor_;
  std::uint64_t next_id_ = 1;
  std::int64_t born_unix_ns_ = 0;
};

FAST_TELEMETRY_END_NAMESPACE
