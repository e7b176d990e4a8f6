// SPDX-License-Identifier: Apache-2.0
//
// Resource: what is said of the process whose spans and metrics a receiver has. For programs that export.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "fast_telemetry/encoding/otlp_resource.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Attributes with copies of their keys and values:
///
///     ft::Resource resource = ft::detect_resource();
///     resource.set("service.name", "proxy");
///
/// A key stands once, where it was set first. For one thread at a time. Throws std::bad_alloc.
class Resource {
 public:
  Resource() = default;
  Resource(std::initializer_list<ResourceAttribute> attributes);

  /// In place of the value that the key has, if it has one. Does nothing without a key.
  void set(Text key, const AttributeValue& value);

  /// Sets all that `updating` has: what it says stands, an empty value too (OpenTelemetry's "Resource SDK", Merge).
  void merge(const Resource& updating);

  /// Null: there is none. Valid until the resource changes.
  [[nodiscard]] const AttributeValue* find(Text key) const noexcept;

  /// For encoders and exporters. Valid until the resource changes.
  [[nodiscard]] std::span<const ResourceAttribute> attributes() const noexcept { return attributes_; }

 private:
  struct Copy;
  std::vector<std::shared_ptr<const Copy>>
      copies_;  ///< what the attributes point to; never changed, so shared by copies
  std::vector<ResourceAttribute> attributes_;
};

/// What can be found out about this process and its machine, by the names of OpenTelemetry's semantic conventions:
///
/// * telemetry.sdk.name, .language, .version
/// * service.name (`unknown_service:` and the executable's name) and service.instance.id (a random UUID, another one
///   in each call)
/// * host.name, host.id (/etc/machine-id), host.arch
/// * os.type, os.description
/// * process.pid, process.executable.name, process.executable.path
///
/// What cannot be read is left out. The command line, the user and the environment, which may hold secrets, are not
/// looked at. Call it once, at the start. Throws std::bad_alloc only.
[[nodiscard]] Resource detect_resource();

FAST_TELEMETRY_END_NAMESPACE
