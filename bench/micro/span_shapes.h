// SPDX-License-Identifier: Apache-2.0
//
// The three shapes of parity.md's harness (BHN-7): a root span; a request with a child that has attributes, an event
// and a status; a request with three children.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fast_telemetry/spans/tracer.h"

namespace span_shapes {

struct Root {
  static constexpr const char* name = "root";
  static constexpr std::uint64_t spans = 1;
  static void record(const fast_telemetry::Tracer& tracer, std::size_t) {
    const fast_telemetry::Span span = tracer.root("root");
  }
};

/// Five clock reads: two for each span, one for the event.
struct Lifecycle {
  static constexpr const char* name = "lifecycle";
  static constexpr std::uint64_t spans = 2;
  static void record(const fast_telemetry::Tracer& tracer, std::size_t i) {
    const fast_telemetry::Span root = tracer.root("request", {.kind = fast_telemetry::SpanKind::server});
    fast_telemetry::Span child = root.child("query", {.kind = fast_telemetry::SpanKind::client});
    child.set_attribute("db.system", "redis");
    child.set_attribute("db.rows", i);
    child.add_event("first_row");
    child.set_status(fast_telemetry::SpanStatus::ok);
  }
};

struct Pipeline {
  static constexpr const char* name = "pipeline";
  static constexpr std::uint64_t spans = 4;
  static void record(const fast_telemetry::Tracer& tracer, std::size_t) {
    const fast_telemetry::Span root = tracer.root("request", {.kind = fast_telemetry::SpanKind::server});
    {
      const fast_telemetry::Span parse = root.child("parse");
    }
    {
      const fast_telemetry::Span execute = root.child("execute");
    }
    {
      const fast_telemetry::Span reply = root.child("reply");
    }
  }
};

}  // namespace span_shapes
