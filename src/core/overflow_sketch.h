// SPDX-License-Identifier: Apache-2.0
//
// OverflowSketch: what was refused a series, in bounded memory.
#pragma once

#include <array>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "fast_telemetry/cardinality.h"
#include "series_key.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The values of one label key: how many different ones (HyperLogLog, Flajolet et al. 2007) and the most frequent ones
/// (space-saving, Metwally et al. 2005).
class ValueSketch {
 public:
  explicit ValueSketch(std::string_view key);

  void add(Text value);
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] RefusedKey report() const;

 private:
  static constexpr std::size_t registers = 256;
  static constexpr std::size_t most_heavy = 16;
  static constexpr std::size_t longest_value = 64;

  [[nodiscard]] double distinct() const noexcept;

  std::string key_;
  std::array<std::uint8_t, registers> rank_{};
  std::size_t heavy_count_ = 0;
  std::array<std::uint64_t, most_heavy> heavy_hash_{};
  std::array<HeavyValue, most_heavy> heavy_;
};

class OverflowSketch {
 public:
  /// Notes a refused label set, unless another one is being noted. `keys` is empty if the texts bring their own.
  void add(std::span<const std::string> keys, const SeriesKey& refused) noexcept;

  /// Fills `lookups` and `refused` in.
  void report(CardinalityReport& report) const;

  /// Around a fork.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void renew_lock() noexcept { new (&mutex_) std::mutex; }
  /// In a forked child.
  void forget() noexcept;

 private:
  /// Of free label sets: more keys than these are not told apart. Arbitrary.
  static constexpr std::size_t most_keys = 32;

  [[nodiscard]] ValueSketch* sketch_of(std::string_view key);

  mutable std::mutex mutex_;
  std::uint64_t lookups_ = 0;
  std::vector<ValueSketch> sketches_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
