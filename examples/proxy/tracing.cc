// SPDX-License-Identifier: Apache-2.0

#include "tracing.h"

#include <cstdio>
#include <new>

namespace proxy {
namespace {

constexpr ft::Literal operation(Command command) {
  switch (command) {
    case Command::get: return "GET";
    case Command::set: return "SET";
    case Command::del: return "DEL";
    case Command::incr: return "INCR";
    case Command::exists: return "EXISTS";
    case Command::mget: return "MGET";
    case Command::ping: return "PING";
    case Command::config: return "CONFIG";
    case Command::other: break;
  }
  return "other";  // never the client's own word
}

void describe(ft::Span& span, ft::Literal name, Outcome outcome) {
  span.set_attribute("db.system.name", "redis");
  span.set_attribute("db.operation.name", name.text());
  if (outcome == Outcome::ok) return;
  span.set_attribute("error.type", label(outcome).value);
  span.set_status(ft::SpanStatus::error);
}

}  // namespace

Tracing::~Tracing() {
  if (!tracer_) return;
  thread_ = {};
  drain();
  if (const std::error_code error = file_.close()) {
    std::fprintf(stderr, "ft_proxy: the trace file: %s\n", error.message().c_str());
  }
  const ft::SpanInfo spans = ft::span_info();
  const ft::SpanFile::Info file = file_.info();
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("spans: %llu recorded, %llu drained, %llu dropped (%llu budget, %llu no memory, %llu other)\n",
              number(spans.recorded), number(spans.drained), number(spans.dropped()), number(spans.dropped_budget),
              number(spans.dropped_no_memory), number(spans.dropped_forked + spans.dropped_reentrant));
  std::printf("trace file: %llu written, %llu dropped (%llu limit, %llu error)\n", number(file.written),
              number(file.dropped_limit + file.dropped_error), number(file.dropped_limit), number(file.dropped_error));
}

std::error_code Tracing::start(const std::string& path, std::uint64_t max_bytes) {
  const auto format = path.ends_with(".jsonl") ? ft::SpanFileFormat::json_lines : ft::SpanFileFormat::chrome_trace;
  if (const std::error_code error = file_.open(path.c_str(), {.format = format, .max_bytes = max_bytes})) return error;
  fates_.emplace(ft::Scope{registry_, "proxy"},
                 ft::Info{.name = "trace_spans", .help = "Spans drained, by what became of them."});
  tracer_.emplace("proxy");
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
  return {};
}

void Tracing::run(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (!stop.stop_requested()) {
    drain();
    wake_.wait_for(lock, stop, drain_interval, [] { return false; });
  }
}

void Tracing::drain() {
  try {
    ft::drain_spans(file_);
  } catch (const std::bad_alloc&) {
    // What was not taken is in the next drain, or is counted as dropped when the spans' buffers are full.
  }
  static_cast<void>(file_.flush());  // an error is counted, and told by the library's diagnostics
  const ft::SpanFile::Info now = file_.info();
  fates_->with(SpanFate::written).add(now.written - counted_.written);
  fates_->with(SpanFate::dropped_limit).add(now.dropped_limit - counted_.dropped_limit);
  fates_->with(SpanFate::dropped_error).add(now.dropped_error - counted_.dropped_error);
  counted_ = now;
}

ConnectionTrace::ConnectionTrace(const Tracing& tracing, const Socket& client) {
  if (tracing.tracer() == nullptr) return;
  span_ = tracing.tracer()->root("connection", {.start_unix_ns = unix_now()});
  std::error_code error;
  const Endpoint peer = client.remote_endpoint(error);
  if (error) return;
  span_.set_attribute("network.peer.address", peer.address().to_string());
  span_.set_attribute("network.peer.port", peer.port());
}

void ConnectionTrace::record(Command command, Outcome outcome, std::string_view tenant, Time received,
                             const Moments& moments, std::int64_t unix_lead) const {
  const auto unix_of = [unix_lead](Time time) { return time.time_since_epoch().count() + unix_lead; };
  const ft::Literal name = operation(command);
  ft::Span span = span_.child(name, {.kind = ft::SpanKind::server, .start_unix_ns = unix_of(received)});
  describe(span, name, outcome);
  if (tenant != no_tenant) span.set_attribute("tenant", tenant);
  if (moments.by_upstream) {
    ft::Span upstream = span.child("upstream", {.kind = ft::SpanKind::client, .start_unix_ns = unix_of(moments.sent)});
    describe(upstream, name, outcome);
    upstream.end_at(unix_of(moments.replied));
  }
  span.end_at(unix_of(moments.written));
}

}  // namespace proxy
