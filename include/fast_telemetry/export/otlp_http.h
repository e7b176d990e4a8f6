// SPDX-License-Identifier: Apache-2.0
//
// OtlpHttpSender: finished OTLP requests to a collector over HTTP. For programs that export. Built where protozero and
// libcurl are (FAST_TELEMETRY_OTLP).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/export/delivery.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
class OtlpHttpDelivery;
}

enum class OtlpSignal : std::uint8_t { traces, metrics };

enum class OtlpCompression : std::uint8_t { none, gzip };

struct HttpHeader {
  std::string name = {};
  std::string value = {};
};

/// Files are PEM. What is read of them is read when a connection is made, so that renewed ones are seen.
struct TlsOptions {
  std::string ca_file = {};           ///< who is trusted, in place of whom the system trusts
  std::string certificate_file = {};  ///< shown to the server; with key_file
  std::string key_file = {};
};

/// The defaults are those of OpenTelemetry's specification where it has any.
struct OtlpHttpOptions {
  /// The base for all signals: `v1/traces` or `v1/metrics` is appended.
  std::string endpoint = "http://localhost:4318";
  /// This signal's own, taken as it is, instead.
  std::string signal_endpoint = {};
  /// For each request: credentials, for example. The last of a name stays.
  std::vector<HttpHeader> headers = {};
  OtlpCompression compression = OtlpCompression::none;
  TlsOptions tls = {};
  DeliveryOptions delivery = {};
};

/// Sends one signal's requests to one endpoint:
///
///     ft::OtlpHttpSender sender{ft::OtlpSignal::traces, {.endpoint = "http://collector:4318"}};
///     sender.send(request.bytes, request.count);
///     sender.deliver(std::chrono::steady_clock::now() + 5s);
///
/// send() only queues; deliver() does the network. There is no thread, but for the one that looks up a host's name,
/// which ends when the system's resolver answers. Each item that was ever given is accounted for in info().
///
/// A request is sent again, byte for byte, after an answer of 429, 502, 503 or 504, and when there was none: no
/// connection, no name, no trust (TLS), a reset, a timeout. In the last two cases the receiver may have it already, so
/// it may get it twice; after any other answer it never does. Nothing is sent again when an answer began to come, was
/// 200 and then broke off.
///
/// Certificates are verified, and nothing turns that off. Redirections are refusals. Proxies are not used, whatever the
/// environment says. Diagnostics are of component "otlp"; they name neither the endpoint nor a header.
///
/// Not thread-safe, but for end_by(). A forked child may destroy its copy, which leaves the connection alone, and must
/// not use it otherwise.
class OtlpHttpSender {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Throws std::invalid_argument (an endpoint that is no URL of http or https, a header that would break the request
  /// or is not to be set, options of delivery without sense), std::system_error (a file that cannot be read),
  /// std::runtime_error (libcurl without TLS, for example) and std::bad_alloc. Makes no connection.
  explicit OtlpHttpSender(OtlpSignal signal, const OtlpHttpOptions& options = {});
  ~OtlpHttpSender();
  OtlpHttpSender(OtlpHttpSender&&) noexcept;
  OtlpHttpSender& operator=(OtlpHttpSender&&) noexcept;

  /// Takes a copy of a request with this many items, compressed if that is chosen. Without items it does nothing. More
  /// than 64 MiB, OTLP's limit, is dropped and counted.
  void send(std::string_view request, std::uint64_t items) noexcept;

  /// Sends what waits, until nothing does, the endpoint wants to be left alone, or the time is over. Does not wait for
  /// the endpoint: the report says when to come again. An attempt that `until` cuts short is one that took too long.
  DeliveryReport deliver(Time until) noexcept;

  /// As deliver, but asks the endpoint once even if it wants to be left alone: for a last or an ordered flush.
  DeliveryReport flush(Time until) noexcept;

  /// As flush, and drops what then still waits; what is sent later is dropped as well. To be called once, at the end;
  /// the destructor only drops.
  DeliveryReport close(Time until) noexcept;

  /// From now on no call lasts longer than this, not even one under way. For another thread, at shutdown.
  void end_by(Time deadline) noexcept;

  [[nodiscard]] DeliveryInfo info() const noexcept;
  [[nodiscard]] Circuit circuit() const noexcept;

 private:
  std::unique_ptr<detail::OtlpHttpDelivery> delivery_;
};

FAST_TELEMETRY_END_NAMESPACE
