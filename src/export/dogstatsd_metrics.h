// SPDX-License-Identifier: Apache-2.0
//
// What a DogStatsD exporter counts about itself.
#pragma once

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/labeled.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// How an export ended.
enum class DogStatsdOutcome : std::uint8_t {
  ok,
  unsent,  ///< nothing of a collection went out: the next one has all of it
  kept,    ///< the rest of a collection waits for the next export
};

constexpr Label label(DogStatsdOutcome outcome) noexcept {
  switch (outcome) {
    case DogStatsdOutcome::ok: return {"outcome", "ok"};
    case DogStatsdOutcome::unsent: return {"outcome", "unsent"};
    case DogStatsdOutcome::kept: return {"outcome", "kept"};
  }
  return {};
}

/// Why something is lost.
enum class DogStatsdDrop : std::uint8_t {
  packet_too_large,  ///< for the socket
  line_too_long,     ///< for a packet
  not_finite,        ///< a value that the protocol has no word for
};

constexpr Label label(DogStatsdDrop reason) noexcept {
  switch (reason) {
    case DogStatsdDrop::packet_too_large: return {"reason", "packet_too_large"};
    case DogStatsdDrop::line_too_long: return {"reason", "line_too_long"};
    case DogStatsdDrop::not_finite: return {"reason", "not_finite"};
  }
  return {};
}

struct DogStatsdMetrics {
  /// Throws what registration throws.
  explicit DogStatsdMetrics(const Scope& scope)
      : exports{scope, {.name = "exports", .help = "Exports, by how they ended."}},
        packets{scope, {.name = "sent_packets", .help = "Packets that the kernel took."}},
        bytes{scope, {.name = "sent", .help = "What those packets had in them.", .unit = Unit::bytes}},
        kept{scope, {.name = "kept_packets", .help = "Packets of the last collection that are yet to be sent."}},
        drops{scope, {.name = "drops", .help = "Packets, lines and values that are lost, by the reason."}} {}

  Labeled<Counter, DogStatsdOutcome> exports;
  Counter packets;
  Counter bytes;
  Gauge<std::int64_t> kept;
  Labeled<Counter, DogStatsdDrop> drops;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
