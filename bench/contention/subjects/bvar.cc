// SPDX-License-Identifier: Apache-2.0
//
// bvar, of brpc: a copy per thread, added up when read. Its counters; it has no histogram with bounds.
#include <bvar/bvar.h>
#include <bvar/multi_dimension.h>

#include <array>
#include <list>
#include <sstream>

#include "workload.h"

namespace contention::bvar_subject {
namespace {

using Adder = bvar::Adder<std::int64_t>;

class Text final : public bvar::Dumper {
 public:
  bool dump(const std::string& name, const butil::StringPiece& description) override {
    out_.append(name).append(" ").append(description.data(), description.size()) += '\n';
    return true;
  }
  [[nodiscard]] std::size_t size() const { return out_.size(); }

 private:
  std::string out_;
};

class BvarCounter final : public Workload {
 public:
  explicit BvarCounter(const Setting&) {}
  void record(const Slice& slice) override {
    each_operation(slice.count, [adder = &adder_] OPERATION { *adder << 1; });
  }
  std::size_t export_all() override {
    std::ostringstream out;
    adder_.describe(out, false);
    return static_cast<std::size_t>(out.tellp());
  }
  std::vector<double> values() override { return {static_cast<double>(adder_.get_value())}; }

 private:
  Adder adder_;
};

template <std::size_t label_count>
using Values = std::array<butil::StringPiece, label_count>;

Values<1> values_of(std::string_view text) { return {butil::StringPiece{text.data(), text.size()}}; }
Values<2> values_of(const LabelPair& pair) {
  return {butil::StringPiece{pair.tenant.data(), pair.tenant.size()},
          butil::StringPiece{pair.route.data(), pair.route.size()}};
}

/// Versions whose get_stats takes no views have to be given strings.
template <class Metric, std::size_t count>
[[gnu::always_inline]] inline Adder* look_up(Metric& metric, const Values<count>& values) {
  if constexpr (requires { metric.get_stats(values); }) {
    return metric.get_stats(values);
  } else {
    std::list<std::string> strings;
    for (const butil::StringPiece& value : values) strings.emplace_back(value.data(), value.size());
    return metric.get_stats(strings);
  }
}

/// `Texts`: LabelPair of dynamic metrics, std::string_view of labelled ones.
template <class Texts>
class BvarLabelled : public Workload {
 public:
  explicit BvarLabelled(const Setting& setting) : texts_{texts(setting)} {
    for (std::size_t l = 0; l < setting.labels; ++l) adders_.push_back(look_up(metric_, values_of(texts_[l])));
  }
  std::size_t export_all() override {
    Text out;
    const bvar::DumpOptions options;
    metric_.dump(&out, &options);
    return out.size();
  }
  std::vector<double> values() override {
    std::vector<double> result;
    for (const Adder* const adder : adders_) result.push_back(static_cast<double>(adder->get_value()));
    return result;
  }

 protected:
  static constexpr bool is_dynamic = std::is_same_v<Texts, LabelPair>;
  static const Texts* texts(const Setting& setting) {
    if constexpr (is_dynamic) return setting.texts;
    if constexpr (!is_dynamic) return setting.enum_texts;
  }
  static std::list<std::string> keys() {
    if (is_dynamic) return {std::string{label_keys[0]}, std::string{label_keys[1]}};
    return {std::string{enum_key}};
  }

  const Texts* texts_;
  bvar::MultiDimension<Adder> metric_{"requests", keys()};
  std::vector<Adder*> adders_;
};

template <class Texts>
class ByHandle final : public BvarLabelled<Texts> {
 public:
  using BvarLabelled<Texts>::BvarLabelled;
  void record(const Slice& slice) override {
    each_operation(slice.count,
                   [adders = this->adders_.data(), labels = slice.labels] OPERATION { *adders[labels[i]] << 1; });
  }
};

template <class Texts>
class ByLabels final : public BvarLabelled<Texts> {
 public:
  using BvarLabelled<Texts>::BvarLabelled;
  void record(const Slice& slice) override {
    each_operation<of_long_operations>(
        slice.count, [metric = &this->metric_, texts = this->texts_, labels = slice.labels] OPERATION {
          *look_up(*metric, values_of(texts[labels[i]])) << 1;
        });
  }
};

const Registration subject{
    {"bvar", "local build",
     "Adder, and MultiDimension whose pointers are kept, or get_stats in each call; exported by its dump as text"},
    {
        row<BvarCounter>("counter", "handle"),
        row<ByHandle<std::string_view>>("labeled_counter", "handle"),
        row<ByLabels<std::string_view>>("labeled_counter", "labels"),
        row<ByHandle<LabelPair>>("dynamic_counter", "handle"),
        row<ByLabels<LabelPair>>("dynamic_counter", "labels"),
    }};

}  // namespace
}  // namespace contention::bvar_subject
