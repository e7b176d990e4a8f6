// SPDX-License-Identifier: Apache-2.0
//
// Session: one client's connection, from its first byte to its last reply.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "buffer.h"
#include "command.h"
#include "embedded_backend.h"
#include "net.h"
#include "resp_parser.h"
#include "telemetry.h"
#include "upstream.h"

namespace proxy {

/// Who answers: exactly one of the two.
struct Backend {
  Upstream* upstream;
  EmbeddedBackend* embedded;
};

/// Reads what has arrived, passes all complete commands on in one write, hands their replies back as they come, and
/// only then reads again. That order is the back-pressure: a client that does not read its replies is not read from,
/// and what is held for it is bounded: one command of RequestLimits, reply_bytes, and one read each way.
///
/// A coroutine on its event loop; its functions are called from there.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Socket client, const Backend& backend, ProxyMetrics& metrics, const Tracing& tracing);

  /// Serves the client until either side has had enough. The caller keeps the session alive meanwhile.
  Task<> run();

  /// Answers what has arrived, then closes.
  void drain();

  /// Closes at once.
  void abort();

 private:
  /// Whose replies are written: those of commands that were sent to the upstream, or of the proxy's own making.
  enum class Answerer : std::uint8_t { proxy, upstream };

  /// A command whose reply is still to be written.
  struct Pending {
    Command command;
    Outcome outcome;
    [[no_unique_address]] ProxyMetrics::TenantNames::Index tenant;
    ProxyMetrics::Time received;
  };
  static bool alike(const Pending& a, const Pending& b) {
    return a.command == b.command && a.outcome == b.outcome && a.tenant == b.tenant && a.received == b.received;
  }

  static constexpr std::size_t min_read_bytes = 4096;     // from the client; doubles while reads come back full
  static constexpr std::size_t max_read_bytes = 65536;    //
  static constexpr std::size_t reply_read_bytes = 16384;  // from the upstream, at least
  static constexpr std::size_t reply_bytes = 256 * 1024;  // replies held before they are written
  static constexpr std::size_t max_batch = 1024;          // commands under way: bounds what the upstream holds for us
  static constexpr std::chrono::milliseconds goodbye_timeout{500};

  Task<bool> receive();
  Task<> serve();
  void answer(Verb verb);
  Task<> forward(std::string_view batch, bool pin);
  Task<bool> send(std::string_view batch);
  Task<std::size_t> relay();
  void lose_connection();
  void forget_pending();
  Task<> fail_rest(std::size_t answered, Answerer answerer);
  Task<> flush();
  Task<> reply(std::string_view bytes, std::size_t first, std::size_t count, Answerer answerer);
  void count_outcomes(std::span<const Pending> answered);
  void record_latencies(std::span<const Pending> answered, ProxyMetrics::Time written);
  template <class Use>
  static void for_each_run(std::span<const Pending> answered, Use use);
  Task<> say_goodbye();

  Socket client_;
  Backend backend_;
  ProxyMetrics& metrics_;
  [[no_unique_address]] LatestTenant latest_tenant_;
  [[no_unique_address]] ConnectionTrace trace_;

  Buffer input_;
  RequestParser parser_;
  ProxyMetrics::Time last_read_{};      ///< when the latest read ended
  ProxyMetrics::Time command_began_{};  ///< when the read ended that brought the first byte now at the front of input_
  ProxyMetrics::Time sent_{};           ///< when writing to the upstream began
  ProxyMetrics::Time replied_{};        ///< when the latest read from it ended
  std::vector<Pending> pending_;        ///< in the order of their replies
  [[no_unique_address]] ProxyMetrics::TenantNames tenants_;  ///< of `pending_`
  std::string output_;                                       ///< replies of the proxy's own making

  Upstream::Lease connection_;
  bool pinned_ = false;       ///< connection_ stays with this client
  bool partly_sent_ = false;  ///< the client has seen a part of the reply under way

  std::size_t read_bytes_ = min_read_bytes;
  bool waiting_ = false;   ///< for the client's bytes
  bool draining_ = false;  ///< what has arrived is still answered
  bool closing_ = false;   ///< no more commands are read
  bool goodbye_ = false;   ///< all replies are to reach the client before the end
  bool client_gone_ = false;
};

}  // namespace proxy
