// SPDX-License-Identifier: Apache-2.0
//
// This library.
#include "fast_telemetry/build_info.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/counter_set.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/snapshot.h"
#include "label_enum.h"
#include "workload.h"

namespace ft = fast_telemetry;

namespace contention::fast {
namespace {

// ---- kinds: how a metric is made, recorded in and read, whether it is alone, labelled or dynamic ----

constexpr ft::Info info{.name = "requests", .help = "Requests."};
constexpr ft::Info set_infos[set_size] = {{.name = "requests", .help = "Requests."},
                                          {.name = "bytes_in", .help = "Bytes in."},
                                          {.name = "bytes_out", .help = "Bytes out."},
                                          {.name = "errors", .help = "Errors."}};

struct CounterKind {
  static constexpr std::size_t unrolled = of_short_operations;
  using Metric = ft::Counter;
  static constexpr const auto& infos = info;
  template <class M, class... Args>
  static M make(const Args&... args) {
    return M(args...);
  }
  static auto recorder(const Slice&) {
    return [](auto&& point, std::size_t) __attribute__((always_inline)) { point.add(); };
  }
  static double value(const auto& point) { return static_cast<double>(point.value()); }
};

struct SetKind : CounterKind {
  using Metric = ft::CounterSet<set_size>;
  static constexpr const auto& infos = set_infos;
  static auto recorder(const Slice&) {
    return [](auto&& point, std::size_t) __attribute__((always_inline)) { point.add_values({1, 1, 1, 1}); };
  }
  static double value(const auto& point) {
    const auto values = point.values();
    std::uint64_t sum = 0;
    for (const std::uint64_t one : values.values) sum += one;
    return static_cast<double>(sum);
  }
};

template <class T>
struct GaugeKind : CounterKind {
  using Metric = ft::Gauge<T>;
  static auto recorder(const Slice& slice) {
    return [first = slice.first](auto&& point, std::size_t i)
               __attribute__((always_inline)) { point.set(static_cast<T>(first + i)); };
  }
  static double value(const auto& point) { return static_cast<double>(point.get()); }
};

/// Whole numbers of nanoseconds.
struct ValuesKind : CounterKind {
  static constexpr std::size_t unrolled = of_long_operations;
  static auto recorder(const Slice& slice) {
    return [values = slice.values](auto&& point, std::size_t i)
               __attribute__((always_inline)) { point.record(values[i]); };
  }
  static double value(const auto& point) { return static_cast<double>(point.count()); }
};
struct HistogramKind : ValuesKind {
  using Metric = ft::Histogram;
  template <class M, class... Args>
  static M make(const Args&... args) {
    return M(args..., ft::Bounds{bounds_ns, bound_count});
  }
};
struct DistributionKind : ValuesKind {
  using Metric = ft::Distribution;
  template <class M, class... Args>
  static M make(const Args&... args) {
    return M(args..., ft::Range{100, 3'600'000'000'000});
  }
};

// ---- where the metric is ----

class FastWorkload : public Workload {
 public:
  std::size_t export_all() override {
    bytes_.clear();
    reader_.collect().visit(encoder_);
    reader_.accept();
    return bytes_.size();
  }

 protected:
  ft::Registry registry_;
  ft::Scope scope_{registry_};

 private:
  ft::Reader reader_{registry_};
  ft::ByteBuffer bytes_;
  ft::PrometheusTextEncoder encoder_{bytes_};
};

template <class Kind>
class Alone final : public FastWorkload {
 public:
  explicit Alone(const Setting&) {}
  void record(const Slice& slice) override {
    each_operation<Kind::unrolled>(
        slice.count, [metric = &metric_, record = Kind::recorder(slice)] OPERATION { record(*metric, i); });
  }
  std::vector<double> values() override { return {Kind::value(metric_)}; }

 private:
  typename Kind::Metric metric_ = Kind::template make<typename Kind::Metric>(scope_, Kind::infos);
};

template <class Kind, class Enum>
class Labelled final : public FastWorkload {
 public:
  explicit Labelled(const Setting& setting) : labels_{setting.labels} {}
  void record(const Slice& slice) override {
    each_operation<Kind::unrolled>(
        slice.count, [metric = &metric_, labels = slice.labels, record = Kind::recorder(slice)] OPERATION {
          const auto point = metric->with(static_cast<Enum>(labels[i]));
          record(point, i);
        });
  }
  std::vector<double> values() override {
    std::vector<double> result;
    for (std::size_t l = 0; l < labels_; ++l) result.push_back(Kind::value(metric_.with(static_cast<Enum>(l))));
    return result;
  }

 private:
  using Metric = ft::Labeled<typename Kind::Metric, Enum>;
  std::size_t labels_;
  Metric metric_ = Kind::template make<Metric>(scope_, Kind::infos);
};

template <class Kind>
class Dynamic : public FastWorkload {
 public:
  explicit Dynamic(const Setting& setting) : texts_{setting.texts} {
    for (std::size_t l = 0; l < setting.labels; ++l)
      handles_.push_back(metric_.with(texts_[l].tenant, texts_[l].route));
  }
  std::vector<double> values() override {
    std::vector<double> result;
    for (const auto& handle : handles_) result.push_back(Kind::value(handle));
    return result;
  }

 protected:
  using Metric = ft::Dynamic<typename Kind::Metric, 2>;
  Metric metric_ = Kind::template make<Metric>(scope_, Kind::infos, keys_, ft::DynamicOptions{});
  const LabelPair* texts_;
  std::vector<typename Metric::Handle> handles_;

 private:
  static constexpr ft::Text keys_[2] = {label_keys[0], label_keys[1]};
};

template <class Kind>
class DynamicByHandle final : public Dynamic<Kind> {
 public:
  using Dynamic<Kind>::Dynamic;
  void record(const Slice& slice) override {
    each_operation<Kind::unrolled>(slice.count,
                                   [handles = this->handles_.data(), labels = slice.labels,
                                    record = Kind::recorder(slice)] OPERATION { record(handles[labels[i]], i); });
  }
};

template <class Kind>
class DynamicByLabels final : public Dynamic<Kind> {
 public:
  using Dynamic<Kind>::Dynamic;
  void record(const Slice& slice) override {
    each_operation<of_long_operations>(slice.count, [metric = &this->metric_, texts = this->texts_,
                                                     labels = slice.labels, record = Kind::recorder(slice)] OPERATION {
      const LabelPair& pair = texts[labels[i]];
      record(metric->at(pair.tenant, pair.route), i);
    });
  }
};

// ---- rows ----

/// With no more series than there are labels in use, as near as the compiler can know.
template <class Kind>
std::unique_ptr<Workload> make_labelled(const Setting& setting) {
  if (setting.labels <= 16) return std::make_unique<Labelled<Kind, FewCommands>>(setting);
  return std::make_unique<Labelled<Kind, ManyCommands>>(setting);
}

std::vector<Combination> rows() {
  std::vector<Combination> all{
      row<Alone<CounterKind>>("counter", "handle"),
      row<Alone<HistogramKind>>("histogram", "handle"),
      row<Alone<DistributionKind>>("distribution", "handle"),
      row<Alone<SetKind>>("counter_set", "handle"),
      row<DynamicByHandle<CounterKind>>("dynamic_counter", "handle"),
      row<DynamicByLabels<CounterKind>>("dynamic_counter", "labels"),
      row<DynamicByHandle<DistributionKind>>("dynamic_distribution", "handle"),
      row<DynamicByLabels<DistributionKind>>("dynamic_distribution", "labels"),
      row<DynamicByHandle<GaugeKind<double>>>("dynamic_gauge", "handle"),
      row<DynamicByLabels<GaugeKind<double>>>("dynamic_gauge", "labels"),
      row<DynamicByHandle<GaugeKind<std::int64_t>>>("dynamic_gauge_i64", "handle"),
      row<DynamicByLabels<GaugeKind<std::int64_t>>>("dynamic_gauge_i64", "labels"),
      row<DynamicByHandle<HistogramKind>>("dynamic_histogram", "handle"),
      row<DynamicByLabels<HistogramKind>>("dynamic_histogram", "labels"),
      row<DynamicByHandle<SetKind>>("dynamic_counter_set", "handle"),
      row<DynamicByLabels<SetKind>>("dynamic_counter_set", "labels"),
  };
  // An enum is an index either way: there is nothing to look up, and nothing to keep.
  for (const char* const access : {"handle", "labels"}) {
    all.push_back({nullptr, "labeled_counter", access, make_labelled<CounterKind>});
    all.push_back({nullptr, "labeled_gauge", access, make_labelled<GaugeKind<double>>});
    all.push_back({nullptr, "labeled_histogram", access, make_labelled<HistogramKind>});
  }
  return all;
}

const Registration fast{
    {"fast", std::string{view(ft::library_version())},
     "handles that are kept, or Dynamic::at by two labels in each call, or an enum's index; exported "
     "as Prometheus text by a reader and an encoder that stay"},
    rows()};

}  // namespace
}  // namespace contention::fast
