// SPDX-License-Identifier: Apache-2.0
#include "http_client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>

namespace service {

namespace {

using Milliseconds = std::chrono::duration<long, std::milli>;

struct EasyCleanup {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};

/// Header lines in libcurl's own list.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(first_); }

  void add(const std::string& line) {
    curl_slist* const longer = curl_slist_append(first_, line.c_str());
    if (longer == nullptr) throw std::bad_alloc{};
    first_ = longer;
  }
  [[nodiscard]] curl_slist* first() const noexcept { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

bool is_loopback(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24U == 127;
  }
  return address.sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

curl_socket_t open_loopback_socket(void*, curlsocktype, curl_sockaddr* address) noexcept {
  if (!is_loopback(address->addr)) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t ignore_body(char*, std::size_t size, std::size_t count, void*) noexcept { return size * count; }

int end_when_stopped(void* stopped, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<const std::atomic<bool>*>(stopped)->load(std::memory_order_relaxed) ? 1 : 0;
}

}  // namespace

HttpClient::HttpClient() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error{"cannot initialise libcurl"};
}

HttpClient::~HttpClient() { curl_global_cleanup(); }

PostResult HttpClient::post(const std::string& url, const HttpHeaders& headers, const std::string& body,
                            std::chrono::steady_clock::time_point deadline) const {
  HeaderList lines;
  lines.add("Content-Type: application/json");
  lines.add("Expect:");  // no waiting for leave to send the body
  // An empty value is sent as such, which libcurl wants to be told like this.
  for (const auto& [name, value] : headers) lines.add(value.empty() ? name + ';' : name + ": " + value);

  const std::unique_ptr<CURL, EasyCleanup> easy{curl_easy_init()};
  if (!easy) throw std::bad_alloc{};
  CURL* const curl = easy.get();
  const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
  char error[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &open_loopback_socket);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // there are threads
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, std::max(left.count(), 1L));
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &end_when_stopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stopped_);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines.first());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &ignore_body);

  if (const CURLcode code = curl_easy_perform(curl); code != CURLE_OK) {
    return {0, *error != '\0' ? error : curl_easy_strerror(code)};
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return {static_cast<unsigned>(status), ""};
}

}  // namespace service
