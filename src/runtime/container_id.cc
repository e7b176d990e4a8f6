// SPDX-License-Identifier: Apache-2.0
#include "container_id.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/cgroup.h"
#include "core/proc_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// The part before the separator, which is taken off with it.
std::string_view take(std::string_view& text, char separator) noexcept {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool are_hex(std::string_view text, std::size_t size) noexcept {
  return text.size() == size && std::all_of(text.begin(), text.end(), is_hex);
}

bool is_uuid(std::string_view text) noexcept {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == shape.size() && std::equal(text.begin(), text.end(), shape.begin(), [](char c, char wanted) {
           return wanted == 'x' ? is_hex(c) : c == '-' || c == '_';
         });
}

/// Where 32 digits, a dash and a number begin that end the text; its size if they do not.
std::size_t find_task(std::string_view text) noexcept {
  std::size_t dash = text.size();
  while (dash != 0 && is_digit(text[dash - 1])) --dash;
  if (dash == text.size() || dash <= 32 || text[--dash] != '-') return text.size();
  return are_hex(text.substr(dash - 32, 32), 32) ? dash - 32 : text.size();
}

std::string_view id_at_end(std::string_view text) noexcept {
  const auto last = [text](std::size_t size) {
    return text.size() < size ? std::string_view{} : text.substr(text.size() - size);
  };
  if (are_hex(last(64), 64)) return last(64);
  if (is_uuid(last(36))) return last(36);
  return text.substr(find_task(text));
}

std::uint64_t inode_of(const std::string& path) noexcept {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

std::string_view container_id_of_cgroup(std::string_view text) noexcept {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');  // hierarchy:controllers:path
    take(line, ':');
    take(line, ':');
    line.remove_prefix(line.rfind('/') + 1);  // npos + 1 is 0
    if (line.ends_with(".scope")) line.remove_suffix(6);
    if (const std::string_view id = id_at_end(line); !id.empty()) return id;
  }
  return {};
}

std::string_view container_id_of_mountinfo(std::string_view text) noexcept {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    while (!line.empty()) {
      std::string_view path = take(line, ' ');
      if (!path.ends_with("hostname")) continue;
      std::string_view parent;
      while (!path.empty()) {
        const std::string_view folder = take(path, '/');
        const bool is_whole = !folder.empty() && id_at_end(folder).size() == folder.size();
        if (is_whole && !path.empty() && !parent.empty() && parent != "sandboxes") return folder;
        parent = folder;
      }
    }
  }
  return {};
}

std::string find_container_id(const std::string& root) {
  if (const auto cgroup = read_file(root + "/proc/self/cgroup")) {
    if (const std::string_view id = container_id_of_cgroup(*cgroup); !id.empty()) return std::string{id};
  }
  const auto mountinfo = read_file(root + "/proc/self/mountinfo");
  return mountinfo ? std::string{container_id_of_mountinfo(*mountinfo)} : std::string{};
}

std::uint64_t find_cgroup_inode(const std::string& root) {
  const auto cgroup = read_file(root + "/proc/self/cgroup");
  const auto mountinfo = read_file(root + "/proc/self/mountinfo");
  if (!cgroup || !mountinfo) return 0;
  for (const std::string_view controller : {"memory", ""}) {  // cgroup v1, v2
    const auto path = parse_cgroup_path(*cgroup, controller);
    if (!path) continue;
    const auto place = parse_cgroup_place(*mountinfo, *path, controller);
    if (!place) continue;
    if (const std::uint64_t inode = inode_of(root + place->mount_point + place->below); inode != 0) return inode;
  }
  return 0;
}

bool is_in_host_cgroup_namespace() noexcept {
  constexpr std::uint64_t of_host = 0xEFFFFFFB;  // Linux, include/linux/proc_ns.h: PROC_CGROUP_INIT_INO
  return inode_of("/proc/self/ns/cgroup") == of_host;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
