// SPDX-License-Identifier: Apache-2.0
#include "delivery_queue.h"

#include <algorithm>
#include <new>
#include <random>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// Of an attempt that took this long.
std::size_t bucket_of(std::int64_t duration_ns) noexcept {
  const auto& bounds = DeliveryInfo::attempt_bounds;
  const double seconds = static_cast<double>(duration_ns) / 1e9;
  return static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin());
}

}  // namespace

DeliveryQueue::DeliveryQueue(const DeliveryOptions& options, std::uint64_t seed)
    : max_bytes_{options.max_queue_bytes},
      max_age_ns_{
          std::chrono::nanoseconds{std::min(options.max_age, std::chrono::milliseconds{std::chrono::hours{24 * 365}})}
              .count()},
      policy_{options, seed} {}

/// The bytes beside the payload are its place in the queue, the allocator's own and what a short string does not say.
std::size_t DeliveryQueue::cost(const Payload& payload) noexcept {
  constexpr std::size_t beside = 256;  // generous: it is what bounds the number of small payloads
  return payload.bytes.capacity() + beside;
}

/// Of all that waits, and of what is spare.
std::size_t DeliveryQueue::held_bytes() const noexcept {
  std::size_t bytes = info_.queued_bytes;
  for (const Payload& payload : spare_) bytes += cost(payload);
  return bytes;
}

DeliveryQueue::Payloads DeliveryQueue::copy(std::string_view bytes) {
  // Not one that is far too large: it would count for as much as it holds.
  const auto fits = [&](const Payload& payload) {
    return payload.bytes.capacity() >= bytes.size() && payload.bytes.capacity() / 4 <= bytes.size();
  };
  Payloads made;
  const auto spare = std::find_if(spare_.begin(), spare_.end(), fits);
  if (spare != spare_.end()) {
    made.splice(made.end(), spare_, spare);
  } else {
    // With a little room, since those to come, compressed ones above all, are of about this size.
    made.emplace_back().bytes.reserve(bytes.size() + bytes.size() / 32);
  }
  made.front().bytes.assign(bytes);
  return made;
}

void DeliveryQueue::make_room(std::size_t needed) noexcept {
  while (held_bytes() + needed > max_bytes_ && !spare_.empty()) spare_.pop_front();
  while (info_.queued_bytes + needed > max_bytes_) {
    drop_front(&DeliveryInfo::dropped_queue_full);
    spare_.clear();
  }
}

void DeliveryQueue::push(std::string_view bytes, std::uint64_t items, std::int64_t now_ns) noexcept {
  if (is_closed_) return refuse(items, &DeliveryInfo::dropped_shutdown);
  Payloads made;
  try {
    made = copy(bytes);
  } catch (const std::bad_alloc&) {
    return refuse(items, &DeliveryInfo::dropped_no_memory);
  }
  Payload& payload = made.front();
  const std::size_t needed = cost(payload);
  if (needed > max_bytes_) return refuse(items, &DeliveryInfo::dropped_too_large);
  make_room(needed);
  payload.items = items;
  payload.since_ns = now_ns;
  payload.is_tried = false;
  payloads_.splice(payloads_.end(), made);
  info_.items += items;
  info_.queued += items;
  info_.queued_bytes += needed;
}

void DeliveryQueue::refuse(std::uint64_t items, std::uint64_t DeliveryInfo::* reason) noexcept {
  info_.items += items;
  info_.*reason += items;
}

const DeliveryQueue::Payload* DeliveryQueue::next(std::int64_t now_ns) noexcept {
  while (!payloads_.empty() && now_ns - payloads_.front().since_ns > max_age_ns_) {
    drop_front(&DeliveryInfo::dropped_too_old);
  }
  if (payloads_.empty() || policy_.wait(now_ns).count() > 0) return nullptr;
  return &payloads_.front();
}

void DeliveryQueue::settle(const AttemptResult& result, std::int64_t begin_ns, std::int64_t now_ns) noexcept {
  ++info_.attempts;
  info_.retries += payloads_.front().is_tried ? 1 : 0;
  info_.unanswered += result.has_answer ? 0 : 1;
  info_.timed_out += result.is_timed_out ? 1 : 0;
  info_.attempt_ns += static_cast<std::uint64_t>(now_ns - begin_ns);
  ++info_.attempt_buckets[bucket_of(now_ns - begin_ns)];
  info_.sent_bytes += result.sent_bytes;
  info_.replies_unreadable += result.is_reply_unreadable ? 1 : 0;

  if (result.verdict == AttemptVerdict::retry) {
    payloads_.front().is_tried = true;
    return policy_.failed(now_ns, result.retry_after);
  }
  policy_.succeeded();
  switch (result.verdict) {
    case AttemptVerdict::delivered: {
      const std::uint64_t items = take_front();
      const std::uint64_t rejected = std::min(result.rejected, items);  // a receiver may claim anything
      info_.rejected += rejected;
      info_.delivered += items - rejected;
      break;
    }
    case AttemptVerdict::unconfirmed: drop_front(&DeliveryInfo::unconfirmed); break;
    case AttemptVerdict::too_large: drop_front(&DeliveryInfo::dropped_too_large); break;
    case AttemptVerdict::refused:
    case AttemptVerdict::retry: drop_front(&DeliveryInfo::dropped_refused); break;
  }
}

void DeliveryQueue::close() noexcept {
  is_closed_ = true;
  while (!payloads_.empty()) drop_front(&DeliveryInfo::dropped_shutdown);
  spare_.clear();
}

void DeliveryQueue::drop_front(std::uint64_t DeliveryInfo::* reason) noexcept { info_.*reason += take_front(); }

/// How many items it has.
std::uint64_t DeliveryQueue::take_front() noexcept {
  constexpr std::size_t most_spare = 4;  // requests of a collection: arbitrary
  const std::uint64_t items = payloads_.front().items;
  info_.queued -= items;
  info_.queued_bytes -= cost(payloads_.front());
  spare_.splice(spare_.end(), payloads_, payloads_.begin());
  if (spare_.size() > most_spare) spare_.pop_front();
  return items;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

DeliveryInfo difference(const DeliveryInfo& earlier, const DeliveryInfo& later) noexcept {
  DeliveryInfo change = later;
  for (const auto figure :
       {&DeliveryInfo::items, &DeliveryInfo::delivered, &DeliveryInfo::unconfirmed, &DeliveryInfo::rejected,
        &DeliveryInfo::dropped_refused, &DeliveryInfo::dropped_too_large, &DeliveryInfo::dropped_too_old,
        &DeliveryInfo::dropped_queue_full, &DeliveryInfo::dropped_shutdown, &DeliveryInfo::dropped_no_memory,
        &DeliveryInfo::attempts, &DeliveryInfo::retries, &DeliveryInfo::unanswered, &DeliveryInfo::timed_out,
        &DeliveryInfo::attempt_ns, &DeliveryInfo::sent_bytes, &DeliveryInfo::replies_unreadable}) {
    change.*figure -= earlier.*figure;
  }
  for (std::size_t i = 0; i < change.attempt_buckets.size(); ++i)
    change.attempt_buckets[i] -= earlier.attempt_buckets[i];
  return change;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
