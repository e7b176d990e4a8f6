// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <algorithm>
#include <initializer_list>
#include <stdexcept>

#include "diagnose.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

void Name::throw_bad_name(Text text) {
  throw std::invalid_argument{"bad metric name \"" + detail::printable(view(text)) +
                              "\": a lower-case letter, then lower-case letters, digits and underscores, at most 255"};
}

namespace detail {

namespace {

bool take_suffix(std::string& name, std::string_view suffix) {
  if (suffix.empty() || name.size() <= suffix.size() + 1 || !name.ends_with(suffix) ||
      name[name.size() - suffix.size() - 1] != '_') {
    return false;
  }
  name.resize(name.size() - suffix.size() - 1);
  return true;
}

}  // namespace

std::string_view unit_suffix(Unit unit) noexcept {
  switch (unit) {
    case Unit::none: return "";
    case Unit::seconds: return "seconds";
    case Unit::bytes: return "bytes";
    case Unit::ratio: return "ratio";
    case Unit::celsius: return "celsius";
    case Unit::joules: return "joules";
    case Unit::watts: return "watts";
    case Unit::volts: return "volts";
    case Unit::amperes: return "amperes";
    case Unit::meters: return "meters";
    case Unit::grams: return "grams";
  }
  return "";
}

std::string canonical_name(std::string_view name, Unit unit, Kind kind) {
  std::string canonical{name};
  if (kind == Kind::counter) take_suffix(canonical, "total");
  if (kind == Kind::info) take_suffix(canonical, "info");
  take_suffix(canonical, unit_suffix(unit));
  return canonical;
}

std::string full_name(std::string_view prefix, std::string_view name, Unit unit) {
  std::string full{prefix};
  std::replace(full.begin(), full.end(), '.', '_');
  if (!full.empty()) full += '_';
  full += name;
  if (unit != Unit::none) full.append("_").append(unit_suffix(unit));
  return full;
}

std::vector<std::string> sample_names(const std::string& full_name, Kind kind) {
  std::vector<std::string> names{full_name};
  const auto with = [&](std::initializer_list<const char*> suffixes) {
    for (const char* const suffix : suffixes) names.push_back(full_name + suffix);
  };
  switch (kind) {
    case Kind::counter: with({"_total", "_created"}); break;
    case Kind::histogram:
    case Kind::exponential_histogram: with({"_bucket", "_count", "_sum", "_created"}); break;
    case Kind::info: with({"_info"}); break;
    case Kind::up_down_counter:
    case Kind::gauge:
    case Kind::state_set: break;
  }
  return names;
}

void check_full_name(const std::string& full_name) {
  if (full_name.size() > 255) {
    throw std::invalid_argument{"metric name \"" + full_name + "\" is longer than 255 characters"};
  }
  // Prometheus, "Jobs and instances": the server stores `up` and `scrape_…` beside the samples it has scraped.
  if (full_name == "up" || full_name.starts_with("scrape_")) {
    throw std::invalid_argument{"metric name \"" + full_name + "\" is the Prometheus server's own: up, and scrape_…"};
  }
}

bool is_label_key(std::string_view key) noexcept {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !key.empty() && key.size() <= 255 && std::all_of(key.begin(), key.end(), word) &&
         !(key[0] >= '0' && key[0] <= '9') && key[0] != '_' && key != "le" && key != "quantile";
}

void check_label_key(std::string_view key) {
  if (!is_label_key(key)) {
    throw std::invalid_argument{"bad label key \"" + printable(key) +
                                "\": letters, digits and underscores, a letter first, neither le nor quantile"};
  }
}

void check_prefix(std::string_view prefix) {
  if (!prefix.empty() && !Name::is_valid(Text{prefix})) {
    throw std::invalid_argument{"bad scope prefix \"" + printable(prefix) +
                                "\": a lower-case letter, then lower-case letters, digits and underscores"};
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
