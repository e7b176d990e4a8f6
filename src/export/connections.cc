// SPDX-License-Identifier: Apache-2.0
#include "connections.h"

#include <algorithm>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

// All walks are over at most ExposerOptions::max_connections places, a few times per event: an index would cost more.

Connections::Connection* Connections::add(int socket, SteadyTime now) noexcept {
  const auto place = std::find_if(places_.begin(), places_.end(), [](const Connection& c) { return c.socket < 0; });
  if (place == places_.end()) return nullptr;
  place->socket = socket;
  become(*place, State::requesting, now + timeouts_.request);
  ++size_;
  return &*place;
}

void Connections::remove(Connection& connection) noexcept {
  connection.socket = -1;
  --size_;
}

void Connections::request_received(Connection& connection, SteadyTime now) noexcept {
  if (connection.state != State::closing) become(connection, State::responding, now + timeouts_.response);
}

void Connections::response_sent(Connection& connection, SteadyTime now) noexcept {
  if (connection.state != State::closing) become(connection, State::idle, now + timeouts_.idle);
}

Connections::Connection* Connections::longest_waiting() noexcept {
  Connection* longest = nullptr;
  for (Connection& connection : places_) {
    const bool waiting = connection.state == State::requesting || connection.state == State::idle;
    if (connection.socket < 0 || !waiting) continue;
    if (longest == nullptr || connection.order < longest->order) longest = &connection;
  }
  return longest;
}

Connections::Connection* Connections::overdue(SteadyTime now) noexcept {
  const auto found = std::find_if(places_.begin(), places_.end(), [now](const Connection& connection) {
    return connection.socket >= 0 && connection.state != State::closing && connection.deadline <= now;
  });
  return found == places_.end() ? nullptr : &*found;
}

std::optional<SteadyTime> Connections::next_deadline() const noexcept {
  std::optional<SteadyTime> next;
  for (const Connection& connection : places_) {
    if (connection.socket < 0 || connection.state == State::closing) continue;
    if (!next || connection.deadline < *next) next = connection.deadline;
  }
  return next;
}

void Connections::become(Connection& connection, State state, SteadyTime deadline) noexcept {
  connection.state = state;
  connection.deadline = deadline;
  connection.order = next_order_++;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
