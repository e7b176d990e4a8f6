// SPDX-License-Identifier: Apache-2.0
//
// EmbeddedBackend: a small key-value store inside the proxy, for when there is no Redis server.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "command.h"

namespace proxy {

/// GET, SET (without options), DEL, INCR, EXISTS, MGET, PING, CONFIG GET, COMMAND and INFO, answering as Redis does.
/// Shared by all event loops. A command with several keys is not atomic: each key is.
class EmbeddedBackend {
 public:
  static constexpr std::size_t entry_bytes = 96;  ///< of an entry beside its key and value: node, strings, bucket

  /// SET and INCR are refused when entries would take more than `max_stored_bytes` (its default is arbitrary).
  explicit EmbeddedBackend(std::size_t max_stored_bytes = 256 * 1024 * 1024) : max_stored_bytes_{max_stored_bytes} {}

  /// Appends the reply to `args` (not empty).
  void execute(Command command, std::span<const std::string_view> args, std::string& out);

 private:
  static constexpr std::size_t max_reply_bytes = 64 * 1024 * 1024;  // of MGET

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::string, Hash, std::equal_to<>> values;
  };
  /// As `INFO commandstats` counts: calls are those with the right number of arguments.
  struct Stats {
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> failed{0};
  };
  enum Row : std::uint8_t { get, set, del, incr, exists, mget, ping, config_get, command, info, rows };

  Shard& shard(std::string_view key) { return shards_[Hash{}(key) % shards_.size()]; }
  void run(Row row, std::span<const std::string_view> args, std::string& out);
  void read(std::string_view key, std::string& out);
  bool store(Shard& shard, std::string_view key, std::string_view value);
  void increment(std::string_view key, std::string& out);
  std::size_t count(Row row, std::span<const std::string_view> keys);
  std::string statistics() const;

  const std::size_t max_stored_bytes_;
  std::array<Shard, 64> shards_;  // arbitrary: far more than event loops
  std::array<Stats, rows> stats_;
  std::atomic<std::size_t> stored_bytes_{0};
};

}  // namespace proxy
