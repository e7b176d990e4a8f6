// SPDX-License-Identifier: Apache-2.0
//
// A request of OTLP's trace service while it fills: spans in the order they came, and which runs of them belong to
// which scope.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "fast_telemetry/encoding/otlp_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class OtlpSpanRequest {
 public:
  OtlpSpanRequest(std::span<const ResourceAttribute> resource, std::size_t max_bytes);

  SinkAnswer add(const SpanRecord& record);
  [[nodiscard]] OtlpSpanEncoder::Request finish();
  void limit(std::size_t max_bytes) noexcept;
  [[nodiscard]] std::uint64_t dropped_too_large() const noexcept { return dropped_too_large_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index none = ~Index{0};

  struct Scope {
    std::string message;    ///< ScopeSpans.scope, its field's tag included
    std::size_t bytes = 0;  ///< of its spans in this request
    Index first_run = none;
    Index last_run = none;
    Index next = none;  ///< scope of this request

    [[nodiscard]] std::size_t content() const noexcept { return message.size() + bytes; }
  };
  /// Neighbours of one scope.
  struct Run {
    std::size_t begin;
    std::size_t end;
    Index next;  ///< of its scope
  };

  [[nodiscard]] Index scope_of(const SpanRecord& record);
  void append(Index index, std::size_t begin);
  void forget_spans() noexcept;
  /// Beside the spans and their scopes, at most.
  [[nodiscard]] std::size_t frame() const noexcept;

  std::size_t max_bytes_;
  ByteBuffer resource_;  ///< ResourceSpans.resource, its field's tag included
  ByteBuffer spans_;     ///< ScopeSpans.spans, each with its field's tag
  ByteBuffer request_;
  ByteBuffer scratch_;  ///< for text that has to be repaired
  std::vector<Scope> scopes_;
  std::unordered_map<std::uintptr_t, Index> scope_of_tracer_;
  std::vector<Run> runs_;
  std::uintptr_t last_tracer_ = 0;
  Index last_tracers_scope_ = none;
  Index first_scope_ = none;  ///< of this request
  Index last_scope_ = none;
  std::size_t bytes_;  ///< what the request takes, at most
  std::size_t count_ = 0;
  std::uint64_t dropped_too_large_ = 0;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
