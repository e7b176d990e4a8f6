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

std::string_view unquoted(std::string_view text) noexcept {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

/// "Content negotiation" of Prometheus's documentation: underscores for what is not known.
Escaping escaping_of(std::string_view scheme) noexcept {
  if (equal_ignoring_case(scheme, "allow-utf-8")) return Escaping::allow_utf_8;
  return equal_ignoring_case(scheme, "values") ? Escaping::values : Escaping::underscores;
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

/// One element of an `Accept` field.
struct Accept::Range {
  std::string_view type;
  std::string_view subtype;
  std::string_view version;
  std::optional<int> weight = 1000;
  Escaping escaping = Escaping::unspecified;
};

Accept::Range Accept::parse(std::string_view element) noexcept {
  Range range;
  std::string_view media = take_until(element, ';');
  range.type = trim(take_until(media, '/'));
  range.subtype = trim(media);
  range.weight = weight_of(element);
  while (!element.empty()) {
    std::string_view parameter = take_until(element, ';');
    const std::string_view name = trim(take_until(parameter, '='));
    const std::string_view value = unquoted(trim(parameter));
    if (equal_ignoring_case(name, "version")) range.version = value;
    if (equal_ignoring_case(name, "escaping")) range.escaping = escaping_of(value);
  }
  return range;
}

Accept::Match Accept::match(Format format, const Range& range) noexcept {
  struct Media {
    std::string_view type;
    std::string_view subtype;
    std::string_view version;
  };
  constexpr Media ours[] = {{"text", "plain", "0.0.4"}, {"application", "openmetrics-text", "1.0.0"}};
  const Media& media = ours[static_cast<std::size_t>(format)];
  if (range.type == "*" && range.subtype == "*") return Match::any;
  if (!equal_ignoring_case(range.type, media.type)) return Match::none;
  if (range.subtype == "*") return Match::type;
  if (!equal_ignoring_case(range.subtype, media.subtype)) return Match::none;
  if (range.version.empty()) return Match::subtype;
  return range.version == media.version ? Match::version : Match::none;
}

void Accept::field(std::string_view value) noexcept {
  while (!value.empty()) {
    const Range range = parse(take_until(value, ','));
    ++ranges_;
    if (!range.weight) continue;  // what cannot be understood is not a wish
    for (const Format format : {Format::text, Format::open_metrics}) {
      Offer& offer = offers_[static_cast<std::size_t>(format)];
      const Match found = match(format, range);
      if (found == Match::none || found < offer.match) continue;
      if (found == offer.match && *range.weight <= offer.weight) continue;
      offer = {found, *range.weight, ranges_, range.escaping};
    }
  }
}

Accepted Accept::best() const noexcept {
  const auto& [text, open_metrics] = offers_;
  const bool prefers_open_metrics = open_metrics.weight > text.weight ||
                                    (open_metrics.weight == text.weight && open_metrics.position < text.position);
  if (open_metrics.weight > 0 && prefers_open_metrics) return {Format::open_metrics, open_metrics.escaping};
  return {Format::text, text.escaping};
}

const char* content_type_of(Accepted accepted) noexcept {
  constexpr const char* types[2][4] = {
      {"text/plain; version=0.0.4; charset=utf-8", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
       "text/plain; version=0.0.4; charset=utf-8; escaping=values",
       "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8",
       "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
       "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values",
       "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"}};
  return types[static_cast<std::size_t>(accepted.format)][static_cast<std::size_t>(accepted.escaping)];
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
