// SPDX-License-Identifier: Apache-2.0
//
// Latencies: which durations are slow among the recent ones of a name.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Counts per bucket of a 128th of a doubling, halved when there are many.
class Latencies {
 public:
  /// 0 <= quantile < 1; 0: nothing is slow, and nothing is counted. Throws std::invalid_argument, std::bad_alloc.
  explicit Latencies(double quantile);

  /// Whether fewer than 1 - quantile of the name's durations were in this one's bucket or above.
  [[nodiscard]] bool is_slow(std::string_view name, std::int64_t duration_ns) const noexcept;
  void add(std::string_view name, std::int64_t duration_ns) noexcept;

 private:
  // From 1 µs to 73 minutes; what lies outside is in the first or the last bucket.
  static constexpr unsigned lowest_exponent = 10;
  static constexpr unsigned highest_exponent = 41;
  static constexpr unsigned buckets_bits = 7;
  static constexpr std::size_t buckets = (highest_exponent - lowest_exponent + 1) << buckets_bits;
  static constexpr std::uint32_t most = 16'384;
  static constexpr std::size_t most_names = 64;

  struct OfName {
    std::size_t name;  ///< its hash: two names with one hash are one name here
    std::uint32_t count;
    std::uint16_t counts[buckets];
  };

  [[nodiscard]] static std::size_t bucket(std::int64_t duration_ns) noexcept;
  /// The name's, or where it would be.
  [[nodiscard]] std::size_t find(std::size_t name) const noexcept;

  double quantile_;
  std::size_t names_ = 0;              ///< with counts
  std::unique_ptr<OfName[]> of_name_;  ///< the last is for all names beyond the others; touched as they are needed
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
