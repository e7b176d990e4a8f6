// SPDX-License-Identifier: Apache-2.0
//
// Exposer: the /metrics server that Prometheus scrapes. For programs that export.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <system_error>

#include "fast_telemetry/registry.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct ExposerOptions {
  /// An IPv4 or IPv6 literal, or "localhost", which is 127.0.0.1. Names are never resolved. Anything but the loopback
  /// shows the metrics to whoever can reach the port: there is no authentication.
  std::string address = "127.0.0.1";
  std::uint16_t port = 9464;  ///< OpenTelemetry's port for Prometheus exporters; 0: any free one

  std::size_t max_connections = 64;                   ///< beyond it the longest waiting one makes room
  std::size_t max_request_bytes = 16 * 1024;          ///< request line and header; beyond it 414 or 431
  std::size_t max_body_bytes = 64 * 1024 * 1024;      ///< one exposition, not compressed; beyond it 503
  std::size_t max_pending_bytes = 128 * 1024 * 1024;  ///< expositions that clients have yet to take; beyond it 503

  std::chrono::milliseconds request_timeout{10'000};   ///< from accepting a connection to its first whole request
  std::chrono::milliseconds response_timeout{30'000};  ///< from the request to the last byte of the response
  std::chrono::milliseconds idle_timeout{45'000};      ///< between requests; below 60 s, a common scrape interval

  bool process_metrics = true;  ///< show what the system says about the process: `process_…`, see process_info.h
};

/// What errno has no word for.
enum class ExposerError {
  bad_address = 1,  ///< neither an IP address nor "localhost"
  already_started,
  metrics_refused,  ///< the registry refused the exposer's own metrics
  server_failed,    ///< libmicrohttpd could not be set up
};

[[nodiscard]] std::error_code make_error_code(ExposerError error) noexcept;

/// Serves a registry over HTTP/1.1: `/metrics` in OpenMetrics 1.0 for clients that would rather have it (Prometheus),
/// in Prometheus's text format 0.0.4 for all others, compressed for those that ask for it; and `/healthz`. Everything
/// else is a 404; methods other than GET and HEAD are a 405.
///
/// One thread of its own, which owns all connections. A scrape collects, renders into memory and then sends: it never
/// stalls writers, and a client that reads slowly stalls nobody. Scrapers do not disturb each other; a destroyed
/// metric's final value is shown for five minutes. The body ends with the library's own state (`fast_telemetry_…`) and
/// the process's (`process_…`); the exposer's own metrics are in the registry while it runs, as
/// `fast_telemetry_exposer_…` with the label `listener`.
///
/// After fork the child has no server thread, though it has a copy of the listening socket: call stop() there, which
/// then only closes the copies (and leaks what the parent's thread was working with), or exec. Use start, stop and the
/// destructor from one thread at a time. Errors while serving are answered with 503, counted and diagnosed.
class Exposer {
 public:
  explicit Exposer(Registry& registry, ExposerOptions options = {});
  ~Exposer();
  Exposer(const Exposer&) = delete;
  Exposer& operator=(const Exposer&) = delete;

  /// Binds and serves from when it returns. An error (a port in use, an address of another machine, a privileged port,
  /// …) leaves nothing behind. Never throws.
  [[nodiscard]] std::error_code start() noexcept;

  /// The port that is served, also where the options said 0; 0 while stopped.
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Closes the port and all connections, in the middle of a response too. Waits for the scrape under way to give up,
  /// which it does at the next family. Does nothing when stopped. The exposer can be started again.
  void stop() noexcept;

 private:
  struct Running;
  Registry& registry_;
  ExposerOptions options_;
  std::unique_ptr<Running> running_;
};

FAST_TELEMETRY_END_NAMESPACE

template <>
struct std::is_error_code_enum<fast_telemetry::ExposerError> : std::true_type {};
