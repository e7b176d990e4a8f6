// SPDX-License-Identifier: Apache-2.0
//
// Endpoints that are to be trusted, and others. The server's end of TLS is Python's; certificates are made here.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "sender_test.h"

namespace ft = fast_telemetry;
using testing::HasSubstr;

namespace {

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error{"failed: " + command};
}

/// A folder with certificates: two authorities, `ours` and `other`; of ours, one for a server at 127.0.0.1 (`server`),
/// one for another server's name (`elsewhere`), one that ended yesterday (`expired`), and a client's (`client`).
class Certificates {
 public:
  Certificates() {
    std::string name = std::filesystem::temp_directory_path() / "certificates-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error{errno, std::system_category()};
    folder_ = name;
    authority("ours");
    authority("other");
    signed_by_ours("server", "subjectAltName=IP:127.0.0.1");
    signed_by_ours("elsewhere", "subjectAltName=DNS:elsewhere.test");
    signed_by_ours("expired", "subjectAltName=IP:127.0.0.1", -1);
    signed_by_ours("client", "extendedKeyUsage=clientAuth");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  [[nodiscard]] std::string certificate(const std::string& name) const { return folder_ / (name + ".pem"); }
  [[nodiscard]] std::string key(const std::string& name) const { return folder_ / (name + ".key"); }

 private:
  static constexpr const char* request = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";

  void authority(const std::string& name) const {
    run(request + ("-x509 -subj /CN=" + name) + " -days 2 -keyout " + key(name) + " -out " + certificate(name) +
        " 2>/dev/null");
  }
  void signed_by_ours(const std::string& name, const std::string& extension, int days = 2) const {
    run(request + ("-subj /CN=" + name) + " -keyout " + key(name) + " 2>/dev/null | openssl x509 -req -days " +
        std::to_string(days) + " -CA " + certificate("ours") + " -CAkey " + key("ours") +
        " -CAcreateserial -extfile /dev/fd/3 3<<'EXTENSION' -out " + certificate(name) + " 2>/dev/null\n" + extension +
        "\nEXTENSION\n");
  }

  std::filesystem::path folder_;
};

/// tests/support/tls_front.py, running.
class TlsFront {
 public:
  TlsFront(const std::string& certificate, const std::string& key, std::uint16_t port, const std::string& client_ca) {
    const std::string command = std::string{"exec python3 "} + TLS_FRONT + ' ' + certificate + ' ' + key + ' ' +
                                std::to_string(port) + ' ' + client_ca;
    std::array<int, 2> in = {};
    std::array<int, 2> out = {};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error{"pipe2"};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::array<std::string, 3> words{"sh", "-c", command};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    const int error = ::posix_spawn(&process_, "/bin/sh", &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = ::fdopen(out[0], "r");
    if (error != 0) throw std::system_error{error, std::system_category()};
    port_ = line();
  }
  ~TlsFront() {
    ::close(input_);
    ::waitpid(process_, nullptr, 0);
    std::fclose(output_);
  }
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + port_; }
  /// "accepted" or "refused": of the next connection.
  [[nodiscard]] std::string line() {
    std::array<char, 64> text = {};
    if (std::fgets(text.data(), text.size(), output_) == nullptr) throw std::runtime_error{"no TLS server"};
    const std::string line = text.data();
    return line.substr(0, line.find('\n'));
  }

 private:
  pid_t process_ = -1;
  int input_ = -1;
  std::FILE* output_ = nullptr;
  std::string port_;
};

const Certificates& certificates() {
  static const Certificates made;
  return made;
}

class Tls : public ft::SenderTest {
 protected:
  void start(const std::string& name, const std::string& client_ca = "") {
    front.emplace(certificates().certificate(name), certificates().key(name), server.port(), client_ca);
  }
  [[nodiscard]] ft::OtlpHttpSender sender_that_trusts(const std::string& authority, const std::string& client = "") {
    ft::OtlpHttpOptions options = to(front->url());
    if (!authority.empty()) options.tls.ca_file = certificates().certificate(authority);
    if (!client.empty()) options.tls.certificate_file = certificates().certificate(client);
    if (!client.empty()) options.tls.key_file = certificates().key(client);
    return make_sender(options);
  }

  void expect_delivery(ft::OtlpHttpSender& sender) {
    sender.send("spans", 3);
    EXPECT_TRUE(sender.deliver(soon()).is_complete());
    EXPECT_EQ(front->line(), "accepted");
    ASSERT_EQ(server.requests().size(), 1U);
    EXPECT_EQ(server.requests()[0].body, "spans");
    expect_balance(sender);
  }
  /// Nothing is sent, in clear or otherwise; it may be sent later.
  void expect_distrust(ft::OtlpHttpSender& sender) {
    sender.send("spans", 3);
    const ft::DeliveryReport report = sender.deliver(soon());
    EXPECT_EQ(report.counts.unanswered, report.counts.attempts);
    EXPECT_EQ(report.counts.queued, 3U);
    EXPECT_EQ(report.counts.sent_bytes, 0U);
    EXPECT_EQ(server.requests().size(), 0U);
    expect_balance(sender);
  }

  ft::ScriptedServer server;
  std::optional<TlsFront> front;
};

TEST_F(Tls, a_server_whose_authority_is_trusted_gets_the_request) {
  start("server");
  ft::OtlpHttpSender sender = sender_that_trusts("ours");
  expect_delivery(sender);
}

TEST_F(Tls, a_server_of_another_authority_gets_nothing) {
  start("server");
  ft::OtlpHttpSender sender = sender_that_trusts("other");
  expect_distrust(sender);
  EXPECT_THAT(diagnosed(), HasSubstr("spans wait to be sent again: "));
}

TEST_F(Tls, a_server_that_the_system_does_not_trust_gets_nothing) {
  start("server");
  ft::OtlpHttpSender sender = sender_that_trusts("");
  expect_distrust(sender);
}

TEST_F(Tls, a_server_with_another_name_in_its_certificate_gets_nothing) {
  start("elsewhere");
  ft::OtlpHttpSender sender = sender_that_trusts("ours");
  expect_distrust(sender);
}

TEST_F(Tls, a_server_whose_certificate_has_expired_gets_nothing) {
  start("expired");
  ft::OtlpHttpSender sender = sender_that_trusts("ours");
  expect_distrust(sender);
}

TEST_F(Tls, a_client_shows_its_certificate) {
  start("server", certificates().certificate("ours"));
  ft::OtlpHttpSender sender = sender_that_trusts("ours", "client");
  expect_delivery(sender);
}

// In TLS 1.3 the client may have sent its request before it hears of the refusal: the server has not read it.
TEST_F(Tls, a_client_without_the_certificate_that_is_demanded_is_not_heard) {
  start("server", certificates().certificate("ours"));
  ft::OtlpHttpSender sender = sender_that_trusts("ours");
  sender.send("spans", 3);
  EXPECT_EQ(sender.deliver(soon()).counts.queued, 3U);
  EXPECT_EQ(front->line(), "refused");
  EXPECT_EQ(server.requests().size(), 0U);
  EXPECT_GE(sender.info().unanswered, 1U);
  expect_balance(sender);
}

TEST_F(Tls, a_server_without_tls_gets_nothing_in_clear) {
  ft::OtlpHttpSender sender = make_sender(to("https://127.0.0.1:" + std::to_string(server.port())));
  server.then([](ft::ServerConnection&, ft::ReceivedRequest&) { ADD_FAILURE() << "a request in clear"; });
  sender.send("spans", 3);
  std::thread stopper{[&] { server.stop(); }};
  EXPECT_EQ(sender.deliver(soon()).counts.queued, 3U);
  stopper.join();
}

// The peer is gone when the request is written: no signal ends the program. libcurl 7.88 with OpenSSL raises none; that
// one is held back is what the tests of standard output show (tests/unit/export/otlp_json_test.cc).
TEST_F(Tls, a_reset_in_the_middle_of_the_body_is_retried) {
  start("server");
  ft::OtlpHttpSender sender = sender_that_trusts("ours");
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request, 1000);
    connection.reset();
  });
  sender.send(std::string(std::size_t{8} << 20U, 'x'), 3);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_EQ(report.counts.unanswered, 1U);
  wait(report);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(server.requests().back().body.size(), std::size_t{8} << 20U);
}

TEST_F(Tls, a_forked_child_that_destroys_its_copy_leaves_the_connection_alone) {
  start("server");
  ft::OtlpHttpSender sender = sender_that_trusts("ours");
  expect_delivery(sender);
  const pid_t child = ::fork();
  if (child == 0) {
    {
      const ft::OtlpHttpSender copy = std::move(sender);
    }
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  sender.send("more", 1);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_EQ(sender.info().unanswered, 0U);
}

TEST_F(Tls, files_that_cannot_be_read_are_told_at_once) {
  start("server");
  ft::OtlpHttpOptions options = to(front->url());
  options.tls.ca_file = "/nonexistent.pem";
  EXPECT_THROW(static_cast<void>(make_sender(options)), std::system_error);
  options.tls = {.certificate_file = certificates().certificate("client")};
  EXPECT_THROW(static_cast<void>(make_sender(options)), std::invalid_argument);
}

}  // namespace
