// SPDX-License-Identifier: Apache-2.0
#include "dogstatsd_address.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<std::uint16_t> port_of(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return {};
  return port;
}

bool has_legal_characters(std::string_view text) noexcept {
  for (const char c : text) {
    if (c <= ' ' || c == '\x7f') return false;
  }
  return true;
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`, or an IPv6 literal.
std::optional<DogStatsdAddress> parse_host(std::string_view text) {
  DogStatsdAddress address;
  std::string_view port;
  if (take_prefix(text, "[")) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    address.host = text.substr(0, end);
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    const bool is_v6 = colon != text.rfind(':');
    const std::size_t end = is_v6 ? text.size() : std::min(colon, text.size());
    address.host = text.substr(0, end);
    port = text.substr(end);
  }
  if (address.host.empty() || !has_legal_characters(address.host) ||
      address.host.find_first_of("/@?#[]") != std::string::npos) {
    return {};
  }
  if (port.empty()) return address;
  if (!take_prefix(port, ":")) return {};
  const auto number = port_of(port);
  if (!number) return {};
  address.port = *number;
  return address;
}

std::string_view variable(const char* name) noexcept {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

}  // namespace

std::optional<DogStatsdAddress> DogStatsdAddress::parse(std::string_view url) {
  if (take_prefix(url, "udp://")) {
    if (url.ends_with('/')) url.remove_suffix(1);
    return parse_host(url);
  }
  DogStatsdAddress address;
  if (take_prefix(url, "unixgram://")) {
    address.socket = Socket::unix_datagram;
  } else if (take_prefix(url, "unixstream://")) {
    address.socket = Socket::unix_stream;
  } else if (take_prefix(url, "unix://")) {
    address.socket = Socket::unix_any;
  } else {
    return {};
  }
  if (!url.starts_with('/') || url.find('\0') != std::string_view::npos) return {};
  address.path = url;
  return address;
}

std::optional<DogStatsdAddress> detail::dogstatsd_address_of(const DogStatsdVariables& variables) {
  if (!variables.url.empty()) return DogStatsdAddress::parse(variables.url);
  DogStatsdAddress address;
  if (!variables.host.empty()) {
    if (variables.host.find("://") != std::string_view::npos) return DogStatsdAddress::parse(variables.host);
    const auto parsed = parse_host(variables.host);
    if (!parsed) return {};
    address = *parsed;
  }
  if (!variables.port.empty()) {
    const auto port = port_of(variables.port);
    if (!port) return {};
    address.port = *port;
  }
  return address;
}

std::optional<DogStatsdAddress> DogStatsdAddress::from_environment() {
  return detail::dogstatsd_address_of(
      {.url = variable("DD_DOGSTATSD_URL"), .host = variable("DD_AGENT_HOST"), .port = variable("DD_DOGSTATSD_PORT")});
}

std::string DogStatsdAddress::url() const {
  switch (socket) {
    case Socket::udp: break;
    case Socket::unix_datagram: return "unixgram://" + path;
    case Socket::unix_stream: return "unixstream://" + path;
    case Socket::unix_any: return "unix://" + path;
  }
  const bool is_v6 = host.find(':') != std::string::npos;
  return "udp://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

FAST_TELEMETRY_END_NAMESPACE
