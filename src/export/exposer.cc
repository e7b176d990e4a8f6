// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/exposer.h"

#include <pthread.h>
#include <unistd.h>

#include <thread>

#include "core/diagnose.h"
#include "exposer_metrics.h"
#include "gzip.h"
#include "http_server.h"
#include "scraper.h"
#include "signals_blocked.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using namespace detail;  // NOLINT(google-build-using-namespace): the exposer is made of it

/// Answers requests: which path, and a scrape's way from cells to a body.
class Pages final : public HttpHandler {
 public:
  Pages(Registry& registry, const ExposerOptions& options, ExposerMetrics& metrics, const std::atomic<bool>& stopping)
      : scraper_{registry, options, stopping}, options_{options}, metrics_{metrics} {}

  HttpReply handle(const HttpRequest& request) override {
    if (request.path == "/metrics") return metrics(request);
    if (request.path == "/healthz") return {.text = "ok\n"};
    metrics_.rejected.with(RejectedRequest::path).add();
    return {.status = 404, .text = "not found: try /metrics or /healthz\n"};
  }

 private:
  HttpReply metrics(const HttpRequest& request) {
    HttpReply reply;
    ScrapeOutcome outcome = ScrapeOutcome::failed;
    try {
      outcome = render(request, reply);
    } catch (const std::bad_alloc&) {
      diagnose("exposer", "out of memory in a scrape");
    }
    metrics_.scrapes.with(outcome).add();
    if (outcome != ScrapeOutcome::ok) return {.status = 503, .text = explanation(outcome)};
    metrics_.duration.record(std::chrono::steady_clock::now() - request.received);
    return reply;
  }

  ScrapeOutcome render(const HttpRequest& request, HttpReply& reply) {
    if (bodies_.pending_bytes() > options_.max_pending_bytes) return ScrapeOutcome::busy;
    const auto budget = std::min(request.scrape_budget.value_or(options_.response_timeout), options_.response_timeout);
    const ScrapeOutcome outcome = scraper_.scrape(request.accepted.format, request.received + budget);
    if (outcome == ScrapeOutcome::too_large) diagnose("exposer", "an exposition exceeds max_body_bytes");
    if (outcome != ScrapeOutcome::ok) return outcome;

    ByteBuffer& text = scraper_.text();
    const std::size_t rendered = text.size();
    reply.body = bodies_.take();
    reply.gzip = request.gzip;
    if (request.gzip) {
      gzip_.compress(text.view(), reply.body->bytes);
    } else {
      std::swap(text, reply.body->bytes);
    }
    reply.content_type = content_type_of(request.accepted);
    metrics_.rendered.add(rendered);
    metrics_.sent.add(reply.body->bytes.size());
    return ScrapeOutcome::ok;
  }

  static std::string_view explanation(ScrapeOutcome outcome) noexcept {
    switch (outcome) {
      case ScrapeOutcome::too_large: return "the exposition is larger than its limit\n";
      case ScrapeOutcome::too_late: return "the exposition was not ready in time\n";
      case ScrapeOutcome::busy: return "too many responses are under way\n";
      case ScrapeOutcome::ok:
      case ScrapeOutcome::failed: break;
    }
    return "out of memory\n";
  }

  Scraper scraper_;
  Gzip gzip_;
  BodyPool bodies_;
  const ExposerOptions& options_;
  ExposerMetrics& metrics_;
};

class ExposerErrorCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "fast_telemetry exposer"; }
  std::string message(int code) const override {
    switch (static_cast<ExposerError>(code)) {
      case ExposerError::bad_address:
        return "not an IP address: the exposer takes an IPv4 or IPv6 literal or \"localhost\"";
      case ExposerError::already_started: return "the exposer is already started";
      case ExposerError::metrics_refused:
        return "the registry refused the exposer's own metrics: their names are taken";
      case ExposerError::server_failed: return "libmicrohttpd could not be set up";
    }
    return "unknown error";
  }
};

}  // namespace

std::error_code make_error_code(ExposerError error) noexcept {
  static const ExposerErrorCategory category;
  return {static_cast<int>(error), category};
}

struct Exposer::Running {
  Running(Registry& registry, const ExposerOptions& options, Listener listener)
      : metrics{std::make_unique<ExposerMetrics>(
            Scope{registry, "fast_telemetry_exposer", {{"listener", listener.name}}})},
        server{std::move(listener),
               {options.max_connections,
                options.max_request_bytes,
                {options.request_timeout, options.response_timeout, options.idle_timeout}},
               pages,
               *metrics},
        pages{registry, options, *metrics, server.stopping()} {}

  const pid_t process = ::getpid();
  std::unique_ptr<ExposerMetrics> metrics;
  HttpServer server;
  Pages pages;
  std::thread thread;
};

Exposer::Exposer(Registry& registry, ExposerOptions options) : registry_{registry}, options_{std::move(options)} {}

Exposer::~Exposer() { stop(); }

std::error_code Exposer::start() noexcept try {
  if (running_) return ExposerError::already_started;
  Listener listener;
  if (const std::error_code error = Listener::open(options_.address, options_.port, listener)) return error;
  auto running = std::make_unique<Running>(registry_, options_, std::move(listener));
  if (const std::error_code error = running->server.open()) return error;
  {
    const SignalsBlocked blocked;
    running->thread = std::thread{[&server = running->server] {
      pthread_setname_np(pthread_self(), "ft-exposer");
      server.run();
    }};
  }
  running_ = std::move(running);
  return {};
} catch (const std::system_error& error) {
  return error.code();
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
} catch (...) {
  return ExposerError::metrics_refused;
}

std::uint16_t Exposer::port() const noexcept { return running_ ? running_->server.listener().port : 0; }

void Exposer::stop() noexcept {
  if (!running_) return;
  if (running_->process != ::getpid()) {
    // A forked child. The thread is the parent's and was perhaps in the middle of a scrape: what it worked with cannot
    // be taken apart here, nor can its handle be joined or detached.
    running_->metrics.reset();
    running_->server.close_copies();
    static_cast<void>(running_.release());
    return;
  }
  running_->server.stop();
  running_->thread.join();
  running_.reset();
}

FAST_TELEMETRY_END_NAMESPACE
