// SPDX-License-Identifier: Apache-2.0
//
// prometheus-cpp. Used as its README recommends for speed: what Family::Add returned is kept. By labels: as it says for
// those that are not known beforehand, Add in each call.
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <sstream>

#include "workload.h"

namespace contention::prometheus_cpp {
namespace {

// ---- kinds: how a metric is made, recorded in and read ----

/// Tells nothing that prometheus::Family keeps to itself: what a metric's Collect() gives an exporter, too.
struct CounterKind {
  static constexpr std::size_t unrolled = of_short_operations;
  using Metric = prometheus::Counter;
  static auto build() { return prometheus::BuildCounter(); }
  static Metric& add(prometheus::Family<Metric>& family, const prometheus::Labels& labels) {
    return family.Add(labels);
  }
  static auto recorder(const Slice&) {
    return [](Metric& metric, std::size_t) __attribute__((always_inline)) { metric.Increment(); };
  }
  static double value(const Metric& metric) { return metric.Value(); }
};

struct GaugeKind {
  static constexpr std::size_t unrolled = of_short_operations;
  using Metric = prometheus::Gauge;
  static auto build() { return prometheus::BuildGauge(); }
  static Metric& add(prometheus::Family<Metric>& family, const prometheus::Labels& labels) {
    return family.Add(labels);
  }
  static auto recorder(const Slice& slice) {
    return [first = slice.first](Metric& metric, std::size_t i)
               __attribute__((always_inline)) { metric.Set(static_cast<double>(first + i)); };
  }
  static double value(const Metric& metric) { return metric.Value(); }
};

struct HistogramKind {
  static constexpr std::size_t unrolled = of_long_operations;
  using Metric = prometheus::Histogram;
  static inline const Metric::BucketBoundaries bounds{bounds_ns, bounds_ns + bound_count};
  static auto build() { return prometheus::BuildHistogram(); }
  static Metric& add(prometheus::Family<Metric>& family, const prometheus::Labels& labels) {
    return family.Add(labels, bounds);
  }
  static auto recorder(const Slice& slice) {
    return [values = slice.doubles](Metric& metric, std::size_t i)
               __attribute__((always_inline)) { metric.Observe(values[i]); };
  }
  static double value(const Metric& metric) { return static_cast<double>(metric.Collect().histogram.sample_count); }
};

prometheus::Labels no_labels(const Setting&, std::size_t) { return {}; }
prometheus::Labels one_label(const Setting& setting, std::size_t l) {
  return {{std::string{enum_key}, std::string{setting.enum_texts[l]}}};
}
prometheus::Labels two_labels(const Setting& setting, std::size_t l) {
  const LabelPair& pair = setting.texts[l];
  return {{std::string{label_keys[0]}, std::string{pair.tenant}},
          {std::string{label_keys[1]}, std::string{pair.route}}};
}

// ---- workloads ----

using MakeLabels = prometheus::Labels (*)(const Setting&, std::size_t);

/// `count` families of one kind: more than one is a set.
template <class Kind, MakeLabels make_labels, std::size_t count>
class PrometheusWorkload : public Workload {
 public:
  explicit PrometheusWorkload(const Setting& setting) : setting_{setting} {
    for (std::size_t f = 0; f < count; ++f) {
      families_[f] = &Kind::build().Name("requests_" + std::to_string(f)).Help("Requests.").Register(registry_);
    }
    for (std::size_t l = 0; l < (make_labels == no_labels ? 1 : setting.labels); ++l) {
      auto& one = series_.emplace_back();
      for (std::size_t f = 0; f < count; ++f) one[f] = &Kind::add(*families_[f], make_labels(setting, l));
    }
  }
  std::size_t export_all() override {
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, registry_.Collect());
    return static_cast<std::size_t>(out.tellp());
  }
  std::vector<double> values() override {
    std::vector<double> result;
    for (const auto& metrics : series_) {
      double& sum = result.emplace_back();
      for (const auto* const metric : metrics) sum += Kind::value(*metric);
    }
    return result;
  }

 protected:
  using Metric = typename Kind::Metric;
  Setting setting_;
  prometheus::Registry registry_;
  std::array<prometheus::Family<Metric>*, count> families_;
  std::vector<std::array<Metric*, count>> series_;
};

template <class Kind, MakeLabels make_labels, std::size_t count = 1>
class ByHandle final : public PrometheusWorkload<Kind, make_labels, count> {
 public:
  using PrometheusWorkload<Kind, make_labels, count>::PrometheusWorkload;
  void record(const Slice& slice) override {
    if constexpr (make_labels == no_labels) {
      each_operation<Kind::unrolled>(slice.count,
                                     [metrics = this->series_[0], record = Kind::recorder(slice)] OPERATION {
                                       for (auto* const metric : metrics) record(*metric, i);
                                     });
    } else {
      each_operation<Kind::unrolled>(slice.count, [series = this->series_.data(), labels = slice.labels,
                                                   record = Kind::recorder(slice)] OPERATION {
        for (auto* const metric : series[labels[i]]) record(*metric, i);
      });
    }
  }
};

template <class Kind, MakeLabels make_labels, std::size_t count = 1>
class ByLabels final : public PrometheusWorkload<Kind, make_labels, count> {
 public:
  using PrometheusWorkload<Kind, make_labels, count>::PrometheusWorkload;
  void record(const Slice& slice) override {
    each_operation<of_long_operations>(slice.count, [families = this->families_, setting = this->setting_,
                                                     labels = slice.labels, record = Kind::recorder(slice)] OPERATION {
      const prometheus::Labels set = make_labels(setting, labels[i]);
      for (auto* const family : families) record(Kind::add(*family, set), i);
    });
  }
};

const Registration subject{{"prometheus-cpp", PROMETHEUS_CPP_VERSION,
                            "the references that Family::Add returned are kept, or Family::Add in each call; "
                            "exported by Registry::Collect and "
                            "TextSerializer"},
                           {
                               row<ByHandle<CounterKind, no_labels>>("counter", "handle"),
                               row<ByHandle<HistogramKind, no_labels>>("histogram", "handle"),
                               row<ByHandle<CounterKind, no_labels, set_size>>("counter_set", "handle"),
                               row<ByHandle<CounterKind, one_label>>("labeled_counter", "handle"),
                               row<ByLabels<CounterKind, one_label>>("labeled_counter", "labels"),
                               row<ByHandle<GaugeKind, one_label>>("labeled_gauge", "handle"),
                               row<ByLabels<GaugeKind, one_label>>("labeled_gauge", "labels"),
                               row<ByHandle<HistogramKind, one_label>>("labeled_histogram", "handle"),
                               row<ByLabels<HistogramKind, one_label>>("labeled_histogram", "labels"),
                               row<ByHandle<CounterKind, two_labels>>("dynamic_counter", "handle"),
                               row<ByLabels<CounterKind, two_labels>>("dynamic_counter", "labels"),
                               row<ByHandle<GaugeKind, two_labels>>("dynamic_gauge", "handle"),
                               row<ByLabels<GaugeKind, two_labels>>("dynamic_gauge", "labels"),
                               row<ByHandle<HistogramKind, two_labels>>("dynamic_histogram", "handle"),
                               row<ByLabels<HistogramKind, two_labels>>("dynamic_histogram", "labels"),
                               row<ByHandle<CounterKind, two_labels, set_size>>("dynamic_counter_set", "handle"),
                               row<ByLabels<CounterKind, two_labels, set_size>>("dynamic_counter_set", "labels"),
                           }};

}  // namespace
}  // namespace contention::prometheus_cpp
