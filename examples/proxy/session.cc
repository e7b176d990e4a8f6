// SPDX-License-Identifier: Apache-2.0

#include "session.h"

namespace proxy {
namespace {

// A command as Redis clients send it, for inline commands whose own bytes might be read otherwise.
std::string encode(std::span<const std::string_view> args) {
  std::string bytes = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string_view arg : args) {
    bytes.append("$").append(std::to_string(arg.size())).append("\r\n").append(arg).append("\r\n");
  }
  return bytes;
}

}  // namespace

Session::Session(Socket client, const Backend& backend, ProxyMetrics& metrics, const Tracing& tracing)
    : client_{std::move(client)},
      backend_{backend},
      metrics_{metrics},
      latest_tenant_{metrics},
      trace_{tracing, client_} {}

Task<> Session::run() {
  std::error_code error;
  client_.set_option(asio::ip::tcp::no_delay{true}, error);
  while (!closing_) {
    // Not in the loop's condition: GCC 12 awaits the right side of && whatever the left side says.
    if (!co_await receive()) break;
    co_await serve();
  }
  if (goodbye_ && !client_gone_) co_await say_goodbye();
  client_.close(error);
}

void Session::drain() {
  draining_ = true;
  std::error_code error;
  if (waiting_) client_.cancel(error);
}

void Session::abort() {
  closing_ = true;
  std::error_code error;
  client_.close(error);
  if (connection_ != nullptr) connection_->socket.close(error);
}

// False: there will be no more.
Task<bool> Session::receive() {
  for (;;) {
    std::error_code error;
    if (draining_ && input_.empty() && client_.available(error) == 0) {
      goodbye_ = true;
      co_return false;
    }
    const std::span<char> room = input_.room(read_bytes_);
    waiting_ = true;
    const std::size_t size = co_await client_.async_read_some(asio::buffer(room.data(), room.size()), or_error(error));
    waiting_ = false;
    if (error == asio::error::operation_aborted && draining_ && !closing_) continue;
    if (error) co_return false;

    last_read_ = ProxyMetrics::now();
    if (input_.empty()) command_began_ = last_read_;
    metrics_.received.add(size);
    input_.commit(size);
    if (size == room.size()) read_bytes_ = std::min(read_bytes_ * 2, max_read_bytes);
    co_return true;
  }
}

// Answers all complete commands in input_. Runs of commands that go to the upstream as they came are one batch;
// whatever else comes between them waits for the batch before it, so that replies stay in order.
Task<> Session::serve() {
  std::size_t batch = 0;  // bytes at the front of input_
  bool pin = false;
  while (!closing_) {
    const RequestParser::Status status = parser_.parse(input_.view().substr(batch));
    const Verb verb = status == RequestParser::Status::request ? verb_of(parser_.args()) : Verb{};
    const bool ours =
        backend_.embedded != nullptr || verb.handling == Handling::refuse || verb.handling == Handling::quit;
    const bool as_it_came = status == RequestParser::Status::request && !ours && parser_.verbatim();

    if (batch > 0 && (!as_it_came || pending_.size() >= max_batch)) {
      co_await forward(input_.view().substr(0, batch), pin);
      input_.consume(batch);
      batch = 0;
      pin = false;
      if (closing_) break;
    }
    if (status == RequestParser::Status::incomplete) break;
    if (status == RequestParser::Status::error) {
      metrics_.protocol_errors.add();
      output_.append("-ERR Protocol error: ").append(parser_.error()).append("\r\n");
      closing_ = goodbye_ = true;
      break;
    }

    if (status == RequestParser::Status::request) {
      if (!ours && batch == 0) co_await flush();
      pending_.push_back({verb.command, Outcome::ok, tenants_.add(verb.command, parser_.args()), command_began_});
    }
    command_began_ = last_read_;  // of the next command: this one ended in the latest read
    if (as_it_came) {
      pin = pin || verb.handling == Handling::pin;
      batch += parser_.size();
      continue;
    }
    if (status == RequestParser::Status::request) {
      if (ours) {
        answer(verb);
      } else {
        co_await forward(encode(parser_.args()), verb.handling == Handling::pin);
      }
    }
    input_.consume(parser_.size());
    if (output_.size() >= reply_bytes || pending_.size() >= max_batch) co_await flush();
  }
  co_await flush();
}

// Answers the command just parsed without the upstream: its reply goes to output_, its outcome to the last of pending_.
void Session::answer(Verb verb) {
  const std::size_t begin = output_.size();
  if (verb.handling == Handling::quit) {
    output_.append("+OK\r\n");
    closing_ = goodbye_ = true;
  } else if (verb.handling == Handling::refuse) {
    output_.append("-ERR the proxy does not pass this command on\r\n");
  } else {
    backend_.embedded->execute(verb.command, parser_.args(), output_);
  }
  pending_.back().outcome = output_[begin] == '-' ? Outcome::error : Outcome::ok;
}

// Sends the commands in pending_ upstream and hands their replies to the client. All are written before the first reply
// is read: Redis keeps reading while its replies wait.
Task<> Session::forward(std::string_view batch, bool pin) {
  if (connection_ == nullptr) {
    connection_ = co_await backend_.upstream->lease();
  } else if (!connection_->is_quiet()) {
    lose_connection();
  }
  std::size_t answered = 0;
  const Answerer answerer = connection_ != nullptr ? Answerer::upstream : Answerer::proxy;
  if (connection_ != nullptr) {
    sent_ = trace_.now();
    pinned_ = pinned_ || pin;
    if (co_await send(batch)) {
      answered = co_await relay();
    } else {
      lose_connection();
    }
  }
  if (answered < pending_.size()) co_await fail_rest(answered, answerer);
  if (connection_ != nullptr && !pinned_) backend_.upstream->give_back(std::move(connection_));
  forget_pending();
  if (client_gone_) closing_ = true;
}

// False: not all could be sent.
Task<bool> Session::send(std::string_view batch) {
  const Upstream::Lease connection = connection_;
  const auto all = [&connection](const std::error_code& failed, std::size_t sent) {  // asked before every write
    connection->silence = std::chrono::seconds{0};
    return asio::transfer_all()(failed, sent);
  };
  std::error_code error;
  co_await asio::async_write(connection->socket, asio::buffer(batch), all, or_error(error));
  connection->silence.reset();
  co_return !error;
}

// Reads until all of pending_ is answered and returns how many were. The replies of a client that has gone are read all
// the same: what the upstream did is counted, and the connection can be used again.
Task<std::size_t> Session::relay() {
  const Upstream::Lease connection = connection_;
  std::size_t answered = 0;
  while (answered < pending_.size()) {
    const std::span<char> room = connection->replies.room(reply_read_bytes);
    std::error_code error;
    connection->silence = std::chrono::seconds{0};
    const std::size_t size =
        co_await connection->socket.async_read_some(asio::buffer(room.data(), room.size()), or_error(error));
    connection->silence.reset();
    replied_ = trace_.now();
    if (error) {
      lose_connection();
      break;
    }
    connection->replies.commit(size);

    const std::size_t first = answered;
    const std::string_view held = connection->replies.view();
    std::string_view unread = held.substr(held.size() - size);
    std::size_t ready = 0;
    auto status = ReplyScanner::Status::reply;
    while (!unread.empty() && answered < pending_.size() && status == ReplyScanner::Status::reply) {
      status = connection->scanner.next(unread);
      if (status != ReplyScanner::Status::reply) break;
      pending_[answered++].outcome = connection->scanner.is_error() ? Outcome::error : Outcome::ok;
      ready = held.size() - unread.size();
      partly_sent_ = false;
    }
    // Whatever follows the last reply was not asked for.
    const bool broken = status == ReplyScanner::Status::malformed || !unread.empty();
    if (!broken && held.size() - ready > reply_bytes) {
      ready = held.size();
      partly_sent_ = true;
    }
    co_await reply(held.substr(0, ready), first, answered - first, Answerer::upstream);
    connection->replies.consume(ready);
    if (broken) {
      lose_connection();
      break;
    }
  }
  co_return answered;
}

void Session::lose_connection() {
  connection_ = nullptr;
  backend_.upstream->lost();
  // What it held for this client (a database, a transaction) is lost with it, and the client has to know.
  if (pinned_) closing_ = goodbye_ = true;
}

void Session::forget_pending() {
  pending_.clear();
  tenants_.clear();
}

// The upstream cannot be asked, or went away before it had answered everything.
Task<> Session::fail_rest(std::size_t answered, Answerer answerer) {
  replied_ = trace_.now();
  for (std::size_t i = answered; i < pending_.size(); ++i) {
    pending_[i].outcome = Outcome::upstream_error;
    output_.append("-ERR upstream unavailable\r\n");
  }
  if (partly_sent_) {
    // An error cannot stand in the middle of a reply; an end can.
    client_gone_ = true;
  }
  co_await reply(output_, answered, pending_.size() - answered, answerer);
  output_.clear();
}

// Writes what the proxy answered itself.
Task<> Session::flush() {
  if (output_.empty()) co_return;
  co_await reply(output_, 0, pending_.size(), Answerer::proxy);
  forget_pending();
  output_.clear();
  if (output_.capacity() > reply_bytes * 2) output_.shrink_to_fit();
  if (client_gone_) closing_ = true;
}

// Writes `bytes`, which end the replies to `count` commands from pending_[first] on.
Task<> Session::reply(std::string_view bytes, std::size_t first, std::size_t count, Answerer answerer) {
  // Counted before the client can know, so that whoever has the reply finds it counted.
  const std::span<const Pending> answered = std::span{pending_}.subspan(first, count);
  count_outcomes(answered);
  bool is_written = false;
  if (!client_gone_ && !bytes.empty()) {
    std::error_code error;
    metrics_.sent.add(co_await asio::async_write(client_, asio::buffer(bytes), or_error(error)));
    is_written = !error;
    client_gone_ = !is_written;
  }
  const ProxyMetrics::Time written = ProxyMetrics::now();
  if (is_written) record_latencies(answered, written);
  trace_.record(answered, tenants_, {sent_, replied_, written, answerer == Answerer::upstream});
}

// No coroutines, so that the loops run in registers and not in a coroutine's frame.
void Session::count_outcomes(std::span<const Pending> answered) {
  for_each_run(answered, [this](const Pending& command, std::size_t count) {
    metrics_.commands.with(command.command, command.outcome).add(count);
    latest_tenant_.series(tenants_.name(command.tenant)).commands.add(count);
  });
}

void Session::record_latencies(std::span<const Pending> answered, ProxyMetrics::Time written) {
  for_each_run(answered, [this, written](const Pending& command, std::size_t count) {
    const auto latency = written - command.received;
    metrics_.latency.with(command.command).record_n(latency, count);
    latest_tenant_.series(tenants_.name(command.tenant)).latency.record_n(latency, count);
  });
}

// Calls `use` once per run of commands that are alike, with the first and their number: what a client sends at once
// mostly is, and then it is recorded once.
template <class Use>
void Session::for_each_run(std::span<const Pending> answered, Use use) {
  while (!answered.empty()) {
    std::size_t count = 1;
    while (count < answered.size() && alike(answered[count], answered.front())) ++count;
    use(answered.front(), count);
    answered = answered.subspan(count);
  }
}

// Closing a socket with unread bytes resets the connection, and the client may lose replies it has not read yet. So the
// end is announced first, and what still comes is read for a moment.
Task<> Session::say_goodbye() {
  std::error_code error;
  client_.shutdown(Socket::shutdown_send, error);
  Timer timer{client_.get_executor()};
  timer.expires_after(goodbye_timeout);
  timer.async_wait([self = shared_from_this()](std::error_code aborted) {
    std::error_code ignored;
    if (!aborted) self->client_.close(ignored);
  });
  while (!error) {
    const std::span<char> room = input_.room(min_read_bytes);
    co_await client_.async_read_some(asio::buffer(room.data(), room.size()), or_error(error));
  }
}

}  // namespace proxy
