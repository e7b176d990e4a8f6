// SPDX-License-Identifier: Apache-2.0
//
// DogStatsdEncoder: DogStatsD's datagrams, for Datadog's agent and what else speaks the protocol. For programs that
// export.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fast_telemetry/snapshot.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
class DogStatsdLines;
}

/// What every line carries beside its series' own. Texts are cleaned like labels.
struct DogStatsdOptions {
  /// What a packet has at most, newlines included: 1432 fits an Ethernet frame, 8192 is what an agent reads from Unix
  /// sockets.
  std::size_t max_packet_bytes = 1432;
  /// Tags of every line, as pairs of key and value, after the series' labels. A label with the same key stands for it.
  std::vector<std::pair<std::string, std::string>> tags = {};
  /// The tag `dd.internal.entity_id`, by which an agent in Kubernetes knows the pod: its UID, as DD_ENTITY_ID has it.
  std::string entity_id = {};
  std::string container_id = {};   ///< the field `c:` (protocol 1.2), such as `ci-` and an id, or `in-` and an inode
  std::string external_data = {};  ///< the field `e:` (protocol 1.5), as DD_EXTERNAL_ENV has it
  std::string cardinality = {};    ///< the field `card:` (protocol 1.6): none, low, orchestrator or high
  /// The field `T` (protocol 1.3) on counters and gauges: when the collection began. Off, because agents then add up
  /// and average nothing, and those before 7.40 drop the line.
  bool timestamps = false;
};

/// Turns the collection it visits into packets of whole lines, each ended by a newline.
///
/// For delta collections of one registry that show up-down counters as levels: `reader_options`; without other sources
/// of families that have counters (process_info.h, storage_info.h), since those show totals. Rendered names and
/// tags are kept by series id; an encoder that stays for the next collection only writes numbers, and allocates nothing
/// once it has seen its largest collection.
///
/// Counters are `c` with what came in the window, and no line when nothing came. Gauges and up-down counters are `g`,
/// and so are info metrics (1) and state sets (1 or 0, a tag with the family's name per state). Names are scopes and
/// name joined by `.`, without a unit: durations are in seconds.
///
/// Histograms and distributions are `d`: each observation as a value within its bucket, packed many to a line or, where
/// that is shorter, once with a sample rate, from which the agent computes the exact count (up to 10^15 in a bucket;
/// beyond, to 15 digits). All values of a point lie at the same share of their buckets' widths, chosen so that their
/// sum is the point's own: the agent's sum and average are right to 7 digits, and a value is off by its bucket's width
/// at most (9 % at a distribution's scale 3). In a bucket without an end, values are the mean of what the sum leaves
/// for it, or its one bound.
///
/// Names keep letters, digits, `_`, `.` and `-` of ASCII, tags `:` and `/` too and what is above ASCII and well-formed;
/// all else becomes `_`. Both have 200 characters at most. The key `host`, which agents take for the machine's name,
/// becomes `host_`.
///
/// Not thread-safe. Throws std::bad_alloc only.
class DogStatsdEncoder final : public Visitor {
 public:
  /// What the reader must be made with.
  static constexpr ReaderOptions reader_options{.temporality = Temporality::delta, .totals = Totals::up_down_counters};

  /// What became of the last collection.
  struct Info {
    std::uint64_t lines = 0;               ///< in the packets
    std::uint64_t dropped_too_long = 0;    ///< lines that alone exceed a packet
    std::uint64_t dropped_not_finite = 0;  ///< values that the protocol has no word for
  };

  explicit DogStatsdEncoder(DogStatsdOptions options = {});
  ~DogStatsdEncoder();
  DogStatsdEncoder(DogStatsdEncoder&&) noexcept;
  DogStatsdEncoder& operator=(DogStatsdEncoder&&) noexcept;

  /// Of the last collection; valid until the next one begins.
  [[nodiscard]] std::size_t packet_count() const noexcept;
  [[nodiscard]] std::string_view packet(std::size_t index) const noexcept;
  [[nodiscard]] Info info() const noexcept;

  void begin(const Collection& collection) override;
  void family(const Family& family) override;
  void sum(const Series& series, const NumberPoint<std::uint64_t>& point) override;
  void sum(const Series& series, const NumberPoint<std::int64_t>& point) override;
  void sum(const Series& series, const NumberPoint<double>& point) override;
  void gauge(const Series& series, const NumberPoint<std::int64_t>& point) override;
  void gauge(const Series& series, const NumberPoint<double>& point) override;
  void histogram(const Series& series, const HistogramPoint& point) override;
  void histogram(const Series& series, const ExponentialPoint& point) override;
  void info(const Series& series) override;
  void state_set(const Series& series, std::span<const State> states) override;
  void end() override;

 private:
  std::unique_ptr<detail::DogStatsdLines> lines_;
};

FAST_TELEMETRY_END_NAMESPACE
