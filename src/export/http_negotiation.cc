// SPDX-License-Identifier: Apache-2.0
#include "http_negotiation.h"

#include <algorithm>
#include <charconv>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

// RFC 9110, 5.6.3: optional whitespace.
std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// What precedes the separator; `text` keeps what follows it.
std::string_view take_until(std::string_view& text, char separator) noexcept {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Not by the locale: header fields are ASCII.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

/// RFC 9110, 12.4.2: "0" or "1" and up to three decimals, none of them above 1. In thousandths.
std::optional<int> parse_weight(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.' || text.size() > 5) return std::nullopt;
  int unit = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return std::nullopt;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? std::optional{weight} : std::nullopt;
}

/// The weight among an element's parameters; 1000 when there is none, nothing when it is ill-formed.
std::optional<int> weight_of(std::string_view parameters) noexcept {
  int weight = 1000;
  while (!parameters.empty()) {
    std::string_view parameter = take_until(parameters, ';');
    const std::string_view name = trim(take_until(parameter, '='));
    if (!equal_ignoring_case(name, "q")) continue;
    const std::optional<int> parsed = parse_weight(trim(parameter));
    if (!parsed) return std::nullopt;
    weight = *parsed;
  }
  return weight;
}

}  // namespace

void AcceptEncoding::field(std::string_view value) noexcept {
  while (!value.empty()) {
    std::string_view element = take_until(value, ',');
    const std::string_view coding = trim(take_until(element, ';'));
    const std::optional<int> weight = weight_of(element);
    if (!weight) continue;  // what cannot be understood is not an offer
    if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip")) {
      gzip_ = weight;
    } else if (equal_ignoring_case(coding, "identity")) {
      identity_ = weight;
    } else if (coding == "*") {
      any_ = weight;
    }
  }
}

bool AcceptEncoding::gzip() const noexcept {
  const int gzip = gzip_ ? *gzip_ : any_.value_or(0);
  return gzip > 0 && gzip >= identity_.value_or(0);
}

std::optional<std::chrono::milliseconds> scrape_budget(std::string_view timeout_field) noexcept {
  timeout_field = trim(timeout_field);
  double seconds = 0;
  const char* const end = timeout_field.data() + timeout_field.size();
  const auto [stop, error] = std::from_chars(timeout_field.data(), end, seconds, std::chars_format::fixed);
  if (error != std::errc{} || stop != end || !(seconds > 0) || seconds > 1e6) return std::nullopt;
  // Half a second for sending, but no more than half of what there is.
  const double budget = std::max(seconds - 0.5, seconds / 2);
  return std::chrono::milliseconds{static_cast<std::int64_t>(budget * 1000)};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
