// SPDX-License-Identifier: Apache-2.0

#include "tenant.h"

#include <algorithm>

namespace proxy {
namespace {

/// The first key, or nothing.
std::string_view first_key(Command command, std::span<const std::string_view> args) noexcept {
  switch (command) {
    case Command::get:
    case Command::set:
    case Command::del:
    case Command::incr:
    case Command::exists:
    case Command::mget: return args.size() > 1 ? args[1] : std::string_view{};
    case Command::ping:
    case Command::config:
    case Command::other: return {};
  }
  return {};
}

std::string_view tenant_of(std::string_view key) noexcept {
  const std::string_view beginning = key.substr(0, max_tenant_bytes + 1);
  const std::size_t size = beginning.find(':');
  return size == 0 || size == std::string_view::npos ? no_tenant : beginning.substr(0, size);
}

}  // namespace

std::string_view tenant_of(Command command, std::span<const std::string_view> args) noexcept {
  return tenant_of(first_key(command, args));
}

TenantNames::Name::Name(std::string_view name) noexcept : size_{static_cast<std::uint8_t>(name.size())} {
  std::copy(name.begin(), name.end(), bytes_.begin());
}

TenantNames::Index TenantNames::add(Command command, std::span<const std::string_view> args) {
  const std::string_view key = first_key(command, args);
  // A client's commands mostly are one tenant's.
  if (names_.empty() || !names_.back().begins(key)) {
    const std::string_view name = tenant_of(key);
    if (names_.empty() || names_.back().name() != name) names_.emplace_back(name);
  }
  return static_cast<Index>(names_.size() - 1);
}

}  // namespace proxy
