// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/dogstatsd.h"

#include <unistd.h>

#include "core/diagnose.h"
#include "dogstatsd_client.h"
#include "dogstatsd_metrics.h"
#include "dogstatsd_socket.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using namespace detail;  // NOLINT(google-build-using-namespace): the exporter is made of it

// DSX-1, and the specification's figures: an Ethernet frame less the headers of IPv6 and UDP; an agent's buffer.
constexpr std::size_t udp_packet_bytes = 1432;
constexpr std::size_t unix_packet_bytes = 8192;

DogStatsdOptions lines_of(const DogStatsdExporterOptions& options) {
  DogStatsdOptions lines = options.lines;
  const bool is_udp = options.address.socket == DogStatsdAddress::Socket::udp;
  const std::size_t usual = is_udp ? udp_packet_bytes : unix_packet_bytes;
  lines.max_packet_bytes = options.max_packet_bytes != 0 ? options.max_packet_bytes : usual;
  return lines;
}

}  // namespace

struct DogStatsdExporter::Exporting {
  using Clock = DogStatsdSocket::Clock;

  Exporting(Registry& registry, const DogStatsdExporterOptions& options)
      : reader{registry, DogStatsdEncoder::reader_options},
        encoder{lines_of(options)},
        socket{options.address},
        client{options.address.socket},
        tells_of_client{options.client_telemetry},
        metrics{Scope{registry, "fast_telemetry_dogstatsd", {{"address", options.address.url()}}}} {}

  Reader reader;
  DogStatsdEncoder encoder;
  DogStatsdSocket socket;
  DogStatsdClient client;
  bool tells_of_client;
  DogStatsdMetrics metrics;
  std::size_t next = 0;  // of the encoder's packets: those from here on are kept
  bool accepted = true;  // the collection that they are of
  pid_t process = ::getpid();

  void run(DogStatsdReport& report, Clock::time_point deadline) {
    leave_to_parent();
    if (!accepted) next = encoder.packet_count();  // memory ran out in the middle of it
    report.error = socket.begin(deadline);
    if (!report.error) report.error = send_packets(report, deadline);
    if (!report.error) report.error = collect_and_send(report, deadline);
    if (!report.error) report.error = socket.take_late_error();
  }

  void leave_to_parent() {
    if (process == ::getpid()) return;
    socket.leave_to_parent();
    client.forget();
    next = encoder.packet_count();
    process = ::getpid();
  }

  std::error_code collect_and_send(DogStatsdReport& report, Clock::time_point deadline) {
    accepted = false;
    next = 0;
    reader.collect().visit(encoder, ShownDogStatsdClient{tells_of_client ? &client : nullptr});
    report.lines = encoder.info();
    const std::error_code error = send_packets(report, deadline);
    if (!error || socket.holds_part()) accept();
    // Of a collection that was not accepted nothing is kept: the next one has it.
    if (!accepted) next = encoder.packet_count();
    return error;
  }

  /// What went out, or is lost, belongs to this window.
  void accept() {
    if (accepted) return;
    reader.accept();
    accepted = true;
    client.accept();
    client.totals.metrics += encoder.info().lines - client.lines();
    metrics.drops.with(DogStatsdDrop::line_too_long).add(encoder.info().dropped_too_long);
    metrics.drops.with(DogStatsdDrop::not_finite).add(encoder.info().dropped_not_finite);
  }

  std::error_code send_packets(DogStatsdReport& report, Clock::time_point deadline) {
    for (; next < encoder.packet_count(); ++next) {
      const std::string_view packet = encoder.packet(next);
      const std::error_code error = socket.send(packet, deadline);
      if (error == std::errc::message_size) {
        ++report.packets_dropped;
        ++client.totals.packets_dropped;
        client.totals.bytes_dropped += packet.size();
      } else if (error) {
        return error;
      } else {
        ++report.packets_sent;
        report.bytes_sent += packet.size();
        ++client.totals.packets_sent;
        client.totals.bytes_sent += packet.size();
      }
      accept();
    }
    return {};
  }

  void count(DogStatsdReport& report) {
    report.packets_kept = encoder.packet_count() - next;
    metrics.packets.add(report.packets_sent);
    metrics.bytes.add(report.bytes_sent);
    metrics.kept.set(static_cast<std::int64_t>(report.packets_kept));
    metrics.drops.with(DogStatsdDrop::packet_too_large).add(report.packets_dropped);
    const DogStatsdOutcome unfinished = report.packets_kept != 0 ? DogStatsdOutcome::kept : DogStatsdOutcome::unsent;
    metrics.exports.with(report.error ? unfinished : DogStatsdOutcome::ok).add();
    if (report.packets_dropped != 0)
      diagnose("dogstatsd", "a packet is larger than the socket takes: lower max_packet_bytes");
    if (report.error) diagnose("dogstatsd", "an export is unfinished: " + report.error.message());
  }
};

DogStatsdExporter::DogStatsdExporter(Registry& registry, DogStatsdExporterOptions options)
    : exporting_{std::make_unique<Exporting>(registry, options)} {}

DogStatsdExporter::~DogStatsdExporter() = default;
DogStatsdExporter::DogStatsdExporter(DogStatsdExporter&&) noexcept = default;
DogStatsdExporter& DogStatsdExporter::operator=(DogStatsdExporter&&) noexcept = default;

DogStatsdReport DogStatsdExporter::export_once(std::chrono::milliseconds timeout) noexcept {
  DogStatsdReport report;
  try {
    exporting_->run(report, Exporting::Clock::now() + timeout);
    exporting_->count(report);
  } catch (const std::bad_alloc&) {
    report.error = std::make_error_code(std::errc::not_enough_memory);
  }
  return report;
}

FAST_TELEMETRY_END_NAMESPACE
