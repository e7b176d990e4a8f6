// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/otlp_http.h"

#include <algorithm>
#include <utility>

#include "core/diagnose.h"
#include "delivery_queue.h"
#include "fast_telemetry/clock.h"
#include "gzip.h"
#include "http_client.h"
#include "otlp_http_options.h"
#include "otlp_reply.h"
#include "otlp_status.h"
#include "retry_after.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

using Time = OtlpHttpSender::Time;

/// OTLP, "OTLP/HTTP Request": before and after compression.
constexpr std::size_t max_request_bytes = std::size_t{64} << 20U;

std::chrono::seconds unix_now() noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::nanoseconds{unix_ns(now_ns())});
}

/// milliseconds::max(), which says "never", would overflow.
Time add(Time time, std::chrono::milliseconds duration) noexcept {
  return time + std::min(duration, std::chrono::milliseconds{std::chrono::hours{24 * 365}});
}

}  // namespace

class OtlpHttpDelivery {
 public:
  OtlpHttpDelivery(OtlpSignal signal, const OtlpHttpOptions& options)
      : items_{signal == OtlpSignal::traces ? "spans" : "data points"},
        attempt_timeout_{options.delivery.attempt_timeout},
        is_compressed_{options.compression == OtlpCompression::gzip},
        queue_{options.delivery, random_seed()},
        client_{http_client_options(signal, options)} {}

  void send(std::string_view request, std::uint64_t items) noexcept {
    if (items == 0) return;
    if (request.size() > max_request_bytes) return queue_.refuse(items, &DeliveryInfo::dropped_too_large);
    try {
      queue_.push(body_of(request), items, now_ns());
    } catch (const std::bad_alloc&) {
      queue_.refuse(items, &DeliveryInfo::dropped_no_memory);
    }
  }

  DeliveryReport deliver(Time until) noexcept {
    const DeliveryInfo before = queue_.info();
    attempt_all(until);
    DeliveryReport report{.counts = difference(before, queue_.info())};
    if (!queue_.empty()) report.next_attempt_in = queue_.policy().wait(now_ns());
    tell_drops(report.counts);
    return report;
  }

  DeliveryReport flush(Time until) noexcept {
    queue_.skip_wait();
    return deliver(until);
  }

  DeliveryReport close(Time until) noexcept {
    const DeliveryInfo before = queue_.info();
    static_cast<void>(flush(until));
    queue_.close();
    return {.counts = difference(before, queue_.info())};
  }

  void end_by(Time deadline) noexcept { client_.end_by(deadline); }
  [[nodiscard]] const DeliveryInfo& info() const noexcept { return queue_.info(); }
  [[nodiscard]] Circuit circuit() const noexcept { return queue_.policy().circuit(now_ns()); }

 private:
  /// Valid until the next call.
  [[nodiscard]] std::string_view body_of(std::string_view request) {
    if (!is_compressed_) return request;
    compressed_.clear();
    gzip_.compress(request, compressed_);
    return compressed_.view();
  }

  void attempt_all(Time until) noexcept {
    while (const DeliveryQueue::Payload* const payload = queue_.next(now_ns())) {
      const Time now = std::chrono::steady_clock::now();
      if (now >= std::min(until, client_.ends_by())) return;
      const std::int64_t begin_ns = now_ns();
      const PostResult reply = client_.post(payload->bytes, std::min(until, add(now, attempt_timeout_)));
      queue_.settle(result_of(reply), begin_ns, now_ns());
    }
  }

  [[nodiscard]] AttemptResult result_of(const PostResult& reply) noexcept {
    AttemptResult result{.has_answer = reply.status != 0,
                         .is_timed_out = reply.status == 0 && reply.is_timed_out,
                         .is_reply_unreadable = reply.status != 0 && !reply.is_whole,
                         .sent_bytes = reply.sent_bytes};
    if (reply.status != 0) result.verdict = verdict_of_otlp_status(reply.status);
    if (result.verdict == AttemptVerdict::retry) result.retry_after = parse_retry_after(reply.retry_after, unix_now());
    try {
      read_body(reply, result);
    } catch (const std::bad_alloc&) {
      result.is_reply_unreadable = true;
    }
    if (result.verdict == AttemptVerdict::delivered && result.is_reply_unreadable)
      result.verdict = AttemptVerdict::unconfirmed;
    return result;
  }

  void read_body(const PostResult& reply, AttemptResult& result) {
    const bool is_readable = reply.is_whole && is_protobuf(reply.content_type);
    if (result.verdict == AttemptVerdict::delivered) {
      if (is_readable) read_partial_success(reply, result);
    } else if (result.verdict != AttemptVerdict::retry) {
      diagnose("otlp", "the receiver refused " + items_ + ": status " + std::to_string(reply.status) + ' ' +
                           (is_readable ? printable(parse_rpc_status(reply.body)) : ""));
    } else if (queue_.policy().failures() == 0) {  // the first of an outage
      diagnose("otlp", items_ + " wait to be sent again: " +
                           (reply.status == 0 ? reply.error : "status " + std::to_string(reply.status)));
    }
  }

  void read_partial_success(const PostResult& reply, AttemptResult& result) {
    const std::optional<OtlpPartialSuccess> partial = parse_otlp_reply(reply.body);
    result.is_reply_unreadable = !partial;
    if (!partial || (partial->rejected == 0 && partial->message.empty())) return;
    result.rejected = partial->rejected;
    diagnose("otlp", "the receiver rejected " + std::to_string(partial->rejected) + ' ' + items_ + ": " +
                         printable(partial->message));
  }

  /// Those that no answer was the reason for.
  void tell_drops(const DeliveryInfo& counts) noexcept {
    if (counts.dropped_too_old == 0) return;
    try {
      diagnose("otlp", std::to_string(counts.dropped_too_old) + ' ' + items_ + " were too old to be sent again");
    } catch (const std::bad_alloc&) {
      diagnose("otlp", "what was too old to be sent again was dropped");
    }
  }

  const std::string items_;  ///< for diagnostics
  const std::chrono::milliseconds attempt_timeout_;
  const bool is_compressed_;
  Gzip gzip_;
  ByteBuffer compressed_;
  DeliveryQueue queue_;
  HttpClient client_;
};

}  // namespace detail

OtlpHttpSender::OtlpHttpSender(OtlpSignal signal, const OtlpHttpOptions& options)
    : delivery_{std::make_unique<detail::OtlpHttpDelivery>(signal, options)} {}

OtlpHttpSender::~OtlpHttpSender() = default;
OtlpHttpSender::OtlpHttpSender(OtlpHttpSender&&) noexcept = default;
OtlpHttpSender& OtlpHttpSender::operator=(OtlpHttpSender&&) noexcept = default;

void OtlpHttpSender::send(std::string_view request, std::uint64_t items) noexcept { delivery_->send(request, items); }
DeliveryReport OtlpHttpSender::deliver(Time until) noexcept { return delivery_->deliver(until); }
DeliveryReport OtlpHttpSender::flush(Time until) noexcept { return delivery_->flush(until); }
DeliveryReport OtlpHttpSender::close(Time until) noexcept { return delivery_->close(until); }
void OtlpHttpSender::end_by(Time deadline) noexcept { delivery_->end_by(deadline); }
DeliveryInfo OtlpHttpSender::info() const noexcept { return delivery_->info(); }
Circuit OtlpHttpSender::circuit() const noexcept { return delivery_->circuit(); }

FAST_TELEMETRY_END_NAMESPACE
