// SPDX-License-Identifier: Apache-2.0
//
// The waist between metrics and formats: a family is announced, then its points follow, one call per value shape.
// For encoders and for sinks of one's own.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "fast_telemetry/label.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// What a family's points are.
enum class Kind : std::uint8_t {
  counter,          ///< monotonic sum
  up_down_counter,  ///< sum that falls as well as rises
  gauge,
  histogram,
  exponential_histogram,
  info,
  state_set,
};

/// What sums and histograms mean.
enum class Temporality : std::uint8_t {
  cumulative,  ///< everything since the series was born
  delta,       ///< what came since the reader's last accepted collection
};

[[nodiscard]] inline std::string_view view(Text text) noexcept { return {text.data(), text.size()}; }

/// One pass over all cells.
struct Collection {
  std::int64_t time_unix_ns;  ///< when the fold began
  /// When the reader's previous accepted fold began. Before the first accept: when the reader was made or, if that is
  /// earlier, when the oldest of the series shown was born, since a reader that comes late starts with everything. In a
  /// forked child: when it was forked.
  std::int64_t since_unix_ns;
  Temporality temporality;
};

struct Family {
  std::string_view scope;  ///< prefixes of all scopes, joined by `.`; may be empty
  std::string_view name;   ///< canonical: no `_total`, no unit
  std::string_view
      full_name;  ///< scopes, name and unit joined by `_`, as Prometheus spells it, without a type's suffix
  std::string_view help;
  Unit unit;
  Kind kind;
  /// Of its sums and histograms. In a collection of deltas it differs from Collection::temporality where what is shown
  /// was never anything but a total: of families that are in no registry, and of ReaderOptions::totals.
  Temporality temporality = Temporality::cumulative;
};

struct Series {
  std::uint64_t id;  ///< stable while the series lives, never reused: a key for caches of rendered labels
  std::int64_t born_unix_ns;
  std::span<const Label> labels;  ///< constant labels, outermost scope first, then enum labels; no empty value
};

/// One observation kept whole as an example, with the span it was made in.
struct Exemplar {
  double value;
  std::int64_t time_unix_ns;
  std::span<const std::byte> trace_id;  ///< 16 bytes, or empty
  std::span<const std::byte> span_id;   ///< 8 bytes, or empty
  std::span<const Label> labels;
};

template <class Value>
struct NumberPoint {
  Value value;
  const Exemplar* exemplar = nullptr;
};

struct HistogramPoint {
  std::span<const double> bounds;          ///< upper bounds, inclusive, never falling (integers above 2^53 can become
                                           ///< one double); +inf is not in it
  std::span<const std::uint64_t> buckets;  ///< bounds.size() + 1 counts, not cumulative; their sum is the count
  double sum;
  std::optional<double> min = {};
  std::optional<double> max = {};
  std::span<const Exemplar* const> exemplars = {};  ///< empty, or one per bucket (null: none)
};

/// OTLP "Exponential Histogram": bucket i counts values in (base^(offset+i), base^(offset+i+1)], base = 2^(2^-scale).
struct ExponentialPoint {
  std::int32_t scale;
  std::int32_t offset;
  double zero_threshold;
  std::uint64_t zero_count;
  std::span<const std::uint64_t> buckets;
  double sum;
  std::optional<double> min = {};
  std::optional<double> max = {};
  std::span<const Exemplar* const> exemplars = {};  ///< those there are, the zero count's among them; none is null
};

/// One state of a state set.
struct State {
  std::string_view name;
  bool enabled;
};

/// Receives one collection, family by family. Everything that leaves the process passes here.
///
/// A family is announced once and its points follow without interruption, in registration order; a family can be
/// without points. All views are valid until the call returns. Each point is exact; the set is not of one instant: a
/// fold reads while others write. Called without any lock held, so a visitor may register metrics or collect from
/// another reader.
class Visitor {
 public:
  virtual void begin(const Collection& collection) = 0;
  virtual void family(const Family& family) = 0;
  virtual void sum(const Series& series, const NumberPoint<std::uint64_t>& point) = 0;
  virtual void sum(const Series& series, const NumberPoint<std::int64_t>& point) = 0;
  virtual void sum(const Series& series, const NumberPoint<double>& point) = 0;
  virtual void gauge(const Series& series, const NumberPoint<std::int64_t>& point) = 0;
  virtual void gauge(const Series& series, const NumberPoint<double>& point) = 0;
  virtual void histogram(const Series& series, const HistogramPoint& point) = 0;
  virtual void histogram(const Series& series, const ExponentialPoint& point) = 0;
  virtual void info(const Series& series) = 0;
  virtual void state_set(const Series& series, std::span<const State> states) = 0;
  virtual void end() = 0;

 protected:
  ~Visitor() = default;  // borrowed, never owned through this interface
};

FAST_TELEMETRY_END_NAMESPACE
