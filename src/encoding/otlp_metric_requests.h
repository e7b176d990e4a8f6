// SPDX-License-Identifier: Apache-2.0
//
// The requests of OTLP's metrics service for one collection, while they fill: one after the other in one buffer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fast_telemetry/encoding/otlp_metrics.h"
#include "otlp_metric.h"
#include "protobuf.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Every request begins with room for its frame (resource, scope, and the sizes that are only known at its end), which
/// is then written right before its metrics; the schema's URL follows them.
class OtlpMetricRequests {
 public:
  using Request = OtlpMetricEncoder::Request;

  OtlpMetricRequests(std::span<const ResourceAttribute> resource, const OtlpMetricOptions& options);

  /// For the requests that are yet to begin.
  void limit(std::size_t max_bytes) noexcept;

  /// A collection begins. One that was never ended counts as not having happened.
  void begin() noexcept;

  /// The points from here on are this family's. It is in no request before it has a point.
  void family(const Family& family);

  /// `write` appends one point to the buffer it is given, as the field `data_points`.
  template <class Write>
  void add(Write write) {
    if (!metric_) [[unlikely]]
      open_metric();
    const std::size_t begin = out_.size();
    write(out_);
    if (out_.size() > limit_) [[unlikely]] {
      move_to_next_request(begin);
      return;
    }
    ++points_;
  }

  /// The collection is over.
  void end();

  [[nodiscard]] std::span<const Request> requests() const noexcept { return requests_; }
  [[nodiscard]] std::uint64_t dropped_too_large() const noexcept { return dropped_too_large_; }

 private:
  struct Closed {
    std::size_t begin;
    std::size_t size;
    std::size_t points;
  };

  void open_request();
  void close_request();
  [[gnu::noinline]] void open_metric();
  void close_metric();
  [[gnu::cold, gnu::noinline]] void move_to_next_request(std::size_t point);

  std::size_t max_bytes_;
  ByteBuffer resource_;    ///< ResourceMetrics.resource, its field's tag included
  ByteBuffer scope_;       ///< ScopeMetrics.scope likewise
  ByteBuffer schema_url_;  ///< ScopeMetrics.schema_url likewise, or nothing
  std::size_t frame_ = 0;  ///< what a request has before its metrics, at most
  ByteBuffer out_;
  ByteBuffer scratch_;  ///< for text that has to be repaired, and a point that moves
  std::vector<Closed> closed_;
  std::vector<Request> requests_;
  std::uint64_t dropped_too_large_ = 0;

  // The request under way.
  bool is_open_ = false;
  std::size_t begin_ = 0;   ///< of the room for its frame
  std::size_t limit_ = 0;   ///< where it has to be closed
  std::size_t points_ = 0;  ///< in it

  // The metric under way.
  OtlpMetric described_;
  ByteBuffer description_;  ///< what a Metric has before its points
  std::optional<OpenMessage> metric_;
  std::optional<OpenMessage> data_;
  std::size_t metric_begin_ = 0;
  std::size_t data_begin_ = 0;
  std::size_t points_before_ = 0;  ///< in its request

  // What the messages with the points of one metric took in the last collection, one after the other: a good guess.
  std::vector<std::size_t> data_sizes_;
  std::size_t next_size_ = 0;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
