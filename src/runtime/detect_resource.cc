// SPDX-License-Identifier: Apache-2.0
#include "detect_resource.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "container_id.h"
#include "core/cgroup.h"
#include "fast_telemetry/build_info.h"
#include "fast_telemetry/spans/ids.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// OpenTelemetry's name of the architecture this was compiled for; empty: it has none.
constexpr const char* architecture() noexcept {
#if defined(__x86_64__)
  return "amd64";
#elif defined(__aarch64__)
  return "arm64";
#elif defined(__i386__)
  return "x86";
#elif defined(__arm__)
  return "arm32";
#elif defined(__powerpc64__)
  return "ppc64";
#elif defined(__s390x__)
  return "s390x";
#else
  return "";
#endif
}

/// RFC 9562, version 4.
std::string random_uuid() {
  TraceId bits = random_trace_id();
  bits.bytes[6] = (bits.bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bits.bytes[8] = (bits.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  const HexText<32> digits = bits.hex();
  std::string uuid{digits.chars, sizeof digits.chars};
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) uuid.insert(dash, 1, '-');
  return uuid;
}

void set_if_known(Resource& resource, Text key, const std::string& value) {
  if (!value.empty()) resource.set(key, value);
}

std::string host_name() {
  std::array<char, 256> name{};  // POSIX: 255 bytes
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{};
}

std::string executable_path(const std::string& root) {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink((root + "/proc/self/exe").c_str(), path.data(), path.size());
  if (size <= 0) return {};
  std::string_view text{path.data(), static_cast<std::size_t>(size)};
  constexpr std::string_view replaced = " (deleted)";  // proc(5): the file was unlinked since it was started
  if (text.ends_with(replaced)) text.remove_suffix(replaced.size());
  return std::string{text};
}

std::string first_line(const std::optional<std::string>& text) {
  return text ? text->substr(0, text->find('\n')) : std::string{};
}

std::string machine_id(const std::string& root) {
  for (const char* const file : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    std::string id = first_line(read_file(root + file));
    if (!id.empty() && id != "uninitialized") return id;  // machine-id(5): as long as the first boot lasts
  }
  return {};
}

/// os-release(5), where a value may stand in quotes.
std::string os_description(const std::string& root) {
  constexpr std::string_view key = "PRETTY_NAME=";
  for (const char* const file : {"/etc/os-release", "/usr/lib/os-release"}) {
    const auto text = read_file(root + file);
    if (!text) continue;
    const std::size_t line = text->starts_with(key) ? 0 : text->find('\n' + std::string{key});
    if (line == std::string::npos) continue;
    std::string value = text->substr(line + (line == 0 ? 0 : 1) + key.size());
    value.resize(std::min(value.find('\n'), value.size()));
    const bool is_quoted = value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
    return is_quoted ? value.substr(1, value.size() - 2) : value;
  }
  return {};
}

void add_process(Resource& resource, const std::string& root) {
  resource.set("process.pid", static_cast<std::int64_t>(::getpid()));
  const std::string path = executable_path(root);
  const std::string name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  set_if_known(resource, "process.executable.path", path);
  set_if_known(resource, "process.executable.name", name);
  resource.set("service.name", name.empty() ? "unknown_service" : "unknown_service:" + name);
}

}  // namespace

Resource detect_resource_below(const std::string& root) {
  Resource resource{{"telemetry.sdk.name", "fast-telemetry"},
                    {"telemetry.sdk.language", "cpp"},
                    {"telemetry.sdk.version", library_version()},
                    {"service.instance.id", random_uuid()},
                    {"os.type", "linux"}};
  set_if_known(resource, "os.description", os_description(root));
  set_if_known(resource, "host.name", host_name());
  set_if_known(resource, "host.id", machine_id(root));
  set_if_known(resource, "host.arch", architecture());
  set_if_known(resource, "container.id", find_container_id(root));
  add_process(resource, root);
  return resource;
}

}  // namespace detail

Resource detect_resource() { return detail::detect_resource_below(""); }

FAST_TELEMETRY_END_NAMESPACE
