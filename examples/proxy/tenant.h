// SPDX-License-Identifier: Apache-2.0
//
// Whose command it is, for metrics per tenant.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "command.h"

namespace proxy {

/// A longer prefix is no tenant: how much is kept per tenant is not the client's to decide, nor how long its keys are
/// searched.
inline constexpr std::size_t max_tenant_bytes = 64;  // arbitrary

/// The tenant of commands that name none. One that calls itself so is counted there too.
inline constexpr std::string_view no_tenant = "none";

/// The tenant that a command names: what its first key has before the first ':', if that is 1 to `max_tenant_bytes`
/// bytes; they may be any. Otherwise `no_tenant`.
///
/// Of `Command::other` no key is known: where it stands is up to each command, and `AUTH user:password` must not become
/// a label. `args` is not empty; the result points into it.
[[nodiscard]] std::string_view tenant_of(Command command, std::span<const std::string_view> args) noexcept;

/// The tenants of commands under way: when a reply is written, the command it answers is gone. Of commands in a row
/// that name the same one there is one copy.
class TenantNames {
 public:
  using Index = std::uint32_t;

  /// The latest command's.
  Index add(Command command, std::span<const std::string_view> args);
  [[nodiscard]] std::string_view name(Index index) const noexcept { return names_[index].name(); }
  void clear() noexcept { names_.clear(); }

 private:
  class Name {
   public:
    explicit Name(std::string_view name) noexcept;
    [[nodiscard]] std::string_view name() const noexcept { return {bytes_.data(), size_}; }
    /// Of a key of this tenant, as far as can be said without a search in it.
    [[nodiscard]] bool begins(std::string_view key) const noexcept {
      return key.size() > size_ && key[size_] == ':' && key.starts_with(name());
    }

   private:
    std::uint8_t size_;
    std::array<char, max_tenant_bytes> bytes_;
  };
  std::vector<Name> names_;
};

}  // namespace proxy
