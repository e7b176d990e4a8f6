// SPDX-License-Identifier: Apache-2.0
//
// This library.
#include "fast_telemetry/build_info.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/snapshot.h"
#include "workload.h"

namespace ft = fast_telemetry;

namespace contention {
namespace {

constexpr ft::Info info{.name = "requests", .help = "Requests."};

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

 private:
  ft::Reader reader_{registry_};
  ft::ByteBuffer bytes_;
  ft::PrometheusTextEncoder encoder_{bytes_};
};

class FastCounter final : public FastWorkload {
 public:
  explicit FastCounter(const Setting&) {}
  void record(const Slice& slice) override {
    each_operation(slice.count, [counter = &counter_] OPERATION { counter->add(); });
  }
  std::vector<double> values() override { return {static_cast<double>(counter_.value())}; }

 private:
  ft::Counter counter_{registry_, info};
};

const Registration fast{{"fast", std::string{view(ft::library_version())},
                         "metrics that are members; exported as Prometheus text by a reader and an encoder that stay"},
                        {row<FastCounter>("counter", "handle")}};

}  // namespace
}  // namespace contention
