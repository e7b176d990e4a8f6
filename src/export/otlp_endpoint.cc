// SPDX-License-Identifier: Apache-2.0
#include "otlp_endpoint.h"

#include <curl/curl.h>

#include <memory>
#include <new>
#include <stdexcept>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

class Url {
 public:
  explicit Url(const std::string& text) : url_{curl_url()} {
    if (!url_) throw std::bad_alloc{};
    const CURLUcode code = curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS);
    if (code == CURLUE_OUT_OF_MEMORY) throw std::bad_alloc{};
    is_good_ = code == CURLUE_OK;
  }

  [[nodiscard]] bool is_good() const noexcept { return is_good_; }
  [[nodiscard]] bool has(CURLUPart part) const { return !get(part).empty(); }

  /// Empty: it has none.
  [[nodiscard]] std::string get(CURLUPart part, unsigned flags = 0) const {
    char* value = nullptr;
    const CURLUcode code = curl_url_get(url_.get(), part, &value, flags);
    if (code == CURLUE_OUT_OF_MEMORY) throw std::bad_alloc{};
    const std::unique_ptr<char, decltype(&curl_free)> owner{value, &curl_free};
    return value == nullptr ? "" : value;
  }

  void set_path(const std::string& path) {
    if (curl_url_set(url_.get(), CURLUPART_PATH, path.c_str(), 0) != CURLUE_OK) throw std::bad_alloc{};
  }

 private:
  struct Cleanup {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
  };
  std::unique_ptr<CURLU, Cleanup> url_;
  bool is_good_ = false;
};

[[noreturn]] void refuse(const std::string& text, const char* rule) {
  const bool may_hold_a_secret = text.find_first_of("@?#") != std::string::npos;
  throw std::invalid_argument{"OTLP endpoint" + (may_hold_a_secret ? "" : " '" + text + "'") + ": " + rule};
}

void check(const Url& url, const std::string& text) {
  const std::string scheme = url.get(CURLUPART_SCHEME);
  if (!url.is_good() || (scheme != "http" && scheme != "https")) refuse(text, "not an http or https URL");
  if (url.has(CURLUPART_USER) || url.has(CURLUPART_PASSWORD)) refuse(text, "credentials belong into a header");
  // libcurl may read it as another name than the one that is looked up.
  if (url.get(CURLUPART_HOST).find('%') != std::string::npos) refuse(text, "a host's name has no percent sign");
  if (url.has(CURLUPART_FRAGMENT)) refuse(text, "a fragment is never sent");
}

OtlpEndpoint endpoint_of(const Url& url, std::string text) {
  return {.url = std::move(text),
          .host = url.get(CURLUPART_HOST),
          .port = url.get(CURLUPART_PORT, CURLU_DEFAULT_PORT),
          .is_tls = url.get(CURLUPART_SCHEME) == "https"};
}

}  // namespace

OtlpEndpoint parse_otlp_endpoint(const std::string& url) {
  const Url parsed{url};
  check(parsed, url);
  return endpoint_of(parsed, url);
}

OtlpEndpoint append_otlp_path(const std::string& base, std::string_view path) {
  Url url{base};
  check(url, base);
  std::string whole = url.get(CURLUPART_PATH);
  if (whole.empty() || whole.back() != '/') whole += '/';
  url.set_path(whole.append(path));
  return endpoint_of(url, url.get(CURLUPART_URL));
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
