// SPDX-License-Identifier: Apache-2.0
#include "proc_text.h"

#include <charconv>
#include <limits>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// Takes what stands before the next separator off the text.
std::string_view take(std::string_view& text, char separator) noexcept {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

bool lists(std::string_view list, std::string_view item) noexcept {
  while (!list.empty()) {
    if (take(list, ',') == item) return true;
  }
  return false;
}

/// proc(5), mountinfo: space, tab, line feed and backslash are written as `\` and three octal digits.
std::string unescaped(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const auto is_octal = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '7'; };
    if (text.size() >= 4 && text[0] == '\\' && is_octal(1) && is_octal(2) && is_octal(3)) {
      plain += static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
      text.remove_prefix(4);
    } else {
      plain += text[0];
      text.remove_prefix(1);
    }
  }
  return plain;
}

bool climbs(std::string_view path) noexcept {
  while (!path.empty()) {
    if (take(path, '/') == "..") return true;
  }
  return false;
}

/// The rest of the path below the root: empty, or begins with a slash.
std::optional<std::string_view> below(std::string_view path, std::string_view root) noexcept {
  if (root == "/") root = "";
  if (path == "/") path = "";
  if (!path.starts_with(root)) return std::nullopt;
  path.remove_prefix(root.size());
  if (!path.empty() && path.front() != '/') return std::nullopt;
  if (climbs(path)) return std::nullopt;
  return path;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_keyed(std::string_view text, std::string_view key) noexcept {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (take(line, ' ') == key) return parse_number(line);
  }
  return std::nullopt;
}

std::optional<double> parse_cpu_max(std::string_view text) noexcept {
  const auto quota = parse_number(take(text, ' '));
  const auto period = parse_number(text);
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

ProcStat parse_proc_stat(std::string_view text) noexcept {
  ProcStat stat;
  // The second field is the program's name in parentheses, and the name may be anything: ") R 1 (" too. What follows
  // has no parenthesis.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || !text.substr(name_end + 1).starts_with(' ')) return stat;
  text.remove_prefix(name_end + 2);
  const auto positive = [](std::string_view field) -> std::optional<std::uint64_t> {
    const auto number = parse_number(field);
    // 0 is what a main thread that has ended still says of its memory, while others run.
    return number && *number != 0 ? number : std::nullopt;
  };
  for (int field = 3; !text.empty(); ++field) {
    const std::string_view value = take(text, ' ');
    switch (field) {  // numbered as in proc(5)
      case 20: stat.threads = positive(value); break;
      case 22: stat.start_ticks = parse_number(value); break;
      case 23: stat.virtual_bytes = positive(value); break;
      case 24: stat.resident_pages = positive(value); break;
      default: break;
    }
  }
  return stat;
}

std::optional<std::string_view> parse_cgroup_path(std::string_view text, std::string_view controller) noexcept {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');  // hierarchy:controllers:path
    const std::string_view hierarchy = take(line, ':');
    const std::string_view controllers = take(line, ':');
    const bool wanted = controller.empty() ? hierarchy == "0" && controllers.empty() : lists(controllers, controller);
    if (wanted && line.starts_with('/')) return line;
  }
  return std::nullopt;
}

std::optional<CgroupPlace> parse_cgroup_place(std::string_view mountinfo, std::string_view path,
                                              std::string_view controller) {
  while (!mountinfo.empty()) {
    std::string_view line = take(mountinfo, '\n');
    for (int i = 0; i < 3; ++i) take(line, ' ');  // mount, parent, device
    const std::string_view root = take(line, ' ');
    const std::string_view mount_point = take(line, ' ');
    while (!line.empty() && take(line, ' ') != "-") {
    }  // options; the fields after the dash:
    const std::string_view type = take(line, ' ');
    take(line, ' ');  // source
    const bool wanted = controller.empty() ? type == "cgroup2" : type == "cgroup" && lists(line, controller);
    if (!wanted || !mount_point.starts_with('/')) continue;
    const auto rest = below(path, unescaped(root));
    if (rest) return CgroupPlace{mount_point == "/" ? "" : unescaped(mount_point), std::string{*rest}};
  }
  return std::nullopt;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
