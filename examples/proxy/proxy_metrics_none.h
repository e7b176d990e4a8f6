// SPDX-License-Identifier: Apache-2.0
//
// What proxy_metrics.h offers, without telemetry: every member does nothing. The bare proxy is the baseline that the
// demo measures against.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "command.h"

namespace proxy {

struct Registry {};

struct ProxyMetrics {
  struct Time {
    friend Time operator-(Time, Time) noexcept { return {}; }
    friend bool operator==(Time, Time) noexcept { return true; }
  };
  static Time now() noexcept { return {}; }

  struct TenantNames {
    struct Index {
      friend bool operator==(Index, Index) noexcept { return true; }
    };
    Index add(Command, std::span<const std::string_view>) const noexcept { return {}; }
    [[nodiscard]] std::string_view name(Index) const noexcept { return {}; }
    void clear() const noexcept {}
  };

  struct Nothing {
    template <class... Labels>
    Nothing with(Labels...) const noexcept {
      return {};
    }
    void add(std::uint64_t = 1) const noexcept {}
    void record_n(Time, std::uint64_t) const noexcept {}
  };

  ProxyMetrics(Registry&, std::uint32_t) {}
  void sweep() const noexcept {}
  static constexpr unsigned idle_sweeps = 1;

  Nothing commands, latency, received, sent, connections_opened, connections_closed, connections_rejected,
      protocol_errors, upstream_reconnects;
};

struct LatestTenant {
  struct Series {
    ProxyMetrics::Nothing commands, latency;
  };
  explicit LatestTenant(ProxyMetrics&) {}
  static Series series(std::string_view) noexcept { return {}; }
};

struct ExposerOptions {
  std::string address;
  std::uint16_t port = 0;
};

struct Exposer {
  Exposer(Registry&, const ExposerOptions&) {}
  std::error_code start() { return {}; }
  std::uint16_t port() const { return 0; }
};

inline void report_diagnostics() {}

}  // namespace proxy
