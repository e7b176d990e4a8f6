// SPDX-License-Identifier: Apache-2.0
//
// A parser of the text format 0.0.4 that forgives nothing. For tests that want to know whether an exposition is whole.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// What an exposition says. Throws std::runtime_error, with the line, for what the format or its users' expectations
/// forbid: also for what real peers let pass (a series twice, a missing `+Inf` bucket, a family in two places).
class ParsedExposition {
 public:
  explicit ParsedExposition(std::string_view text) {
    if (!text.empty() && text.back() != '\n') throw std::runtime_error{"the last line does not end"};
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      line_ = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (line_.starts_with("# HELP ")) {
        parse_help();
      } else if (line_.starts_with("# TYPE ")) {
        parse_type();
      } else {
        parse_sample();
      }
    }
    end_family();
  }

  /// The value of a sample, as it is written: `value("x_total{a=\"b\"}")`. Throws when there is none.
  [[nodiscard]] std::string value(const std::string& series) const {
    const auto found = samples_.find(series);
    if (found == samples_.end()) throw std::runtime_error{"no sample " + series};
    return found->second;
  }
  [[nodiscard]] bool has(const std::string& series) const { return samples_.contains(series); }
  [[nodiscard]] std::size_t size() const { return samples_.size(); }

  /// Names after `# TYPE`, in order.
  [[nodiscard]] const std::vector<std::string>& families() const { return order_; }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error{what + " in line \"" + std::string{line_} + "\""};
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  std::string take_name(std::string_view& rest) const {
    std::size_t size = 0;
    while (size < rest.size() && (is_letter(rest[size]) || (size > 0 && is_digit(rest[size])))) ++size;
    if (size == 0) fail("a name is missing");
    std::string name{rest.substr(0, size)};
    rest.remove_prefix(size);
    return name;
  }

  void take(std::string_view& rest, char c) const {
    if (rest.empty() || rest.front() != c) fail(std::string{"'"} + c + "' is missing");
    rest.remove_prefix(1);
  }

  void parse_help() {
    std::string_view rest = line_.substr(7);
    const std::string name = take_name(rest);
    take(rest, ' ');
    if (!helps_.insert(name).second) fail("a second HELP");
    if (seen_.contains(name)) fail("HELP after TYPE");
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '\0') fail("a NUL");
      if (rest[i] != '\\') continue;
      if (++i == rest.size() || (rest[i] != '\\' && rest[i] != 'n')) fail("an escape that help does not have");
    }
  }

  void parse_type() {
    end_family();
    std::string_view rest = line_.substr(7);
    family_ = take_name(rest);
    take(rest, ' ');
    type_ = rest;
    if (type_ != "counter" && type_ != "gauge" && type_ != "histogram") fail("an unexpected type");
    if (type_ == "counter" && !family_.ends_with("_total")) fail("a counter without _total");
    if (!seen_.insert(family_).second) fail("a family announced twice");
    order_.push_back(family_);
  }

  void parse_sample() {
    std::string_view rest = line_;
    const std::string name = take_name(rest);
    if (family_.empty()) fail("a sample before any TYPE");
    const std::string suffix = name.starts_with(family_) ? name.substr(family_.size()) : "?";
    if (type_ == "histogram" ? suffix != "_bucket" && suffix != "_sum" && suffix != "_count" : !suffix.empty()) {
      fail("a sample of another family");
    }

    std::string labels;
    std::string le;
    std::set<std::string> keys;
    if (!rest.empty() && rest.front() == '{') {
      do {
        rest.remove_prefix(1);
        const std::string key = take_name(rest);
        if (!keys.insert(key).second) fail("a label twice");
        take(rest, '=');
        const std::string value = take_label_value(rest);
        if (key == "le") {
          le = value;
          if (rest != "} " + std::string{rest.substr(std::min<std::size_t>(2, rest.size()))})
            fail("le is not the last label");
        } else {
          labels += key + "=" + value + ",";
        }
      } while (!rest.empty() && rest.front() == ',');
      take(rest, '}');
    }
    const std::string series{line_.substr(0, line_.size() - rest.size())};
    take(rest, ' ');
    const double number = parse_number(rest);
    if (!samples_.emplace(series, rest).second) fail("a series twice");
    if (type_ == "histogram") parse_histogram_sample(suffix, labels, le, number);
  }

  std::string take_label_value(std::string_view& rest) const {
    take(rest, '"');
    std::string value;
    while (!rest.empty() && rest.front() != '"') {
      const std::size_t plain = std::min(rest.find_first_of("\"\\"), rest.size());
      value += rest.substr(0, plain);
      rest.remove_prefix(plain);
      if (rest.empty() || rest.front() == '"') break;
      rest.remove_prefix(1);
      if (rest.empty() || std::string_view{"\\\"n"}.find(rest.front()) == std::string_view::npos) fail("a bad escape");
      value += rest.front() == 'n' ? '\n' : rest.front();
      rest.remove_prefix(1);
    }
    take(rest, '"');
    return value;
  }

  double parse_number(std::string_view text) const {
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    if (text == "-Inf") return -std::numeric_limits<double>::infinity();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) fail("not a number");
    return number;
  }

  struct Histogram {
    std::string labels;
    double bound = -std::numeric_limits<double>::infinity();
    double cumulative = 0;
    bool has_infinity = false;
    int lines = 0;  // _sum, then _count
  };

  void parse_histogram_sample(const std::string& suffix, const std::string& labels, const std::string& le,
                              double number) {
    if (suffix == "_bucket") {
      if (histogram_.labels != labels || histogram_.lines == 2) end_histogram(labels);
      const double bound = parse_number(le);
      if (histogram_.has_infinity || bound <= histogram_.bound) fail("bounds do not ascend");
      if (number < histogram_.cumulative) fail("buckets are not cumulative");
      histogram_.bound = bound;
      histogram_.cumulative = number;
      histogram_.has_infinity = std::isinf(bound);
      in_histogram_ = true;
      return;
    }
    if (!in_histogram_ || histogram_.labels != labels || !histogram_.has_infinity)
      fail("no buckets up to +Inf before it");
    if (suffix != (histogram_.lines == 0 ? "_sum" : "_count")) fail("not _sum, then _count");
    if (suffix == "_count" && number != histogram_.cumulative) fail("the count is not that of +Inf");
    ++histogram_.lines;
  }

  void end_histogram(const std::string& next_labels) {
    if (in_histogram_ && histogram_.lines != 2) fail("the histogram before is not whole");
    histogram_ = {};
    histogram_.labels = next_labels;
    in_histogram_ = false;
  }

  void end_family() { end_histogram({}); }

  std::string_view line_;
  std::string family_;
  std::string type_;
  std::set<std::string> helps_;
  std::set<std::string> seen_;
  std::vector<std::string> order_;
  std::map<std::string, std::string> samples_;
  Histogram histogram_;
  bool in_histogram_ = false;
};

FAST_TELEMETRY_END_NAMESPACE
