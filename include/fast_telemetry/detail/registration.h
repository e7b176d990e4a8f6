// SPDX-License-Identifier: Apache-2.0
//
// How a metric object and the registry meet: declared once at construction, retired at destruction.
#pragma once

#include "fast_telemetry/detail/cold.h"
#include "fast_telemetry/label.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

class Scope;

namespace detail {

struct BucketTable;
struct ExponentialTable;

/// What the cells of one point mean, and so which shape readers see.
enum class Cells : std::uint8_t {
  counter,          ///< one unsigned sum
  float_counter,    ///< one sum as a double
  up_down_counter,  ///< one signed sum
  gauge_i64,        ///< one signed value, one copy, a cache line pair of its own
  gauge_f64,        ///< one double, likewise
  histogram,        ///< a count per bucket, then the unsigned sum
  float_histogram,  ///< a count per bucket, then the sum as a double
  max_gauge_i64,    ///< one key (extremum_key.h)
  max_gauge_f64,
  min_gauge_i64,
  min_gauge_f64,
  distribution,  ///< what is below the range, a count per bucket, the unsigned sum; then keys of min and max, if kept
  float_distribution,    ///< likewise, with the sum as a double
  constant,              ///< no cell: a gauge that is what the declaration says
  info,                  ///< no cell: labels, and no value
  state_set,             ///< one state's number, as a gauge's value
  observed_counter_u64,  ///< no cell: what a callback says at collection (observable.h)
  observed_counter_f64,
  observed_up_down_i64,
  observed_up_down_f64,
  observed_gauge_i64,
  observed_gauge_f64,
};

/// The labels of one enum: one dimension of a labelled metric's points, or the states of a state set.
struct Axis {
  const Label* labels;
  std::size_t size;
};

class DynamicIndex;

/// What a dynamic metric says about its series.
struct DynamicKeys {
  const Text* keys;  ///< null: each record brings keys of its own
  std::size_t count;
  std::uint32_t max_series;
  Text overflow_key;
  const Info* members = nullptr;  ///< of a set: all its counters, which share the series
  std::size_t member_count = 1;
};

/// Which of a set's counters this is, and the index they share; null for the first, which makes it.
struct SetMember {
  DynamicIndex* index = nullptr;
  std::size_t number = 0;
};

/// What a metric type says about its points.
struct Declaration {
  Cells cells;
  const BucketTable* buckets = nullptr;
  const ExponentialTable* exponential = nullptr;
  const char* suffix = "";               ///< of the name, for a metric type of several families: `<name>_<suffix>`
  std::int64_t constant = 0;             ///< its value, if it is one
  const DynamicKeys* dynamic = nullptr;  ///< of a dynamic metric
  SetMember member = {};
  Axis states = {nullptr, 0};
};

/// The registered half of every metric object. Registration copies all text.
class Registration {
 public:
  /// `scope` may be null: an unregistered metric records and can be read, and no registry collects it.
  /// Throws std::invalid_argument when the registry refuses the metric, std::length_error when its cells do not fit.
  Registration(const Scope* scope, const Info* info, const Declaration& declaration, const Axis* axes = nullptr,
               std::size_t axis_count = 0);

  /// Retires the metric: later records are counted drops, the final value is kept for the registry's readers.
  ~Registration();

  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  /// The bucket table of a histogram or distribution, or null before construction and after destruction.
  /// Acquire: pairs with the release in the constructor; tables are interned and never freed.
  [[nodiscard]] const BucketTable* buckets() const noexcept { return table<BucketTable>(); }
  [[nodiscard]] const ExponentialTable* exponential() const noexcept { return table<ExponentialTable>(); }

  Site site;

 private:
  template <class Table>
  [[nodiscard]] const Table* table() const noexcept {
    return static_cast<const Table*>(__atomic_load_n(&table_, __ATOMIC_ACQUIRE));
  }

  const void* table_ = nullptr;
};

/// Sums one cell over all shards and what the series kept from earlier runs. Not for hot paths: one load per shard.
[[nodiscard]] std::uint64_t read_integer(const Site& site, std::size_t offset) noexcept;
[[nodiscard]] double read_double(const Site& site, std::size_t offset) noexcept;
/// The key of an extremum since the metric was made; 0: nothing was observed.
[[nodiscard]] std::uint64_t read_extremum(const Site& site, std::size_t offset) noexcept;
/// The current bits of a gauge's cell.
[[nodiscard]] std::uint64_t read_gauge(const Site& site, std::size_t offset) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
