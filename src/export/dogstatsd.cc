// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/dogstatsd.h"

#include <unistd.h>

#include "core/diagnose.h"
#include "delivery_queue.h"
#include "dogstatsd_client.h"
#include "dogstatsd_metrics.h"
#include "dogstatsd_socket.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using namespace detail;  // NOLINT(google-build-using-namespace): the exporter is made of it

// DSX-1, and the specification's figures: an Ethernet frame less the headers of IPv6 and UDP; an agent's buffer.
constexpr std::size_t udp_packet_bytes = 1432;
constexpr std::size_t unix_packet_bytes = 8192;

// Arbitrary: an agent that restarts takes some seconds.
constexpr std::chrono::nanoseconds wait_after_failure = std::chrono::seconds{1};

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
  bool is_next_tried = false;
  bool accepted = true;       // the collection that they are of
  bool is_collected = false;  // by the call under way
  pid_t process = ::getpid();
  DeliveryInfo info;
  DogStatsdReport report;

  // ---- the accounting ----

  [[nodiscard]] static std::uint64_t lines_of_packet(std::string_view packet) noexcept {
    std::uint64_t lines = 0;
    for (std::size_t end = packet.find('\n'); end != packet.npos; end = packet.find('\n', end + 1)) ++lines;
    return lines;
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
    info.items += encoder.info().lines + encoder.info().dropped_too_long;
    info.dropped_too_large += encoder.info().dropped_too_long;
    info.queued += encoder.info().lines;
    for (std::size_t i = 0; i < encoder.packet_count(); ++i) info.queued_bytes += encoder.packet(i).size();
  }

  /// The next packet of an accepted collection is no longer kept.
  void settle(std::uint64_t DeliveryInfo::* fate) noexcept {
    const std::string_view packet = encoder.packet(next++);
    const std::uint64_t lines = lines_of_packet(packet);
    info.queued -= lines;
    info.queued_bytes -= packet.size();
    info.*fate += lines;
    is_next_tried = false;
  }

  void count_attempt(std::error_code error, Clock::duration duration) noexcept {
    const bool stays = error && error != std::errc::message_size;
    ++info.attempts;
    info.retries += is_next_tried ? 1 : 0;
    info.unanswered += stays ? 1 : 0;
    info.timed_out += error == std::errc::timed_out ? 1 : 0;
    info.attempt_ns += static_cast<std::uint64_t>(std::chrono::nanoseconds{duration}.count());
    is_next_tried = stays;
  }

  // ---- sending ----

  void begin() {
    report = {};
    is_collected = false;
    leave_to_parent();
    if (!accepted) next = encoder.packet_count();  // it counts as not made
  }

  void leave_to_parent() {
    if (process == ::getpid()) return;
    process = ::getpid();
    socket.leave_to_parent();
    client.forget();
    next = encoder.packet_count();
    accepted = true;
    info = {};
  }

  /// What is kept, and nothing else: false when that was not possible.
  bool send_kept(Clock::time_point deadline) {
    report.error = socket.begin(deadline);
    if (!report.error) report.error = send_packets(deadline);
    return !report.error;
  }

  void collect_and_send(Clock::time_point deadline) {
    collect();
    report.error = send_packets(deadline);
    if (!report.error || socket.holds_part()) accept();
    // Of a collection that was not accepted nothing is kept: the next one has it.
    if (!accepted) next = encoder.packet_count();
    if (!report.error) report.error = socket.take_late_error();
  }

  void collect() {
    accepted = false;
    next = 0;
    is_next_tried = false;
    is_collected = true;
    reader.collect().visit(encoder, ShownDogStatsdClient{tells_of_client ? &client : nullptr});
    report.lines = encoder.info();
  }

  std::error_code send_packets(Clock::time_point deadline) {
    while (next < encoder.packet_count()) {
      const std::string_view packet = encoder.packet(next);
      const Clock::time_point start = Clock::now();
      const std::error_code error = socket.send(packet, deadline);
      count_attempt(error, Clock::now() - start);
      if (error && error != std::errc::message_size) return error;
      accept();
      if (error) {
        ++report.packets_dropped;
        ++client.totals.packets_dropped;
        client.totals.bytes_dropped += packet.size();
        settle(&DeliveryInfo::dropped_too_large);
      } else {
        ++report.packets_sent;
        report.bytes_sent += packet.size();
        ++client.totals.packets_sent;
        client.totals.bytes_sent += packet.size();
        info.sent_bytes += packet.size();
        settle(&DeliveryInfo::unconfirmed);
      }
    }
    return {};
  }

  // ---- calls ----

  enum class Task : std::uint8_t { send_kept, collect, close };

  DeliveryReport run(Task task, Clock::time_point deadline) noexcept {
    begin();
    const DeliveryInfo before = info;
    try {
      perform(task, deadline);
    } catch (const std::bad_alloc&) {
      report.error = std::make_error_code(std::errc::not_enough_memory);
    }
    report.packets_kept = encoder.packet_count() - next;
    count_in_registry();
    DeliveryReport delivery{.counts = difference(before, info)};
    if (is_window_open() || info.queued != 0) delivery.next_attempt_in = wait_after_failure;
    return delivery;
  }

  void perform(Task task, Clock::time_point deadline) {
    if (task == Task::send_kept && next == encoder.packet_count()) return;
    const bool goes_on = send_kept(deadline);
    if (task == Task::send_kept) return;
    if (goes_on) collect_and_send(deadline);
    if (task == Task::close) drop_all();
  }

  /// What was recorded since the last accepted collection could not go out.
  [[nodiscard]] bool is_window_open() const noexcept { return report.error && !(is_collected && accepted); }

  void drop_all() {
    while (next < encoder.packet_count()) settle(&DeliveryInfo::dropped_shutdown);
    if (!is_window_open()) return;
    collect();
    accept();
    while (next < encoder.packet_count()) settle(&DeliveryInfo::dropped_shutdown);
  }

  void count_in_registry() {
    metrics.packets.add(report.packets_sent);
    metrics.bytes.add(report.bytes_sent);
    metrics.kept.set(static_cast<std::int64_t>(report.packets_kept));
    metrics.drops.with(DogStatsdDrop::packet_too_large).add(report.packets_dropped);
    const DogStatsdOutcome unfinished = report.packets_kept != 0 ? DogStatsdOutcome::kept : DogStatsdOutcome::unsent;
    if (is_collected || report.error) metrics.exports.with(report.error ? unfinished : DogStatsdOutcome::ok).add();
    if (report.packets_dropped != 0)
      diagnose("dogstatsd", "a packet is larger than the socket takes: lower max_packet_bytes");
    if (report.error) diagnose("dogstatsd", "an export is unfinished: " + report.error.message());
  }
};

DogStatsdExporter::DogStatsdExporter(Registry& registry, DogStatsdExporterOptions options)
    : exporting_{std::make_unique<Exporting>(registry, options)} {}

DogStatsdExporter::~DogStatsdExporter() = default;

DeliveryReport DogStatsdExporter::export_once(Time until) noexcept {
  return exporting_->run(Exporting::Task::collect, until);
}
DeliveryReport DogStatsdExporter::deliver(Time until) noexcept {
  return exporting_->run(Exporting::Task::send_kept, until);
}
DeliveryReport DogStatsdExporter::flush(Time until) noexcept { return export_once(until); }
DeliveryReport DogStatsdExporter::close(Time until) noexcept { return exporting_->run(Exporting::Task::close, until); }
void DogStatsdExporter::end_by(Time deadline) noexcept { exporting_->socket.end_by(deadline); }
DeliveryInfo DogStatsdExporter::info() const noexcept { return exporting_->info; }
const DogStatsdReport& DogStatsdExporter::report() const noexcept { return exporting_->report; }

FAST_TELEMETRY_END_NAMESPACE
