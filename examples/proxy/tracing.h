// SPDX-License-Identifier: Apache-2.0
//
// The spans of the proxy: connection, command, upstream. tracing_none.h is the same without tracing.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "command.h"
#include "fast_telemetry/clock.h"
#include "fast_telemetry/export/span_file.h"
#include "fast_telemetry/spans/tracer.h"
#include "net.h"
#include "proxy_metrics.h"

namespace proxy {

/// What became of a span that was drained.
enum class SpanFate : std::uint8_t { written, dropped_limit, dropped_error };

constexpr ft::Label label(SpanFate fate) {
  switch (fate) {
    case SpanFate::written: return {"fate", "written"};
    case SpanFate::dropped_limit: return {"fate", "dropped_limit"};
    case SpanFate::dropped_error: return {"fate", "dropped_error"};
  }
  return {};
}

/// Where spans come from, and the thread that drains them into a file. Off until it is started.
class Tracing {
 public:
  explicit Tracing(ft::Registry& registry) : registry_{registry} {}
  /// Drains what is left, and says on stdout what became of all spans.
  ~Tracing();
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

  /// Into a file of at most `max_bytes`: JSON lines if its name ends in `.jsonl`, otherwise a Chrome trace.
  [[nodiscard]] std::error_code start(const std::string& path, std::uint64_t max_bytes);

  [[nodiscard]] const ft::Tracer* tracer() const noexcept { return tracer_ ? &*tracer_ : nullptr; }

 private:
  /// Short, so that what was written is still in the cache, and loops that share the CPU wait for short bursts.
  static constexpr std::chrono::milliseconds drain_interval{10};

  void run(const std::stop_token& stop);
  void drain();

  ft::Registry& registry_;
  std::optional<ft::Tracer> tracer_;
  ft::SpanFile file_;
  ft::SpanFile::Info counted_;
  std::optional<ft::Labeled<ft::Counter, SpanFate>> fates_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

/// The span of one connection; its commands are its children.
class ConnectionTrace {
 public:
  using Time = ProxyMetrics::Time;

  /// Of commands that were answered together.
  struct Moments {
    Time sent;     ///< to the upstream: when writing the first of them began
    Time replied;  ///< the read that brought the end of their replies, or found that none would come
    Time written;  ///< their replies, to the client
    bool by_upstream;
  };

  ConnectionTrace(const Tracing& tracing, const Socket& client);
  ~ConnectionTrace() { span_.end_at(unix_now()); }
  ConnectionTrace(const ConnectionTrace&) = delete;
  ConnectionTrace& operator=(const ConnectionTrace&) = delete;

  /// The time where it is needed.
  [[nodiscard]] Time now() const noexcept { return span_.is_recording() ? ProxyMetrics::now() : Time{}; }

  /// Records the spans of commands that are over, by times that were taken anyway: no command has a span before.
  template <class Commands>
  void record(const Commands& answered, const ProxyMetrics::TenantNames& tenants, const Moments& moments) const {
    if (span_.is_recording()) record_all(answered, tenants, moments);
  }

 private:
  /// All times are told when they are read, as those of commands have to be: then they fit together.
  static std::int64_t unix_now() noexcept { return ft::unix_ns(ft::now_ns()); }
  // Not inlined: no part of a coroutine that mostly does without.
  template <class Commands>
  [[gnu::noinline]] void record_all(const Commands& answered, const ProxyMetrics::TenantNames& tenants,
                                    const Moments& moments) const {
    const std::int64_t written = moments.written.time_since_epoch().count();
    const std::int64_t unix_lead = ft::unix_ns(written) - written;
    for (const auto& command : answered) {
      record(command.command, command.outcome, tenants.name(command.tenant), command.received, moments, unix_lead);
    }
  }
  void record(Command command, Outcome outcome, std::string_view tenant, Time received, const Moments& moments,
              std::int64_t unix_lead) const;

  ft::Span span_;
};

}  // namespace proxy
