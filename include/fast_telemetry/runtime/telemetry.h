// SPDX-License-Identifier: Apache-2.0
//
// Telemetry: exports a program's metrics and spans while it runs, and what is left when it ends. For the program's
// main.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "fast_telemetry/export/exporter.h"
#include "fast_telemetry/runtime/telemetry_options.h"
#include "fast_telemetry/snapshot.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
class Runtime;
}

/// One exporter's part of a TelemetryReport.
struct ExporterReport {
  std::string name;
  DeliveryInfo delivery = {};  ///< since it was made
  /// Nothing that was recorded before the call waits, and nothing was dropped in it. What the call did not get to is
  /// not complete.
  bool is_complete = false;
};

/// What force_flush() or shutdown() brought about.
struct TelemetryReport {
  std::vector<ExporterReport> exporters = {};  ///< in the order they were added, those of the options first
  /// Spans that have ended, and that no exporter of spans has yet: in the buffers, held by the tail sampler. Zero if
  /// there is no exporter of spans.
  std::uint64_t spans_waiting = 0;
  bool is_forked = false;       ///< this process is a child of the one that made the Telemetry: nothing was done
  bool is_left_behind = false;  ///< a call to an exporter did not return: see Telemetry::shutdown

  [[nodiscard]] bool is_complete() const noexcept {
    if (is_forked || is_left_behind || spans_waiting != 0) return false;
    for (const ExporterReport& exporter : exporters) {
      if (!exporter.is_complete) return false;
    }
    return true;
  }
};

/// Owns exporters and drives them, each on a schedule of its own, from one background thread:
///
///     ft::Telemetry telemetry{ft::options_from_environment().telemetry};
///     if (const std::error_code error = telemetry.start()) std::puts(error.message().c_str());
///
/// **Exports** go from start to start of an interval; one that is late is made at once, and those missed meanwhile are
/// skipped. Between them, what waits for its endpoint is delivered when the endpoint wants to be asked again. Exporters
/// take turns: one whose endpoint does not answer delays the others by its timeout, which loses nothing. Spans that
/// come faster than their interval are drained and exported early, whenever half of the span budget is in use
/// (set_span_budget). Idle series are swept (sweeper.h).
///
/// **Spans** are taken from buffers that belong to the process. One Telemetry per process has exporters of spans; a
/// second one would get some of the spans, and the first the others. Each exporter gets every span.
///
/// **The end.** The destructor is shutdown(options.shutdown_timeout), and so is the exit of a program that still has a
/// started Telemetry, in a variable that is never destroyed for example: std::exit ends it before it destroys static
/// objects that were there when the program's first Telemetry was started. What is recorded later is not exported.
/// Nobody reads a report then: an exporter that lost something is diagnosed (component "runtime"). Nothing is done at
/// _exit, abort, or a kill.
///
/// **Fork.** A child has no background thread, and its copy does nothing: every call returns at once. It makes a
/// Telemetry of its own, best after the destruction of the copy, which leaves all connections alone. Daemons make
/// theirs after the last fork.
///
/// The registry shows how delivery goes, for each exporter (`fast_telemetry_delivery_…`, `fast_telemetry_runtime_…`,
/// with the label `exporter`): every exporter of the same registry, the /metrics server too, sends these along.
///
/// All functions may be called by any thread at the same time, also from an exporter or a visitor, where flush and
/// shutdown do nothing and return at once.
class Telemetry {
 public:
  /// Makes the exporters that the options name; opens no connection and starts no thread. The registry outlives it.
  /// Throws what the exporters' constructors throw (std::invalid_argument, std::system_error for a file that cannot be
  /// read, …), and std::invalid_argument for an interval or timeout below 1 ms, or an exporter that is not built.
  explicit Telemetry(TelemetryOptions options = {}, Registry& registry = default_registry());
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  /// Has one more exporter driven. Exporters of spans derive from SpanExporter. Before start() only, and it throws
  /// std::logic_error afterwards; std::invalid_argument as the constructor.
  void add_exporter(std::unique_ptr<Exporter> exporter, const ExportSchedule& schedule);

  /// Has a visitor shown each collection of a reader made for it: the registry's families, and those of the library and
  /// the process. It outlives the Telemetry. It may throw: that is diagnosed, and the next collection shows the same
  /// window and more. In the report its items are collections.
  void add_visitor(Text name, Visitor& visitor, const ExportSchedule& schedule, const ReaderOptions& options = {});

  /// Gives a sink every span. It outlives the Telemetry. It may throw: the span is dropped for this sink, and counted
  /// (dropped_refused, dropped_no_memory). While it is full, no other exporter gets spans either.
  void add_span_sink(Text name, SpanSink& sink, const ExportSchedule& schedule);

  /// Starts the background thread, if the options want one, and the /metrics server, if they name one. Not done by the
  /// constructor, so that exporters can be added before, and so that a port that is in use is an error that can be
  /// handled while all else runs: everything that can be started is, and the first error is returned. May be called
  /// again, and then starts what is not running. Does nothing after shutdown.
  std::error_code start();

  /// The port of the /metrics server; 0: it does not run.
  [[nodiscard]] std::uint16_t prometheus_port() const noexcept;

  /// Collects, and delivers all that was recorded before the call, and what waits, at the latest until the time is
  /// over (and a tenth of it, 50 ms to 1 s, if an exporter overruns it). Each exporter has an equal share of the time
  /// that is left, so that an endpoint that does not answer takes its own share only. What could not be delivered waits
  /// on. The tail sampler decides no trace early. Throws std::bad_alloc, when all is done, for want of memory for the
  /// report.
  TelemetryReport force_flush(std::chrono::milliseconds timeout);

  /// As force_flush, after which everything that waits is dropped and counted, nothing is exported any more and the
  /// thread has ended. A second call does nothing and reports the same.
  ///
  /// A visitor, a sink or a callback of an observable metric that does not return delays it by its share only: the
  /// other exporters are closed all the same, and the thread is left behind with all that it may still use. What the
  /// program gave it then has to live on: the report says so.
  TelemetryReport shutdown(std::chrono::milliseconds timeout);

  // Without a thread (TelemetryOptions::background_thread is false, or start() was not called), for reactors and tests.

  /// Makes the exports whose time has come, which may take until `timeout` is over, and says when to call again. (All
  /// exports, whether their time has come or not, are force_flush.) With a thread it does nothing.
  std::chrono::steady_clock::time_point collect_once(std::chrono::milliseconds timeout);

  /// When collect_once has something to do.
  [[nodiscard]] std::chrono::steady_clock::time_point next_due() const;

 private:
  std::shared_ptr<detail::Runtime> runtime_;
  Registry& registry_;
};

FAST_TELEMETRY_END_NAMESPACE
