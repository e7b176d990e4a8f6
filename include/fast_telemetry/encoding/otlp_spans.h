// SPDX-License-Identifier: Apache-2.0
//
// OtlpSpanEncoder: finished spans as OTLP's protobuf requests. For programs that export. Built where protozero is
// (FAST_TELEMETRY_OTLP).
#pragma once

#include <initializer_list>
#include <memory>
#include <span>

#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/encoding/otlp_resource.h"
#include "fast_telemetry/spans/drain.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
class OtlpSpanRequest;
}

struct OtlpSpanOptions {
  /// Of a request, before it is compressed. What receivers refuse begins at 4 MiB (gRPC's default).
  std::size_t max_request_bytes = std::size_t{4} << 20U;
};

/// A sink that puts spans into an `ExportTraceServiceRequest`:
///
///     for (bool is_complete = false; !is_complete;) {
///       is_complete = ft::drain_spans(encoder).is_complete;
///       if (const auto request = encoder.finish(); request.count != 0) send(request.bytes);
///     }
///
/// A request has one resource and each scope (a tracer's name and version) once; a span that it has no room for is not
/// taken and stays in the buffer. Ill-formed UTF-8 is repaired with U+FFFD, since receivers refuse a whole request for
/// it; what is of type bytes stays as it is.
///
/// An encoder that stays for the next request allocates nothing once it has seen its largest one, and each tracer. It
/// then keeps two times that request. Not thread-safe. Throws std::bad_alloc only, and is then as it was.
class OtlpSpanEncoder final : public SpanSink {
 public:
  struct Request {
    std::string_view bytes;  ///< until the next call
    std::size_t count;       ///< of its spans; 0: there is nothing to send, and `bytes` is empty
  };

  /// Copies the attributes. Of those with the same key the last one stays; one with an empty key is left out.
  explicit OtlpSpanEncoder(std::span<const ResourceAttribute> resource, const OtlpSpanOptions& options = {});
  OtlpSpanEncoder(std::initializer_list<ResourceAttribute> resource, const OtlpSpanOptions& options = {})
      : OtlpSpanEncoder{std::span<const ResourceAttribute>{resource.begin(), resource.size()}, options} {}
  ~OtlpSpanEncoder();
  OtlpSpanEncoder(OtlpSpanEncoder&&) noexcept;
  OtlpSpanEncoder& operator=(OtlpSpanEncoder&&) noexcept;

  [[nodiscard]] SinkAnswer span(const SpanRecord& record) override;

  /// The request with all spans since the last one. The next span begins a new one.
  [[nodiscard]] Request finish();

  /// OtlpSpanOptions::max_request_bytes from now on: for a receiver that turns out to take less.
  void limit_requests(std::size_t max_bytes) noexcept;

  /// Spans that alone exceed max_request_bytes: taken, and left out.
  [[nodiscard]] std::uint64_t dropped_too_large() const noexcept;

 private:
  std::unique_ptr<detail::OtlpSpanRequest> request_;
};

FAST_TELEMETRY_END_NAMESPACE
