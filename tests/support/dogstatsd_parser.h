// SPDX-License-Identifier: Apache-2.0
//
// A strict reader of DogStatsD, written from the protocol's description (versions 1.0 to 1.6): no real server that can
// be had reads the whole of it. Refuses, with the reason, what an agent would drop, guess or change.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct DogStatsdSample {
  std::string name;
  std::vector<double> values;
  std::string type;
  double rate = 1;
  std::vector<std::string> tags;  ///< as they stand
  std::string container;
  std::string external;
  std::string cardinality;
  std::int64_t timestamp = 0;

  [[nodiscard]] bool has_tag(std::string_view tag) const {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
  }

  /// How many values an agent takes each one for: the whole part of the rate's inverse.
  [[nodiscard]] std::uint64_t weight() const { return rate == 1 ? 1 : static_cast<std::uint64_t>(1 / rate); }
  [[nodiscard]] std::uint64_t count() const { return weight() * values.size(); }
  [[nodiscard]] double sum() const {
    double sum = 0;
    for (const double value : values) sum += value * static_cast<double>(weight());
    return sum;
  }
};

class DogStatsdParser {
 public:
  /// A line without its newline.
  [[nodiscard]] static DogStatsdSample line(std::string_view text) { return DogStatsdParser{text}.sample(); }

  /// A packet of whole lines.
  [[nodiscard]] static std::vector<DogStatsdSample> packet(std::string_view text) {
    std::vector<DogStatsdSample> samples;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) throw std::invalid_argument{"a line without an end"};
      samples.push_back(line(text.substr(0, end)));
      text.remove_prefix(end + 1);
    }
    return samples;
  }

 private:
  explicit DogStatsdParser(std::string_view text) : text_{text} {}

  [[noreturn]] void refuse(std::string_view why) const {
    throw std::invalid_argument{std::string{why} + ": \"" + std::string{text_} + "\""};
  }
  void require(bool condition, std::string_view why) const {
    if (!condition) refuse(why);
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static bool is_of_name(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'; }
  static bool is_of_tag(char c) {
    return is_of_name(c) || c == ':' || c == '/' || static_cast<unsigned char>(c) >= 0x80;
  }

  /// Up to the next `separator`, which is taken too; or all there is.
  static std::string_view take(std::string_view& rest, char separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
  }

  double number(std::string_view text) const {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    require(error == std::errc{} && end == text.data() + text.size() && std::isfinite(value), "no plain number");
    return value;
  }

  DogStatsdSample sample() const {
    std::string_view rest = text_;
    DogStatsdSample sample;
    require(rest.find('|') != std::string_view::npos, "no type");
    const std::string_view head = take(rest, '|');
    const std::size_t colon = head.find(':');
    require(colon != std::string_view::npos, "no value");
    sample.name = head.substr(0, colon);
    require(!sample.name.empty() && sample.name.size() <= 200 && is_letter(sample.name[0]) &&
                std::all_of(sample.name.begin(), sample.name.end(), is_of_name),
            "bad name");
    for (std::string_view values = head.substr(colon + 1);;) {
      const std::size_t end = values.find(':');
      sample.values.push_back(number(values.substr(0, end)));
      if (end == std::string_view::npos) break;
      values.remove_prefix(end + 1);
    }
    const bool has_more = !rest.empty();
    sample.type = take(rest, '|');
    const bool is_plain = sample.type == "c" || sample.type == "g";
    require(is_plain || sample.type == "h" || sample.type == "d" || sample.type == "ms", "unknown type");
    require(has_more && text_.back() != '|', "an empty field");
    while (!rest.empty()) field(sample, take(rest, '|'));
    require(sample.rate == 1 || sample.type != "g", "a sampled gauge");
    require(sample.timestamp == 0 || (is_plain && sample.values.size() == 1), "a timestamp on what is aggregated");
    return sample;
  }

  void field(DogStatsdSample& sample, std::string_view field) const {
    const auto once = [&](bool is_unset) { require(is_unset, "a field twice"); };
    if (field.starts_with('@')) {
      once(sample.rate == 1);
      sample.rate = number(field.substr(1));
      require(sample.rate > 0 && sample.rate < 1, "bad rate");
    } else if (field.starts_with('#')) {
      once(sample.tags.empty());
      field.remove_prefix(1);
      require(!field.empty() && field.back() != ',', "an empty tag");
      while (!field.empty()) sample.tags.push_back(tag(take(field, ',')));
    } else if (field.starts_with("c:")) {
      once(sample.container.empty());
      sample.container = text_field(field.substr(2));
    } else if (field.starts_with("e:")) {
      once(sample.external.empty());
      sample.external = text_field(field.substr(2));
    } else if (field.starts_with("card:")) {
      once(sample.cardinality.empty());
      sample.cardinality = text_field(field.substr(5));
    } else if (field.starts_with('T')) {
      once(sample.timestamp == 0);
      const auto [end, error] = std::from_chars(field.data() + 1, field.data() + field.size(), sample.timestamp);
      require(error == std::errc{} && end == field.data() + field.size() && sample.timestamp > 0, "bad timestamp");
    } else {
      refuse("unknown field");
    }
  }

  std::string tag(std::string_view tag) const {
    const auto characters =
        std::count_if(tag.begin(), tag.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
    require(!tag.empty() && is_letter(tag[0]) && characters <= 200, "bad tag");
    require(tag.back() != ':' && std::all_of(tag.begin(), tag.end(), is_of_tag), "bad tag");
    require(!tag.starts_with("host:") && !tag.starts_with("dd.internal."), "a tag that is the agent's own");
    return std::string{tag};
  }

  std::string text_field(std::string_view content) const {
    const auto is_printable = [](char c) { return c > ' ' && c < '\x7f'; };
    require(!content.empty() && std::all_of(content.begin(), content.end(), is_printable), "bad field");
    return std::string{content};
  }

  std::string_view text_;
};

FAST_TELEMETRY_END_NAMESPACE
