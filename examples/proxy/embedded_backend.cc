// SPDX-License-Identifier: Apache-2.0

#include "embedded_backend.h"

#include <limits>

#include "resp_parser.h"

namespace proxy {
namespace {

struct Signature {
  std::string_view name;  ///< as INFO commandstats spells it
  std::size_t min_args;   ///< the name included
  std::size_t max_args;
};

constexpr std::size_t many = std::numeric_limits<std::size_t>::max();

// In the order of EmbeddedBackend::Row.
constexpr Signature signatures[] = {
    {"get", 2, 2},     {"set", 3, many}, {"del", 2, many},        {"incr", 2, 2},       {"exists", 2, many},
    {"mget", 2, many}, {"ping", 1, 2},   {"config|get", 3, many}, {"command", 1, many}, {"info", 1, many},
};

void append_integer(std::string& out, std::int64_t value) {
  out.append(":").append(std::to_string(value)).append("\r\n");
}

void append_bulk(std::string& out, std::string_view value) {
  out.append("$").append(std::to_string(value.size())).append("\r\n").append(value).append("\r\n");
}

// What an entry counts for.
std::size_t stored_size(std::string_view key, std::string_view value) {
  return key.size() + value.size() + EmbeddedBackend::entry_bytes;
}

// Text from the client in an error: at most 64 bytes, nothing that could end the line.
std::string quoted(std::string_view text) {
  std::string safe{text.substr(0, 64)};
  for (char& c : safe) {
    if (c < ' ' || c > '~') c = '?';
  }
  return "'" + safe + "'";
}

}  // namespace

void EmbeddedBackend::execute(Command name, std::span<const std::string_view> args, std::string& out) {
  Row row = rows;
  switch (name) {
    case Command::get: row = get; break;
    case Command::set: row = set; break;
    case Command::del: row = del; break;
    case Command::incr: row = incr; break;
    case Command::exists: row = exists; break;
    case Command::mget: row = mget; break;
    case Command::ping: row = ping; break;
    case Command::config:
      if (args.size() > 1 && equals_ignoring_case(args[1], "GET")) row = config_get;
      break;
    case Command::other:
      if (equals_ignoring_case(args[0], "COMMAND")) row = command;
      if (equals_ignoring_case(args[0], "INFO")) row = info;
      break;
  }
  if (row == rows) {
    out.append("-ERR unknown command or subcommand ").append(quoted(args[0])).append("\r\n");
    return;
  }
  if (args.size() < signatures[row].min_args || args.size() > signatures[row].max_args) {
    out.append("-ERR wrong number of arguments for ").append(quoted(args[0])).append(" command\r\n");
    return;
  }
  const std::size_t begin = out.size();
  stats_[row].calls.fetch_add(1, std::memory_order_relaxed);
  run(row, args, out);
  if (out[begin] == '-') stats_[row].failed.fetch_add(1, std::memory_order_relaxed);
}

void EmbeddedBackend::run(Row row, std::span<const std::string_view> args, std::string& out) {
  const std::size_t begin = out.size();
  switch (row) {
    case get: read(args[1], out); break;
    case set: {
      if (args.size() > 3) {
        out.append("-ERR syntax error: the embedded backend knows no options of SET\r\n");
        break;
      }
      Shard& home = shard(args[1]);
      const std::lock_guard lock{home.mutex};
      out.append(store(home, args[1], args[2]) ? "+OK\r\n" : "-OOM the embedded backend is full\r\n");
      break;
    }
    case del:
    case exists: append_integer(out, static_cast<std::int64_t>(count(row, args.subspan(1)))); break;
    case incr: increment(args[1], out); break;
    case mget:
      out.append("*").append(std::to_string(args.size() - 1)).append("\r\n");
      for (const std::string_view key : args.subspan(1)) {
        read(key, out);
        if (out.size() - begin <= max_reply_bytes) continue;
        out.resize(begin);
        out.append("-ERR the reply would be too large\r\n");
        break;
      }
      break;
    case ping:
      if (args.size() == 1) {
        out.append("+PONG\r\n");
      } else {
        append_bulk(out, args[1]);
      }
      break;
    case config_get:
      // What redis-benchmark asks for at its start; everything else is unknown here.
      if (args[2] == "save" || args[2] == "appendonly") {
        out.append("*2\r\n");
        append_bulk(out, args[2]);
        append_bulk(out, args[2] == "save" ? "" : "no");
      } else {
        out.append("*0\r\n");
      }
      break;
    case command: out.append("*0\r\n"); break;
    case info: append_bulk(out, statistics()); break;
    case rows: break;
  }
}

void EmbeddedBackend::read(std::string_view key, std::string& out) {
  Shard& home = shard(key);
  const std::lock_guard lock{home.mutex};
  const auto found = home.values.find(key);
  if (found == home.values.end()) {
    out.append("$-1\r\n");
  } else {
    append_bulk(out, found->second);
  }
}

// Under the shard's lock. False: there is no room.
bool EmbeddedBackend::store(Shard& home, std::string_view key, std::string_view value) {
  const auto found = home.values.find(key);
  const std::size_t before = found == home.values.end() ? 0 : stored_size(key, found->second);
  const std::size_t after = stored_size(key, value);
  if (after > before &&
      stored_bytes_.fetch_add(after - before, std::memory_order_relaxed) + after - before > max_stored_bytes_) {
    stored_bytes_.fetch_sub(after - before, std::memory_order_relaxed);
    return false;
  }
  if (after < before) stored_bytes_.fetch_sub(before - after, std::memory_order_relaxed);
  if (found == home.values.end()) {
    home.values.emplace(key, value);
  } else {
    found->second = value;
  }
  return true;
}

void EmbeddedBackend::increment(std::string_view key, std::string& out) {
  Shard& home = shard(key);
  const std::lock_guard lock{home.mutex};
  const auto found = home.values.find(key);
  std::int64_t value = 0;
  if (found != home.values.end() && !read_integer(found->second, value)) {
    out.append("-ERR value is not an integer or out of range\r\n");
  } else if (value == std::numeric_limits<std::int64_t>::max()) {
    out.append("-ERR increment or decrement would overflow\r\n");
  } else if (!store(home, key, std::to_string(value + 1))) {
    out.append("-OOM the embedded backend is full\r\n");
  } else {
    append_integer(out, value + 1);
  }
}

// How many of the keys exist; with `del` they do no longer.
std::size_t EmbeddedBackend::count(Row row, std::span<const std::string_view> keys) {
  std::size_t number = 0;
  for (const std::string_view key : keys) {
    Shard& home = shard(key);
    const std::lock_guard lock{home.mutex};
    const auto found = home.values.find(key);
    if (found == home.values.end()) continue;
    ++number;
    if (row != del) continue;
    stored_bytes_.fetch_sub(stored_size(key, found->second), std::memory_order_relaxed);
    home.values.erase(found);
  }
  return number;
}

std::string EmbeddedBackend::statistics() const {
  std::string text = "# Commandstats\r\n";
  for (std::size_t row = 0; row < rows; ++row) {
    const std::uint64_t calls = stats_[row].calls.load(std::memory_order_relaxed);
    if (calls == 0) continue;
    text.append("cmdstat_").append(signatures[row].name).append(":calls=").append(std::to_string(calls));
    text.append(",usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=");
    text.append(std::to_string(stats_[row].failed.load(std::memory_order_relaxed))).append("\r\n");
  }
  return text;
}

}  // namespace proxy
