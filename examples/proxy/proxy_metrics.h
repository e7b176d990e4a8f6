// SPDX-License-Identifier: Apache-2.0
//
// Everything the proxy measures. proxy_metrics_none.h is the same without the measuring.
#pragma once

#include <chrono>

#include "command.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/registry.h"

namespace proxy {

namespace ft = fast_telemetry;

constexpr ft::Label label(Command command) {
  switch (command) {
    case Command::get: return {"command", "get"};
    case Command::set: return {"command", "set"};
    case Command::del: return {"command", "del"};
    case Command::incr: return {"command", "incr"};
    case Command::exists: return {"command", "exists"};
    case Command::mget: return {"command", "mget"};
    case Command::ping: return {"command", "ping"};
    case Command::config: return {"command", "config"};
    case Command::other: return {"command", "other"};
  }
  return {};
}

constexpr ft::Label label(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return {"outcome", "ok"};
    case Outcome::error: return {"outcome", "error"};
    case Outcome::upstream_error: return {"outcome", "upstream_error"};
  }
  return {};
}

struct ProxyMetrics {
  /// The clock of latencies. Read once per batch of commands received and once per batch of replies sent: within a
  /// batch all commands arrived, or all replies left, in one system call.
  using Time = std::chrono::steady_clock::time_point;
  static Time now() noexcept { return std::chrono::steady_clock::now(); }

  explicit ProxyMetrics(ft::Registry& registry) : scope{registry, "proxy"} {}

  ft::Scope scope;

  ft::Labeled<ft::Counter, Command, Outcome> commands{
      scope, {.name = "commands", .help = "Commands answered, counted before their reply is sent."}};
  ft::Labeled<ft::Histogram, Command> latency{
      scope,
      {.name = "latency",
       .help = "From the read that brought a command's first byte until its reply is written.",
       .unit = ft::Unit::seconds},
      ft::buckets::fast_latency};

  ft::Counter received{scope, {.name = "received", .help = "Bytes read from clients.", .unit = ft::Unit::bytes}};
  ft::Counter sent{scope, {.name = "sent", .help = "Bytes written to clients.", .unit = ft::Unit::bytes}};

  ft::Counter connections_opened{scope, {.name = "connections_opened", .help = "Client connections accepted."}};
  ft::Counter connections_closed{scope, {.name = "connections_closed", .help = "Client connections ended."}};
  ft::Counter connections_rejected{
      scope, {.name = "connections_rejected", .help = "Connections refused because there were too many."}};
  ft::Counter protocol_errors{
      scope, {.name = "protocol_errors", .help = "Connections closed because what they sent was no command."}};
  ft::Counter upstream_reconnects{
      scope, {.name = "upstream_reconnects", .help = "Times the upstream was reached again after it could not be."}};
};

}  // namespace proxy
