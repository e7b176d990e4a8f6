// SPDX-License-Identifier: Apache-2.0
//
// DogStatsdExporter: sends a registry's metrics to Datadog's agent, or what else speaks DogStatsD. For programs that
// export.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "fast_telemetry/encoding/dogstatsd.h"
#include "fast_telemetry/export/exporter.h"
#include "fast_telemetry/registry.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Where an agent listens.
struct DogStatsdAddress {
  enum class Socket : std::uint8_t {
    udp,
    unix_datagram,
    unix_stream,  ///< each packet after its length, 32 bits, little-endian
    unix_any,     ///< datagrams, or a stream if that is what is there
  };

  Socket socket = Socket::udp;
  std::string host = "127.0.0.1";  ///< of udp: an IPv4 or IPv6 literal, or a name
  std::uint16_t port = 8125;       ///< of udp
  std::string path = {};           ///< of the others

  /// `udp://host`, `udp://host:port`, `udp://[::1]:port`, `unix:///path` (unix_any), `unixgram:///path`,
  /// `unixstream:///path`. Nothing if it is none of them.
  [[nodiscard]] static std::optional<DogStatsdAddress> parse(std::string_view url);

  /// DD_DOGSTATSD_URL, or DD_AGENT_HOST (which may be a URL, too) and DD_DOGSTATSD_PORT; what is not set or empty is as
  /// above. Nothing if one of them says what is no address. Nobody may call setenv meanwhile.
  [[nodiscard]] static std::optional<DogStatsdAddress> from_environment();

  /// The URL that `parse` reads as this.
  [[nodiscard]] std::string url() const;
};

struct DogStatsdExporterOptions {
  DogStatsdAddress address = {};
  DogStatsdOptions lines = {};       ///< but for max_packet_bytes:
  std::size_t max_packet_bytes = 0;  ///< 0: 1432 over UDP, 8192 over Unix sockets
  /// Sends `datadog.dogstatsd.client.…`, by which Datadog shows what its clients lose. Each export tells of those
  /// before.
  bool client_telemetry = true;
};

/// What one call of export_once, flush, deliver or close did.
struct DogStatsdReport {
  /// Why not everything went out; none: everything did. Errors of the system, or std::errc::timed_out. Over UDP, also
  /// what came back after the last packet had gone.
  std::error_code error = {};
  std::size_t packets_sent = 0;  ///< taken by the kernel; no agent confirms them
  std::uint64_t bytes_sent = 0;
  std::size_t packets_kept = 0;       ///< wait for the next export, which sends them first
  std::size_t packets_dropped = 0;    ///< larger than the socket takes: lost
  DogStatsdEncoder::Info lines = {};  ///< of the collection, if one was made

  [[nodiscard]] bool is_complete() const noexcept { return !error && packets_kept == 0 && packets_dropped == 0; }
};

/// Collects with a delta reader of its own, encodes (DogStatsdEncoder) and sends, when it is told to:
///
///     ft::DogStatsdExporter exporter{registry, {.address = *ft::DogStatsdAddress::from_environment()}};
///     exporter.export_once(std::chrono::steady_clock::now() + 1s);  // every ten seconds, as agents do
///
/// Every increase goes out once. While no packet of a collection has gone out, the collection counts as not made, and
/// the next one has all of it. Once one has, the others are kept until they have gone, too, before anything new is
/// collected: no packet is sent twice, but one that a stream's peer had received in part. What the kernel took and no
/// agent received is lost, since DogStatsD confirms nothing: of an agent that ends, what it had not read; over UDP,
/// what a network drops. To lose less, an export over UDP begins with an empty line, which agents ignore: a port of the
/// same machine that nobody listens on is noticed by that.
///
/// A socket that fails is opened anew, by its name or path, once at once and then in each export. Sends never raise
/// SIGPIPE. Over UDP they are paced, 32 packets in a millisecond, which leaves an agent's receive buffer room. Names
/// are looked up in a thread, which may outlive a lookup's deadline, and the exporter, by the system's own timeouts.
///
/// In the accounting that all exporters have, items are lines. What the kernel took is `unconfirmed`; nothing is ever
/// `delivered`. Lines of a collection that counts as not made are no items, but `dropped_shutdown` if the exporter is
/// closed then. Attempts are packets; no agent asks to be left alone, so flush is export_once.
///
/// The exporter's own metrics are in the registry as `fast_telemetry_dogstatsd_…` with the label `address`. Of the
/// process and the storage (process_info.h, storage_info.h) nothing is sent: what they show are totals.
///
/// Not thread-safe, but for end_by(). A forked child may go on using its copy, which then opens a socket of its own and
/// leaves to the parent what is kept, and its accounting.
class DogStatsdExporter final : public Exporter {
 public:
  /// Opens nothing yet. Throws std::invalid_argument if the registry refuses the exporter's own metrics: there is one
  /// for this address already.
  explicit DogStatsdExporter(Registry& registry, DogStatsdExporterOptions options = {});
  ~DogStatsdExporter() override;
  DogStatsdExporter(const DogStatsdExporter&) = delete;
  DogStatsdExporter& operator=(const DogStatsdExporter&) = delete;

  [[nodiscard]] Text name() const noexcept override { return "dogstatsd"; }
  /// Returns when everything was sent or cannot be. Without memory, that is the report's error.
  DeliveryReport export_once(Time until) noexcept override;
  DeliveryReport deliver(Time until) noexcept override;
  DeliveryReport flush(Time until) noexcept override;
  DeliveryReport close(Time until) noexcept override;
  void end_by(Time deadline) noexcept override;
  [[nodiscard]] DeliveryInfo info() const noexcept override;

  /// Of the last call.
  [[nodiscard]] const DogStatsdReport& report() const noexcept;

 private:
  struct Exporting;
  std::unique_ptr<Exporting> exporting_;
};

FAST_TELEMETRY_END_NAMESPACE
