// SPDX-License-Identifier: Apache-2.0
//
// JsonLine: one object of JSON on a line of its own.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace contention {

class JsonLine {
 public:
  JsonLine& add(std::string_view key, std::string_view text) {
    begin(key);
    append(text);
    return *this;
  }
  JsonLine& add(std::string_view key, const char* text) { return add(key, std::string_view{text}); }
  JsonLine& add(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  JsonLine& add(std::string_view key, std::integral auto value) { return raw(key, std::to_string(value)); }
  JsonLine& add(std::string_view key, double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", value);
    return raw(key, std::isfinite(value) ? text : "null");
  }
  void print() const {
    std::printf("{%s}\n", text_.c_str());
    std::fflush(stdout);
  }

 private:
  void begin(std::string_view key) {
    if (!text_.empty()) text_ += ',';
    append(key);
    text_ += ':';
  }
  JsonLine& raw(std::string_view key, std::string_view value) {
    begin(key);
    text_ += value;
    return *this;
  }
  void append(std::string_view text) {
    text_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    text_ += '"';
  }

  std::string text_;
};

}  // namespace contention
