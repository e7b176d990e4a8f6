// SPDX-License-Identifier: Apache-2.0
#include "datadog_variables.h"

#include <algorithm>

#include "container_id.h"
#include "export/dogstatsd_address.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// The variable that says where the agent is; null: none does.
const char* address_variable(const Variables& variables) noexcept {
  for (const char* const name : {"DD_DOGSTATSD_URL", "DD_AGENT_HOST", "DD_DOGSTATSD_PORT"}) {
    if (!variables.get(name).empty()) return name;
  }
  return nullptr;
}

using Tags = std::vector<std::pair<std::string, std::string>>;

bool has(const Tags& tags, std::string_view key) noexcept {
  return std::any_of(tags.begin(), tags.end(), [key](const auto& tag) { return tag.first == key; });
}

/// Datadog's unified service tags first: what DD_TAGS says otherwise is not sent beside them.
Tags read_tags(Variables& variables) {
  Tags tags;
  for (const auto& [name, key] : {std::pair{"DD_ENV", "env"}, {"DD_SERVICE", "service"}, {"DD_VERSION", "version"}}) {
    if (const std::string_view value = variables.get(name); !value.empty()) tags.emplace_back(key, value);
  }
  const std::size_t unified = tags.size();
  const std::string_view all = variables.get("DD_TAGS");
  for (const std::string_view tag : split(all, all.find(',') == std::string_view::npos ? ' ' : ',')) {
    const std::size_t colon = std::min(tag.find(':'), tag.size());
    const std::string_view key = trimmed(tag.substr(0, colon));
    const std::string_view value = trimmed(tag.substr(std::min(colon + 1, tag.size())));
    if (key.empty() || value.empty()) {
      variables.warn("DD_TAGS", tag, "not key:value, and left out");
    } else if (!has({tags.begin(), tags.begin() + static_cast<std::ptrdiff_t>(unified)}, key)) {
      tags.emplace_back(key, value);
    }
  }
  return tags;
}

bool wants_origin(const Variables& variables) noexcept {
  const std::string_view value = variables.get("DD_ORIGIN_DETECTION_ENABLED");
  constexpr std::string_view no[] = {"false", "f", "0", "no", "n", "off"};
  return std::none_of(std::begin(no), std::end(no),
                      [value](std::string_view word) { return is_same_word(value, word); });
}

/// `ci-` and the container's id, or `in-` and the inode of its cgroup.
std::string origin(const std::string& root) {
  if (std::string id = find_container_id(root); !id.empty()) return "ci-" + id;
  if (is_in_host_cgroup_namespace()) return {};
  const std::uint64_t inode = find_cgroup_inode(root);
  return inode == 0 ? std::string{} : "in-" + std::to_string(inode);
}

std::string read_cardinality(Variables& variables) {
  const char* const name = variables.get("DD_CARDINALITY").empty() ? "DATADOG_CARDINALITY" : "DD_CARDINALITY";
  const auto cardinality = variables.choice<const char*>(
      name, {{"none", "none"}, {"low", "low"}, {"orchestrator", "orchestrator"}, {"high", "high"}});
  return cardinality.value_or("");
}

}  // namespace

std::optional<DogStatsdExporterOptions> read_dogstatsd(Variables& variables, const std::string& root) {
  const char* const name = address_variable(variables);
  if (name == nullptr) return {};
  auto address = dogstatsd_address_of({.url = variables.get("DD_DOGSTATSD_URL"),
                                       .host = variables.get("DD_AGENT_HOST"),
                                       .port = variables.get("DD_DOGSTATSD_PORT")});
  if (!address) {
    // Of a host and a port, one is enough to be wrong.
    const bool is_port = !is_same_word(name, "DD_DOGSTATSD_URL") && !variables.get("DD_DOGSTATSD_PORT").empty() &&
                         !parse_whole(variables.get("DD_DOGSTATSD_PORT"), 65535);
    variables.warn(is_port ? "DD_DOGSTATSD_PORT" : name, "no address of an agent; nothing is sent by DogStatsD");
    return {};
  }
  DogStatsdExporterOptions options{.address = *std::move(address)};
  options.lines.tags = read_tags(variables);
  options.lines.entity_id = variables.get("DD_ENTITY_ID");
  options.lines.external_data = variables.get("DD_EXTERNAL_ENV");
  options.lines.cardinality = read_cardinality(variables);
  if (options.lines.entity_id.empty() && wants_origin(variables)) options.lines.container_id = origin(root);
  return options;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
