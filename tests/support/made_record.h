// SPDX-License-Identifier: Apache-2.0
//
// A record of a span with the ids and times that a test wants.
#pragma once

#include <cstddef>

#include "fast_telemetry/spans/span_record.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Bytes that count up.
template <std::size_t size>
detail::Id<size> counted_id(unsigned first) {
  detail::Id<size> id;
  for (std::byte& byte : id.bytes) byte = static_cast<std::byte>(first++);
  return id;
}

/// As it would lie in a buffer, without items.
struct MadeRecord {
  detail::TracerState tracer{};
  detail::SpanHeader header{};

  MadeRecord() {
    using detail::SpanHeader;
    tracer.name = "lib";
    header.what =
        SpanHeader::of(SpanKind::internal, 1, detail::start_is_unix | detail::end_is_unix) | sizeof(SpanHeader);
    header.start_ns = 1'700'000'000'000'000'000;
    header.end_ns = header.start_ns + 1;
    header.trace_id = counted_id<16>(0x01);
    header.span_id = counted_id<8>(0x11);
    header.tracer = &tracer;
    header.set_name("op", 2);
  }
  [[nodiscard]] SpanRecord record() const { return {header, 0}; }
};

FAST_TELEMETRY_END_NAMESPACE
