// SPDX-License-Identifier: Apache-2.0
//
// Server: the listening socket, the event loops, and the orderly end.
#pragma once

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "embedded_backend.h"
#include "net.h"
#include "session.h"
#include "telemetry.h"
#include "upstream.h"

namespace proxy {

struct ServerOptions {
  Endpoint listen;
  std::optional<Endpoint> upstream;  ///< without one the embedded backend answers
  std::size_t threads = 2;           ///< event loops; one thread more accepts
  std::size_t max_clients = 4096;    ///< more are refused
  std::chrono::milliseconds drain_deadline{5000};
  std::chrono::seconds upstream_deadline{10};  ///< how long the upstream may be silent when it is waited for
  std::chrono::seconds tenant_idle{180};       ///< how long metrics remember a tenant that sends nothing
};

/// One thread with the sessions and upstream connections that live on it. Nothing is shared between two of them but
/// metrics and the embedded backend.
class EventLoop {
 public:
  EventLoop(const ServerOptions& options, EmbeddedBackend& embedded, ProxyMetrics& metrics, const Tracing& tracing,
            std::atomic<std::size_t>& clients);

  /// From any thread.
  void serve(Socket client);
  void drain(std::chrono::milliseconds deadline);

  /// Runs until drained. Returns how many sessions had to be cut off.
  std::size_t run();

  [[nodiscard]] asio::io_context& context() noexcept { return context_; }

 private:
  Task<> serve_one(std::shared_ptr<Session> session);
  void finish_if_drained();

  asio::io_context context_{1};  // one thread runs it
  asio::executor_work_guard<Executor> work_{context_.get_executor()};
  ProxyMetrics& metrics_;
  const Tracing& tracing_;
  std::optional<Upstream> upstream_;
  Backend backend_;
  std::atomic<std::size_t>& clients_;
  std::set<std::shared_ptr<Session>> sessions_;
  Timer deadline_{context_};
  bool draining_ = false;
  std::size_t cut_off_ = 0;
};

class Server {
 public:
  Server(const ServerOptions& options, ProxyMetrics& metrics, const Tracing& tracing);

  /// Binds the listening socket; its port is in endpoint() then.
  [[nodiscard]] std::error_code listen();
  [[nodiscard]] Endpoint endpoint() const { return acceptor_.local_endpoint(); }

  /// Serves until SIGTERM or SIGINT, then stops accepting, answers what has arrived and returns how many clients had to
  /// be cut off at the deadline. A second signal ends the process at once.
  std::size_t run();

 private:
  Task<> accept();
  Task<> wait_for_signals();
  Task<> sweep();

  ServerOptions options_;
  ProxyMetrics& metrics_;
  EmbeddedBackend embedded_;
  std::atomic<std::size_t> clients_{0};
  std::vector<std::unique_ptr<EventLoop>> loops_;
  asio::io_context control_{1};  // the thread that calls run(): new connections, signals and sweeps
  asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor_{control_};
  asio::basic_signal_set<Executor> signals_{control_, SIGTERM, SIGINT};
  Timer sweep_timer_{control_};
};

}  // namespace proxy
