// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/delivery.h"

#include <algorithm>
#include <stdexcept>
#include <string>

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

void require(bool holds, const char* rule) {
  if (!holds) throw std::invalid_argument{std::string{"DeliveryOptions: "} + rule};
}

constexpr std::int64_t ns(std::chrono::milliseconds duration) noexcept {
  // Saturates: milliseconds::max() says "never".
  constexpr auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::hours{24 * 365});
  return std::chrono::nanoseconds{std::min(duration, longest)}.count();
}

}  // namespace

DeliveryPolicy::DeliveryPolicy(const DeliveryOptions& options, std::uint64_t seed)
    : initial_ns_{static_cast<double>(ns(options.initial_backoff))},
      max_ns_{static_cast<double>(ns(options.max_backoff))},
      multiplier_{options.backoff_multiplier},
      max_retry_after_ns_{ns(options.max_age)},
      random_{seed},
      bound_ns_{initial_ns_} {
  require(options.initial_backoff.count() >= 0, "initial_backoff is negative");
  require(options.max_backoff >= options.initial_backoff, "max_backoff is below initial_backoff");
  require(options.max_age.count() >= 0, "max_age is negative");
  require(options.backoff_multiplier >= 1, "backoff_multiplier is below 1");
}

void DeliveryPolicy::succeeded() noexcept {
  failures_ = 0;
  bound_ns_ = initial_ns_;
}

void DeliveryPolicy::failed(std::int64_t now_ns, std::optional<std::chrono::nanoseconds> retry_after) noexcept {
  const auto jittered = static_cast<std::int64_t>(random_below(static_cast<std::uint64_t>(bound_ns_) + 1));
  const bool is_asked = retry_after && retry_after->count() > 0;
  not_before_ns_ = now_ns + (is_asked ? std::min(std::int64_t{retry_after->count()}, max_retry_after_ns_) : jittered);
  bound_ns_ = std::min(bound_ns_ * multiplier_, max_ns_);
  ++failures_;
}

std::chrono::nanoseconds DeliveryPolicy::wait(std::int64_t now_ns) const noexcept {
  return std::chrono::nanoseconds{failures_ == 0 || not_before_ns_ <= now_ns ? 0 : not_before_ns_ - now_ns};
}

Circuit DeliveryPolicy::circuit(std::int64_t now_ns) const noexcept {
  if (failures_ == 0) return Circuit::closed;
  return wait(now_ns).count() > 0 ? Circuit::open : Circuit::half_open;
}

// SplitMix64 (Steele, Lea, Flood 2014). The remainder's bias is below 2^-29 for waits of up to 30 seconds.
std::uint64_t DeliveryPolicy::random_below(std::uint64_t bound) noexcept {
  random_ += 0x9E3779B97F4A7C15U;
  std::uint64_t z = random_;
  z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
  return (z ^ z >> 31U) % bound;
}

FAST_TELEMETRY_END_NAMESPACE
