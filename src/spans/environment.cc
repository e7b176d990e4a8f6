// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/environment.h"

#include <algorithm>
#include <string_view>

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

auto find(auto& variables, std::string_view name) {
  return std::find_if(variables.begin(), variables.end(), [&](const auto& variable) { return variable.first == name; });
}

}  // namespace

std::string environment_name(Text header) {
  std::string name;
  if (header.empty() || is_digit(header.data()[0])) name += '_';
  for (std::size_t i = 0; i < header.size(); ++i) {
    const char c = header.data()[i];
    if (c >= 'a' && c <= 'z') {
      name += static_cast<char>(c - 'a' + 'A');
    } else {
      name += (c >= 'A' && c <= 'Z') || is_digit(c) ? c : '_';
    }
  }
  return name;
}

Environment::Environment(const char* const* variables) {
  for (; *variables != nullptr; ++variables) {
    const std::string_view variable{*variables};
    const std::size_t equals = variable.find('=');
    const std::string_view name = variable.substr(0, equals);
    if (equals == std::string_view::npos || environment_name(name) != name) {
      others_.emplace_back(variable);
    } else if (find(carriers_, name) == carriers_.end()) {  // of two, getenv gives the first
      carriers_.emplace_back(name, variable.substr(equals + 1));
    }
  }
}

Text Environment::get(Text header) const {
  const auto variable = find(carriers_, environment_name(header));
  return variable != carriers_.end() ? Text{variable->second} : Text{};
}

void Environment::set(Text header, Text value) {
  std::string name = environment_name(header);
  std::string text{value.data(), value.size()};
  const auto variable = find(carriers_, name);
  if (variable != carriers_.end()) {
    variable->second = std::move(text);
  } else {
    carriers_.emplace_back(std::move(name), std::move(text));
  }
}

void Environment::remove(Text header) {
  std::erase_if(carriers_, [name = environment_name(header)](const auto& variable) { return variable.first == name; });
}

char* const* Environment::data() {
  texts_ = others_;
  for (const auto& [name, value] : carriers_) texts_.push_back(name + '=' + value);
  pointers_.clear();
  for (std::string& text : texts_) pointers_.push_back(text.data());
  pointers_.push_back(nullptr);
  return pointers_.data();
}

void inject_context(const SpanContext& context, Environment& child) {
  for (const Text header : context_headers) child.remove(header);
  inject_context(context, [&child](Text name, Text value) { child.set(name, value); });
}

void inject_baggage(const Baggage& baggage, Environment& child) {
  child.remove(baggage_header);
  inject_baggage(baggage, [&child](Text name, Text value) { child.set(name, value); });
}

FAST_TELEMETRY_END_NAMESPACE
