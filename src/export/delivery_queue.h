// SPDX-License-Identifier: Apache-2.0
//
// DeliveryQueue: what is to be sent next, and what became of all that was to be sent. No input, output or clock.
#pragma once

#include <list>
#include <string>
#include <string_view>

#include "fast_telemetry/export/delivery.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What an attempt says about its payload.
enum class AttemptVerdict : std::uint8_t {
  delivered,
  unconfirmed,  ///< delivered, as far as can be known
  retry,
  refused,
  too_large,
};

struct AttemptResult {
  AttemptVerdict verdict = AttemptVerdict::retry;
  std::uint64_t rejected = 0;                                ///< of a delivered payload's items
  std::optional<std::chrono::nanoseconds> retry_after = {};  ///< with `retry`
  bool has_answer = false;
  bool is_timed_out = false;  ///< without an answer
  bool is_reply_unreadable = false;
  std::uint64_t sent_bytes = 0;
};

/// Payloads in the order in which they came. Keeps the memory of some that are gone for those to come, within the same
/// limit: what is exported time and again allocates nothing. Times are on one scale that does not fall. Not
/// thread-safe.
class DeliveryQueue {
 public:
  /// Throws as DeliveryPolicy.
  DeliveryQueue(const DeliveryOptions& options, std::uint64_t seed);

  struct Payload {
    std::string bytes = {};
    std::uint64_t items = 0;
    std::int64_t since_ns = 0;
    bool is_tried = false;
  };

  /// Takes a copy of a payload, or counts it as dropped. Never throws.
  void push(std::string_view bytes, std::uint64_t items, std::int64_t now_ns) noexcept;
  /// Counts a payload as given and dropped.
  void refuse(std::uint64_t items, std::uint64_t DeliveryInfo::* reason) noexcept;

  /// The payload to be tried now, after those that are too old were dropped; null when there is none, or when the
  /// endpoint is to be left alone for now. Valid until the next call.
  [[nodiscard]] const Payload* next(std::int64_t now_ns) noexcept;
  /// What an attempt with next()'s payload, begun and ended at these times, led to.
  void settle(const AttemptResult& result, std::int64_t begin_ns, std::int64_t now_ns) noexcept;

  /// next() leaves the endpoint alone no longer.
  void skip_wait() noexcept { policy_.skip_wait(); }
  /// Drops all that waits, and from now on whatever comes.
  void close() noexcept;

  [[nodiscard]] bool empty() const noexcept { return payloads_.empty(); }
  [[nodiscard]] const DeliveryPolicy& policy() const noexcept { return policy_; }
  [[nodiscard]] const DeliveryInfo& info() const noexcept { return info_; }
  /// Of all that waits, and of what is spare: never more than the limit.
  [[nodiscard]] std::size_t held_bytes() const noexcept;

 private:
  /// A list, since its nodes, with what they hold, move from one to another.
  using Payloads = std::list<Payload>;

  [[nodiscard]] static std::size_t cost(const Payload& payload) noexcept;
  [[nodiscard]] Payloads copy(std::string_view bytes);
  void make_room(std::size_t needed) noexcept;
  void drop_front(std::uint64_t DeliveryInfo::* reason) noexcept;
  std::uint64_t take_front() noexcept;

  std::size_t max_bytes_;
  std::int64_t max_age_ns_;
  DeliveryPolicy policy_;
  Payloads payloads_;
  Payloads spare_;  ///< of which only the memory is of use
  DeliveryInfo info_;
  bool is_closed_ = false;
};

/// For a queue of its own: no two clients of one receiver come back at the same times.
[[nodiscard]] std::uint64_t random_seed();

/// What changed from one moment to a later one; what waits is as it is then.
[[nodiscard]] DeliveryInfo difference(const DeliveryInfo& earlier, const DeliveryInfo& later) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
