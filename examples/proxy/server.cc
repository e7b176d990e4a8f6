// SPDX-License-Identifier: Apache-2.0

#include "server.h"

namespace proxy {

EventLoop::EventLoop(const ServerOptions& options, EmbeddedBackend& embedded, ProxyMetrics& metrics,
                     const Tracing& tracing, std::atomic<std::size_t>& clients)
    : metrics_{metrics}, tracing_{tracing}, clients_{clients} {
  if (options.upstream) upstream_.emplace(context_, *options.upstream, options.upstream_deadline, metrics);
  backend_ = {upstream_ ? &*upstream_ : nullptr, upstream_ ? nullptr : &embedded};
}

void EventLoop::serve(Socket client) {
  auto session = std::make_shared<Session>(std::move(client), backend_, metrics_, tracing_);
  asio::co_spawn(context_, serve_one(std::move(session)), asio::detached);
}

Task<> EventLoop::serve_one(std::shared_ptr<Session> session) {
  metrics_.connections_opened.add();
  try {
    sessions_.insert(session);
    if (draining_) session->drain();
    co_await session->run();
  } catch (const std::exception&) {
    session->abort();  // out of memory, most likely: this client's loss, nobody else's
  }
  metrics_.connections_closed.add();
  sessions_.erase(session);
  clients_.fetch_sub(1, std::memory_order_relaxed);
  finish_if_drained();
}

void EventLoop::drain(std::chrono::milliseconds deadline) {
  asio::post(context_, [this, deadline] {
    draining_ = true;
    for (const auto& session : sessions_) session->drain();
    deadline_.expires_after(deadline);
    deadline_.async_wait([this](std::error_code cancelled) {
      if (cancelled) return;
      cut_off_ += sessions_.size();
      for (const auto& session : sessions_) session->abort();
    });
    finish_if_drained();
  });
}

void EventLoop::finish_if_drained() {
  if (!draining_ || !sessions_.empty()) return;
  deadline_.cancel();
  if (upstream_) upstream_->stop();
  work_.reset();
}

std::size_t EventLoop::run() {
  context_.run();
  return cut_off_;
}

Server::Server(const ServerOptions& options, ProxyMetrics& metrics, const Tracing& tracing)
    : options_{options}, metrics_{metrics} {
  for (std::size_t i = 0; i < options.threads; ++i) {
    loops_.push_back(std::make_unique<EventLoop>(options_, embedded_, metrics, tracing, clients_));
  }
}

std::error_code Server::listen() {
  std::error_code error;
  acceptor_.open(options_.listen.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address{true}, error);
  if (!error) acceptor_.bind(options_.listen, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

std::size_t Server::run() {
  asio::co_spawn(control_, accept(), asio::detached);
  asio::co_spawn(control_, wait_for_signals(), asio::detached);
  asio::co_spawn(control_, sweep(), asio::detached);
  std::atomic<std::size_t> cut_off{0};
  {
    std::vector<std::jthread> threads;
    try {
      for (const auto& loop : loops_) threads.emplace_back([&cut_off, &loop] { cut_off += loop->run(); });
      control_.run();
    } catch (...) {
      // There was no thread to be had, most likely. Those that run already are joined, and end with their loops.
      for (const auto& loop : loops_) loop->drain(std::chrono::milliseconds{0});
      throw;
    }
  }
  return cut_off;
}

// Connections go to the loops in turn: with few clients that is more even than SO_REUSEPORT's hash.
Task<> Server::accept() {
  for (std::size_t turn = 0;; turn = (turn + 1) % loops_.size()) {
    std::error_code error;
    Socket client = co_await acceptor_.async_accept(loops_[turn]->context(), or_error(error));
    if (!acceptor_.is_open()) co_return;
    if (error) {
      // Out of file descriptors: the connection waits in the kernel's queue, and asking again at once would spin.
      Timer pause{acceptor_.get_executor()};
      pause.expires_after(std::chrono::milliseconds{100});
      co_await pause.async_wait(or_error(error));
      continue;
    }
    if (clients_.fetch_add(1, std::memory_order_relaxed) >= options_.max_clients) {
      clients_.fetch_sub(1, std::memory_order_relaxed);
      metrics_.connections_rejected.add();
      client.non_blocking(true, error);
      client.send(asio::buffer(std::string_view{"-ERR max number of clients reached\r\n"}), 0, error);
      continue;
    }
    loops_[turn]->serve(std::move(client));
  }
}

Task<> Server::wait_for_signals() {
  std::error_code error;
  co_await signals_.async_wait(or_error(error));
  acceptor_.close(error);
  sweep_timer_.cancel();
  for (const auto& loop : loops_) loop->drain(options_.drain_deadline);
  signals_.clear(error);  // the next one has its default effect: it ends the process
}

Task<> Server::sweep() {
  while (acceptor_.is_open()) {
    sweep_timer_.expires_after(std::chrono::milliseconds{options_.tenant_idle} / ProxyMetrics::idle_sweeps);
    std::error_code cancelled;
    co_await sweep_timer_.async_wait(or_error(cancelled));
    if (!cancelled) metrics_.sweep();
  }
}

}  // namespace proxy
