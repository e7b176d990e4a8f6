// SPDX-License-Identifier: Apache-2.0
//
// Connections: who is connected, until when each may take for what it is doing, and who has to make room.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Timeouts {
  std::chrono::milliseconds request;
  std::chrono::milliseconds response;
  std::chrono::milliseconds idle;
};

/// Every connection has exactly one deadline, for its state as a whole: sending a byte now and then does not move it.
///
/// Pure bookkeeping, told the time: no system calls. Used by the server's thread only.
class Connections {
 public:
  enum class State : std::uint8_t {
    requesting,  ///< its first request is not complete
    responding,
    idle,     ///< between requests
    closing,  ///< told to close; still takes its place
  };

  struct Connection {
    int socket = -1;  ///< -1: a free place
    State state = State::requesting;
    SteadyTime deadline;
    std::uint64_t order = 0;  ///< of becoming what it is, among all
  };

  Connections(std::size_t most, const Timeouts& timeouts) : places_(most), timeouts_{timeouts} {}

  /// Null when all places are taken.
  [[nodiscard]] Connection* add(int socket, SteadyTime now) noexcept;
  void remove(Connection& connection) noexcept;

  void request_received(Connection& connection, SteadyTime now) noexcept;
  void response_sent(Connection& connection, SteadyTime now) noexcept;
  void closing(Connection& connection) noexcept { connection.state = State::closing; }

  [[nodiscard]] bool full() const noexcept { return size_ == places_.size(); }

  /// Who waits longest for a request to arrive. Null when all are responding or closing.
  [[nodiscard]] Connection* longest_waiting() noexcept;

  /// Somebody who is overdue; null when nobody is.
  [[nodiscard]] Connection* overdue(SteadyTime now) noexcept;

  /// When the next will be.
  [[nodiscard]] std::optional<SteadyTime> next_deadline() const noexcept;

  /// All places, free ones included.
  [[nodiscard]] const std::vector<Connection>& places() const noexcept { return places_; }

 private:
  void become(Connection& connection, State state, SteadyTime deadline) noexcept;

  std::vector<Connection> places_;
  Timeouts timeouts_;
  std::size_t size_ = 0;
  std::uint64_t next_order_ = 0;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
