// SPDX-License-Identifier: Apache-2.0
#include "http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "sigpipe_blocked.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// libcurl stays initialised until the process ends: another part of the program may use it.
void initialise_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error{"cannot initialise libcurl"};
}

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc{};
  if (code != CURLE_OK) throw std::runtime_error{std::string{"libcurl: "} + curl_easy_strerror(code)};
}

/// libcurl's list of lines.
class Lines {
 public:
  Lines() = default;
  ~Lines() { curl_slist_free_all(first_); }
  Lines(Lines&& other) noexcept : first_{std::exchange(other.first_, nullptr)} {}
  Lines& operator=(Lines&& other) noexcept {
    std::swap(first_, other.first_);
    return *this;
  }

  void add(const std::string& line) {
    curl_slist* const longer = curl_slist_append(first_, line.c_str());
    if (longer == nullptr) throw std::bad_alloc{};
    first_ = longer;
  }
  [[nodiscard]] curl_slist* first() const noexcept { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) noexcept {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// A reply's body as it comes.
struct Body {
  std::string* bytes = nullptr;
  std::size_t max_bytes = 0;
};

/// To take less than all ends the transfer.
std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) noexcept {
  const Body& body = *static_cast<const Body*>(context);
  const std::size_t length = size * count;
  if (length > body.max_bytes - body.bytes->size()) return 0;
  try {
    body.bytes->append(data, length);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return length;
}

/// Called with each whole line, of trailers too. libcurl takes a connection that ends in the middle of the header for
/// the header's end.
std::size_t see_header(char* data, std::size_t size, std::size_t count, void* context) noexcept {
  const std::string_view line{data, size * count};
  bool& is_whole = *static_cast<bool*>(context);
  if (line.substr(0, 5) == "HTTP/") is_whole = false;
  if (line == "\r\n" || line == "\n") is_whole = true;
  return line.size();
}

std::string field(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return {};
  return header->value;
}

/// A URL has brackets around an IPv6 address.
std::string without_brackets(const std::string& host) {
  return host.empty() || host.front() != '[' ? host : host.substr(1, host.size() - 2);
}

std::string with_brackets(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family() == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr, text, sizeof text);
    return text;
  }
  ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr, text, sizeof text);
  return '[' + std::string{text} + ']';
}

}  // namespace

struct HttpClient::Curl {
  const pid_t process = ::getpid();
  CURLM* const multi = curl_multi_init();
  CURL* const easy = curl_easy_init();
  Lines header;
  Lines addresses;
  Body body;
  bool is_header_whole = false;

  Curl() = default;
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
  ~Curl() {
    // To close a TLS connection is to say so to the peer, on the socket that a forked child shares with its parent.
    if (process != ::getpid()) return;
    const SigpipeBlocked blocked;
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
};

HttpClient::HttpClient(const HttpClientOptions& options)
    : host_and_port_{options.host + ':' + options.port}, resolver_{without_brackets(options.host)} {
  initialise_curl();
  curl_ = std::make_unique<Curl>();
  CURL* const easy = curl_->easy;
  if (easy == nullptr || curl_->multi == nullptr) throw std::bad_alloc{};
  for (const std::string& line : options.lines) curl_->header.add(line);
  curl_->header.add("Expect:");  // no waiting for leave to send the body
  curl_->body.max_bytes = options.max_reply_bytes;

  set(easy, CURLOPT_URL, options.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);  // the header may have credentials
  set(easy, CURLOPT_PROXY, "");           // also none of the environment's
  set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(easy, CURLOPT_HTTPHEADER, curl_->header.first());
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set(easy, CURLOPT_HEADERFUNCTION, &see_header);
  set(easy, CURLOPT_HEADERDATA, &curl_->is_header_whole);
  set(easy, CURLOPT_WRITEFUNCTION, &take_body);
  set(easy, CURLOPT_WRITEDATA, &curl_->body);
  set(easy, CURLOPT_POST, 1L);
  set(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);  // the addresses are ours, see Resolver
  set(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) {
    set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // beside CAINFO it would add the system's
  }
  if (!options.certificate_file.empty()) {
    set(easy, CURLOPT_SSLCERT, options.certificate_file.c_str());
    set(easy, CURLOPT_SSLKEY, options.key_file.c_str());
  }
}

HttpClient::~HttpClient() = default;

PostResult HttpClient::post(std::string_view body, Time deadline) noexcept {
  const SigpipeBlocked blocked;  // libcurl asks OpenSSL to write to sockets
  try {
    PostResult reply = try_to_post(body, deadline);
    if (reply.status == 0) resolver_.forget();
    return reply;
  } catch (const std::exception&) {
    PostResult reply;
    reply.error = "out of memory";
    return reply;
  }
}

PostResult HttpClient::try_to_post(std::string_view body, Time deadline) {
  PostResult reply;
  if (const std::error_code error = resolver_.resolve(deadline)) {
    reply.is_timed_out = error == std::errc::timed_out;
    reply.error = reply.is_timed_out ? "the host's name is not resolved in time" : "the host's name is not resolved";
    return reply;
  }
  curl_->body.bytes = &reply.body;
  tell_addresses();
  set(curl_->easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  set(curl_->easy, CURLOPT_POSTFIELDS, body.data());
  run(reply, deadline);
  return reply;
}

/// To libcurl, so that it does not resolve by itself.
void HttpClient::tell_addresses() {
  if (resolver_.is_literal()) return;  // it takes those as they are
  std::string line = host_and_port_;
  char separator = ':';
  for (const SocketAddress& address : resolver_.addresses())
    line += std::exchange(separator, ',') + with_brackets(address);
  Lines addresses;
  addresses.add(line);
  set(curl_->easy, CURLOPT_RESOLVE, addresses.first());
  curl_->addresses = std::move(addresses);
}

void HttpClient::run(PostResult& reply, Time deadline) {
  CURLM* const multi = curl_->multi;
  CURL* const easy = curl_->easy;
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) throw std::bad_alloc{};
  int running = 1;
  CURLMcode code = curl_multi_perform(multi, &running);
  while (code == CURLM_OK && running != 0) {
    using Milliseconds = std::chrono::duration<std::int64_t, std::milli>;
    const auto left = std::chrono::ceil<Milliseconds>(std::min(deadline, ends_by()) - std::chrono::steady_clock::now());
    reply.is_timed_out = left.count() <= 0;
    if (reply.is_timed_out) break;
    // A day at most, so that it fits into an int.
    code =
        curl_multi_poll(multi, nullptr, 0, static_cast<int>(std::min(left, Milliseconds{86'400'000}).count()), nullptr);
    if (code == CURLM_OK) code = curl_multi_perform(multi, &running);
  }

  reply.error = reply.is_timed_out ? "no answer in time" : curl_multi_strerror(code);
  int left = 0;
  if (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    reply.is_whole = message->data.result == CURLE_OK && curl_->is_header_whole;
    reply.error = reply.is_whole ? "" : curl_easy_strerror(message->data.result);
  }
  curl_multi_remove_handle(multi, easy);  // closes the connection of a transfer that is not at its end
  long status = 0;
  curl_off_t sent = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  reply.status = status >= 200 ? static_cast<int>(status) : 0;  // 1xx: the answer was still to come
  reply.sent_bytes = static_cast<std::uint64_t>(sent);
  if (reply.status != 0) {
    reply.content_type = field(easy, "Content-Type");
    reply.retry_after = field(easy, "Retry-After");
  }
}

void HttpClient::end_by(Time deadline) noexcept {
  resolver_.end_by(deadline);
  curl_multi_wakeup(curl_->multi);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
