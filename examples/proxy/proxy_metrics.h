// SPDX-License-Identifier: Apache-2.0
//
// Everything the proxy measures. proxy_metrics_none.h is the same without the measuring.
#pragma once

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "command.h"
#include "fast_telemetry/clock.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/sweeper.h"
#include "tenant.h"

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
  /// The clock of latencies and spans. Read once per batch of commands received and once per batch of replies sent:
  /// within a batch all commands arrived, or all replies left, in one system call.
  struct Clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Clock>;
    static constexpr bool is_steady = true;
    static time_point now() noexcept { return time_point{duration{ft::now_ns()}}; }
  };
  using Time = Clock::time_point;
  static Time now() noexcept { return Clock::now(); }

  /// Whose commands they are: the label of metrics per tenant.
  using TenantNames = proxy::TenantNames;

  /// At most so many tenants have series of their own, the commands of all others share one.
  ProxyMetrics(ft::Registry& registry, std::uint32_t max_tenants)
      : scope{registry, "proxy"}, tenants{.max_series = max_tenants}, sweeper{registry, {.idle_sweeps = idle_sweeps}} {}

  /// Makes room for new tenants: forgets those that were idle over the last `idle_sweeps` calls. From one thread.
  void sweep() { sweeper.sweep(); }
  static constexpr unsigned idle_sweeps = 3;

  ft::Scope scope;
  ft::DynamicOptions tenants;
  ft::Sweeper sweeper;

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

  // Found through LatestTenant.
  ft::Dynamic<ft::Counter, 1> tenant_commands{
      scope, {.name = "tenant_commands", .help = "Commands answered, by tenant."}, {"tenant"}, tenants};
  // Far fewer bounds than `latency` has: each is a line of /metrics per tenant.
  ft::Dynamic<ft::Histogram, 1> tenant_latency{
      scope,
      {.name = "tenant_latency", .help = "As latency, by tenant.", .unit = ft::Unit::seconds},
      {"tenant"},
      tenants,
      ft::buckets::durations(std::chrono::microseconds{100}, std::chrono::milliseconds{1},
                             std::chrono::milliseconds{10}, std::chrono::milliseconds{100})};
};

/// The series of the tenant that a session's latest command names. A client's commands mostly are one tenant's: its
/// series are looked up once then, and not with every batch.
class LatestTenant {
 public:
  struct Series {
    Series(ProxyMetrics& metrics, std::string_view tenant) noexcept
        : commands{metrics.tenant_commands.with(tenant)}, latency{metrics.tenant_latency.with(tenant)} {}
    ft::SeriesHandle<ft::Counter> commands;
    ft::SeriesHandle<ft::Histogram> latency;
  };

  explicit LatestTenant(ProxyMetrics& metrics) noexcept : metrics_{metrics} {}

  const Series& series(std::string_view tenant) {
    if (!series_ || tenant != tenant_ || is_refused_) look_up(tenant);
    return *series_;
  }

 private:
  [[gnu::noinline]] void look_up(std::string_view tenant) {
    tenant_ = tenant;  // first: it may throw
    series_.emplace(metrics_, tenant);
    is_refused_ = series_->commands.is_overflow() || series_->latency.is_overflow();
  }

  ProxyMetrics& metrics_;
  std::string tenant_;
  std::optional<Series> series_;
  bool is_refused_ = false;  ///< one that was gets a series of its own as soon as there is room
};

/// Has the library say on stderr what it has to say: which tenants are too many, what this machine does not offer.
inline void report_diagnostics() {
  ft::set_diagnostics([](const ft::Diagnostic& diagnostic, void*) noexcept {
    std::fprintf(stderr, "ft_proxy: %.*s\n", static_cast<int>(diagnostic.message.size()), diagnostic.message.data());
  });
}

}  // namespace proxy
