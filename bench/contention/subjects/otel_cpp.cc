// SPDX-License-Identifier: Apache-2.0
//
// opentelemetry-cpp's SDK, used as its API describes, and where it leaves a choice, the faster way. An instrument is
// made once (metrics/meter.h: "Creates a Counter with the passed characteristics and returns a unique_ptr to that
// Counter"); attributes are views in the call, an initializer list that is iterated without a copy; the context is
// passed, so that none is made (metrics/sync_instruments.h); minimum and maximum are not recorded
// (HistogramAggregationConfig); 256 series stay below the cardinality limit of 2 000 (state/attributes_hashmap.h); a
// reader collects on its own thread.
//
// Its API version 1, that of Debian's package, has no gauge that is set: an UpDownCounter whose View has the last value
// as aggregation is one. Nor does 1.19 have exponential histograms: a distribution is an explicit histogram of as many
// buckets as ours has.
#include "otel_cpp.h"

#include <opentelemetry/context/context.h>
#include <opentelemetry/exporters/otlp/otlp_metric_utils.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/sync_instruments.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/sdk/metrics/aggregation/aggregation_config.h>
#include <opentelemetry/sdk/metrics/meter_provider.h>
#include <opentelemetry/sdk/metrics/view/instrument_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/meter_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/view_factory.h>
#include <opentelemetry/version.h>

#include <array>
#include <cmath>
#include <initializer_list>
#include <map>

#include "workload.h"

namespace contention {
namespace {

namespace otel = opentelemetry;
namespace sdk = opentelemetry::sdk::metrics;

using otel_cpp::Attribute;
using otel_cpp::Reader;
using otel_cpp::text;
using Attributes = std::initializer_list<Attribute>;

constexpr const char* meter_name = "bench";

// ---- kinds: how an instrument is made, recorded in and read ----

template <class T>
T number(const sdk::ValueType& value) {
  return otel::nostd::get<T>(value);
}

/// Of instruments that go without a View.
struct NoView {
  static constexpr sdk::AggregationType aggregation = sdk::AggregationType::kDefault;
  static constexpr sdk::InstrumentType type = sdk::InstrumentType::kCounter;
  static std::shared_ptr<sdk::AggregationConfig> config() { return nullptr; }
};

struct CounterKind : NoView {
  using Instrument = otel::metrics::Counter<std::uint64_t>;
  static auto make(otel::metrics::Meter& meter, const std::string& name) { return meter.CreateUInt64Counter(name); }
  static auto recorder(const Slice&) {
    return [](auto& counter, std::size_t, const auto&... how)
               __attribute__((always_inline)) { counter.Add(std::uint64_t{1}, how...); };
  }
  static double value(const sdk::PointType& point) {
    return static_cast<double>(number<std::int64_t>(otel::nostd::get<sdk::SumPointData>(point).value_));
  }
};

template <class T>
struct GaugeKind {
  using Instrument = otel::metrics::UpDownCounter<T>;
  static constexpr sdk::AggregationType aggregation = sdk::AggregationType::kLastValue;
  static constexpr sdk::InstrumentType type = sdk::InstrumentType::kUpDownCounter;
  static std::shared_ptr<sdk::AggregationConfig> config() { return nullptr; }
  static auto make(otel::metrics::Meter& meter, const std::string& name) {
    if constexpr (std::is_same_v<T, double>) {
      return meter.CreateDoubleUpDownCounter(name);
    } else {
      return meter.CreateInt64UpDownCounter(name);
    }
  }
  static auto recorder(const Slice& slice) {
    return [first = slice.first](Instrument& gauge, std::size_t i, const auto&... how)
               __attribute__((always_inline)) { gauge.Add(static_cast<T>(first + i), how...); };
  }
  static double value(const sdk::PointType& point) {
    return static_cast<double>(number<T>(otel::nostd::get<sdk::LastValuePointData>(point).value_));
  }
};

/// Whole numbers of nanoseconds.
struct HistogramKind {
  using Instrument = otel::metrics::Histogram<std::uint64_t>;
  static constexpr sdk::AggregationType aggregation = sdk::AggregationType::kHistogram;
  static constexpr sdk::InstrumentType type = sdk::InstrumentType::kHistogram;
  static std::shared_ptr<sdk::AggregationConfig> with_bounds(std::vector<double> bounds) {
    auto config = std::make_shared<sdk::HistogramAggregationConfig>();
    config->boundaries_ = std::move(bounds);
    config->record_min_max_ = false;
    return config;
  }
  static std::shared_ptr<sdk::AggregationConfig> config() { return with_bounds({bounds_ns, bounds_ns + bound_count}); }
  static auto make(otel::metrics::Meter& meter, const std::string& name) { return meter.CreateUInt64Histogram(name); }
  static auto recorder(const Slice& slice) {
    return [values = slice.values](auto& histogram, std::size_t i, const auto&... how)
               __attribute__((always_inline)) { histogram.Record(values[i], how...); };
  }
  static double value(const sdk::PointType& point) {
    return static_cast<double>(otel::nostd::get<sdk::HistogramPointData>(point).count_);
  }
};

/// Eight buckets a doubling over the 36 doublings from 100 ns to an hour.
struct DistributionKind : HistogramKind {
  static std::shared_ptr<sdk::AggregationConfig> config() {
    std::vector<double> bounds;
    for (int b = 0; b < 36 * 8; ++b) bounds.push_back(100 * std::exp2(b / 8.0));
    return with_bounds(std::move(bounds));
  }
};

// ---- labels: none, one or two ----

struct NoLabels {
  static std::size_t series(const Setting&) { return 1; }
  static std::size_t series_of(const Setting&, const sdk::PointAttributes&) { return 0; }
  template <class Call>
  [[gnu::always_inline]] static void with(const Setting&, std::size_t, Call call) {
    call();
  }
};

std::string text_of(const sdk::PointAttributes& attributes, std::string_view key) {
  const auto found = attributes.find(std::string{key});
  return found == attributes.end() ? "" : otel::nostd::get<std::string>(found->second);
}

struct OneLabel {
  static std::size_t series(const Setting& setting) { return setting.labels; }
  static std::size_t series_of(const Setting& setting, const sdk::PointAttributes& attributes) {
    const std::string text = text_of(attributes, enum_key);
    std::size_t l = 0;
    while (l < setting.labels && setting.enum_texts[l] != text) ++l;
    return l;
  }
  template <class Call>
  [[gnu::always_inline]] static void with(const Setting& setting, std::size_t label, Call call) {
    call(Attributes{{text(enum_key), text(setting.enum_texts[label])}});
  }
};

struct TwoLabels {
  static std::size_t series(const Setting& setting) { return setting.labels; }
  static std::size_t series_of(const Setting& setting, const sdk::PointAttributes& attributes) {
    const std::string tenant = text_of(attributes, label_keys[0]);
    const std::string route = text_of(attributes, label_keys[1]);
    std::size_t l = 0;
    while (l < setting.labels && (setting.texts[l].tenant != tenant || setting.texts[l].route != route)) ++l;
    return l;
  }
  template <class Call>
  [[gnu::always_inline]] static void with(const Setting& setting, std::size_t label, Call call) {
    const LabelPair& pair = setting.texts[label];
    call(Attributes{{text(label_keys[0]), text(pair.tenant)}, {text(label_keys[1]), text(pair.route)}});
  }
};

// ---- workloads ----

template <class Kind>
auto view(const std::string& name) {
  if constexpr (requires { sdk::ViewFactory::Create(name, "Requests.", Kind::aggregation, Kind::config()); }) {
    return sdk::ViewFactory::Create(name, "Requests.", Kind::aggregation, Kind::config());  // 1.28: has no unit
  } else {
    return sdk::ViewFactory::Create(name, "Requests.", "", Kind::aggregation, Kind::config());
  }
}

/// `count` instruments of one kind: more than one is a set.
template <class Kind, class Labels, std::size_t count>
class OtelWorkload : public Workload {
 public:
  explicit OtelWorkload(const Setting& setting) : setting_{setting} {
    provider_.AddMetricReader(reader_);
    for (std::size_t n = 0; n < count; ++n) {
      const std::string name = "requests_" + std::to_string(n);
      if (Kind::aggregation != sdk::AggregationType::kDefault) {
        provider_.AddView(sdk::InstrumentSelectorFactory::Create(Kind::type, name, ""),
                          sdk::MeterSelectorFactory::Create(meter_name, "", ""), view<Kind>(name));
      }
      instruments_[n] = Kind::make(*provider_.GetMeter(meter_name), name);
    }
  }

  std::size_t export_all() override {
    reader_->Collect([this](sdk::ResourceMetrics& data) {
      google::protobuf::Arena arena;  // as its OTLP exporters do
      auto* const request =
          google::protobuf::Arena::CreateMessage<otel::proto::collector::metrics::v1::ExportMetricsServiceRequest>(
              &arena);
      otel::exporter::otlp::OtlpMetricUtils::PopulateRequest(data, request);
      request->SerializeToString(&bytes_);
      return true;
    });
    return bytes_.size();
  }

  std::vector<double> values() override {
    std::vector<double> result(Labels::series(setting_) + 1);  // the last: of no label set of ours
    reader_->Collect([&](sdk::ResourceMetrics& data) {
      for (const auto& scope : data.scope_metric_data_) {
        for (const auto& metric : scope.metric_data_) {
          for (const auto& point : metric.point_data_attr_) {
            result[Labels::series_of(setting_, point.attributes)] += Kind::value(point.point_data);
          }
        }
      }
      return true;
    });
    if (result.back() == 0) result.pop_back();
    return result;
  }

 protected:
  static std::array<typename Kind::Instrument*, count> pointers(const auto& owners) {
    std::array<typename Kind::Instrument*, count> result;
    for (std::size_t n = 0; n < count; ++n) result[n] = owners[n].get();
    return result;
  }

  Setting setting_;
  std::shared_ptr<Reader> reader_ = std::make_shared<Reader>();
  sdk::MeterProvider provider_;
  std::array<otel::nostd::unique_ptr<typename Kind::Instrument>, count> instruments_;

 private:
  std::string bytes_;
};

/// Attributes, if any, in each call.
template <class Kind, class Labels, std::size_t count = 1>
class ByCall final : public OtelWorkload<Kind, Labels, count> {
 public:
  using OtelWorkload<Kind, Labels, count>::OtelWorkload;
  void record(const Slice& slice) override {
    const otel::context::Context context;
    each_operation(slice.count, [instruments = this->pointers(this->instruments_), setting = this->setting_,
                                 labels = slice.labels, context = &context, record = Kind::recorder(slice)] OPERATION {
      Labels::with(setting, labels[i], [&](const auto&... attributes) __attribute__((always_inline)) {
        for (auto* const instrument : instruments) record(*instrument, i, attributes..., *context);
      });
    });
  }
};

#ifdef OPENTELEMETRY_HAVE_METRICS_BOUND_INSTRUMENTS_PREVIEW
/// Instruments that were bound to their attributes before.
template <class Kind, class Labels, std::size_t count = 1>
class Bound final : public OtelWorkload<Kind, Labels, count> {
 public:
  explicit Bound(const Setting& setting) : OtelWorkload<Kind, Labels, count>{setting} {
    for (std::size_t l = 0; l < Labels::series(setting); ++l) {
      auto& one = series_.emplace_back();
      Labels::with(setting, l, [&](const Attributes& attributes = {}) {
        for (std::size_t n = 0; n < count; ++n) one[n] = this->instruments_[n]->Bind(attributes);
      });
    }
  }
  void record(const Slice& slice) override {
    constexpr bool is_alone = std::is_same_v<Labels, NoLabels>;
    each_operation(slice.count,
                   [series = series_.data(), labels = slice.labels, record = Kind::recorder(slice)] OPERATION {
                     for (const auto& instrument : series[is_alone ? 0 : labels[i]]) record(*instrument, i);
                   });
  }

 private:
  using Instrument = std::remove_reference_t<decltype(*std::declval<typename Kind::Instrument&>().Bind(Attributes{}))>;
  std::vector<std::array<otel::nostd::unique_ptr<Instrument>, count>> series_;
};

const Registration otel_cpp_bound{{"otel-cpp-bound", OPENTELEMETRY_VERSION " (ABI " OPENTELEMETRY_ABI_VERSION ")",
                                   "the preview of bound instruments, bound before; exported as otel-cpp is"},
                                  {
                                      row<Bound<CounterKind, NoLabels>>("counter", "handle"),
                                      row<Bound<HistogramKind, NoLabels>>("histogram", "handle"),
                                      row<Bound<DistributionKind, NoLabels>>("distribution", "handle"),
                                      row<Bound<CounterKind, NoLabels, set_size>>("counter_set", "handle"),
                                      row<Bound<CounterKind, OneLabel>>("labeled_counter", "handle"),
                                      row<Bound<HistogramKind, OneLabel>>("labeled_histogram", "handle"),
                                      row<Bound<CounterKind, TwoLabels>>("dynamic_counter", "handle"),
                                      row<Bound<DistributionKind, TwoLabels>>("dynamic_distribution", "handle"),
                                      row<Bound<HistogramKind, TwoLabels>>("dynamic_histogram", "handle"),
                                      row<Bound<CounterKind, TwoLabels, set_size>>("dynamic_counter_set", "handle"),
                                  }};
#endif

std::vector<Combination> rows() {
  return {
      row<ByCall<CounterKind, NoLabels>>("counter", "handle"),
      row<ByCall<HistogramKind, NoLabels>>("histogram", "handle"),
      row<ByCall<DistributionKind, NoLabels>>("distribution", "handle"),
      row<ByCall<CounterKind, NoLabels, set_size>>("counter_set", "handle"),
      row<ByCall<CounterKind, OneLabel>>("labeled_counter", "labels"),
      row<ByCall<GaugeKind<double>, OneLabel>>("labeled_gauge", "labels"),
      row<ByCall<HistogramKind, OneLabel>>("labeled_histogram", "labels"),
      row<ByCall<CounterKind, TwoLabels>>("dynamic_counter", "labels"),
      row<ByCall<DistributionKind, TwoLabels>>("dynamic_distribution", "labels"),
      row<ByCall<GaugeKind<double>, TwoLabels>>("dynamic_gauge", "labels"),
      row<ByCall<GaugeKind<std::int64_t>, TwoLabels>>("dynamic_gauge_i64", "labels"),
      row<ByCall<HistogramKind, TwoLabels>>("dynamic_histogram", "labels"),
      row<ByCall<CounterKind, TwoLabels, set_size>>("dynamic_counter_set", "labels"),
  };
}

const Registration otel_cpp{
    {"otel-cpp", OPENTELEMETRY_VERSION " (ABI " OPENTELEMETRY_ABI_VERSION ")",
     "instruments that are kept, attributes as an initializer list of views in each call, cumulative, no minimum and "
     "maximum; distributions are explicit histograms of as many buckets as ours, gauges an UpDownCounter with a View "
     "of "
     "the last value; exported by a reader's Collect, OtlpMetricUtils::PopulateRequest and SerializeToString"},
    rows()};

}  // namespace
}  // namespace contention
