// SPDX-License-Identifier: Apache-2.0

#include "upstream.h"

#include <sys/socket.h>

namespace proxy {

bool UpstreamConnection::is_quiet() {
  char byte = 0;
  return ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

Upstream::Upstream(asio::io_context& context, const Endpoint& server, std::chrono::seconds deadline,
                   ProxyMetrics& metrics)
    : context_{context},
      server_{server},
      deadline_{deadline},
      metrics_{metrics},
      backoff_timer_{context},
      watch_timer_{context} {
  asio::co_spawn(context_, watch(), asio::detached);
}

Task<Upstream::Lease> Upstream::lease() {
  // Last in, first out: what is used stays warm, what is not needed stays idle.
  while (!idle_.empty()) {
    Lease connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_quiet()) co_return connection;
    lost();
  }
  if (down_ || stopped_) co_return nullptr;
  std::error_code error;
  Lease connection = co_await connect(error);
  // Without file descriptors nothing is known of the server. Several may find out at once that it is down; the first
  // one starts the task.
  if (connection == nullptr && error != asio::error::no_descriptors && !down_ && !stopped_) {
    lost();
    down_ = true;
    asio::co_spawn(context_, reconnect(), asio::detached);
  }
  co_return connection;
}

void Upstream::give_back(Lease connection) {
  if (idle_.size() < max_idle && !stopped_) idle_.push_back(std::move(connection));
}

void Upstream::lost() {
  idle_.clear();
  lost_ = true;
}

void Upstream::stop() {
  stopped_ = true;
  idle_.clear();
  backoff_timer_.cancel();
  watch_timer_.cancel();
}

Task<Upstream::Lease> Upstream::connect(std::error_code& error) {
  struct Attempt {
    Timer timer;
    Lease connection;
  };
  // Shared with the timer's handler, which may already be on its way when the connection stands.
  auto attempt = std::make_shared<Attempt>(Attempt{Timer{context_}, std::make_shared<UpstreamConnection>(context_)});
  attempt->timer.expires_after(connect_timeout);
  attempt->timer.async_wait([attempt](std::error_code) {
    if (attempt->connection != nullptr) attempt->connection->socket.close();
  });
  co_await attempt->connection->socket.async_connect(server_, or_error(error));
  const Lease connection = std::move(attempt->connection);
  attempt->connection = nullptr;
  attempt->timer.cancel();
  if (error || !connection->socket.is_open()) co_return nullptr;
  connection->socket.set_option(asio::ip::tcp::no_delay{true}, error);
  connections_.push_back(connection);
  if (lost_) metrics_.upstream_reconnects.add();
  lost_ = false;
  co_return connection;
}

Task<> Upstream::reconnect() {
  for (auto backoff = min_backoff; !stopped_; backoff = std::min(backoff * 2, max_backoff)) {
    // Half fixed, half random: proxies and loops that lost one server do not come back in step.
    std::uniform_int_distribution<std::int64_t> spread{backoff.count() / 2, backoff.count()};
    backoff_timer_.expires_after(std::chrono::milliseconds{spread(random_)});
    std::error_code error;
    co_await backoff_timer_.async_wait(or_error(error));
    if (stopped_) break;
    if (Lease connection = co_await connect(error)) {
      down_ = false;
      give_back(std::move(connection));
      break;
    }
  }
}

Task<> Upstream::watch() {
  while (!stopped_) {
    watch_timer_.expires_after(watch_interval);
    std::error_code error;
    co_await watch_timer_.async_wait(or_error(error));
    std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
    for (const auto& held : connections_) {
      const Lease connection = held.lock();
      if (!connection->silence || (*connection->silence += watch_interval) <= deadline_) continue;
      connection->socket.close(error);  // whoever waits is told
    }
  }
}

}  // namespace proxy
