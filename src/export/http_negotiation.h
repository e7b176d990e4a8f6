// SPDX-License-Identifier: Apache-2.0
//
// What a request's header asks for. Pure functions of text that an attacker may have written.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Reads `Accept-Encoding` fields (RFC 9110, 12.5.3), one after the other: several fields are one list.
class AcceptEncoding {
 public:
  void field(std::string_view value) noexcept;

  /// Whether gzip is offered, not refused (`q=0`), and not less wanted than no compression.
  [[nodiscard]] bool gzip() const noexcept;

 private:
  // Thousandths; nothing: not named.
  std::optional<int> gzip_;
  std::optional<int> identity_;
  std::optional<int> any_;
};

/// What an exposition can be written in.
enum class Format : std::uint8_t {
  text,          ///< Prometheus's text format 0.0.4
  open_metrics,  ///< OpenMetrics 1.0.0
};

/// How names that the scraper could not read would be spelled. Every scheme but `dots` leaves a legal name as it is,
/// and no other name can be registered; `dots` would double the underscores of all of them, so it is never chosen.
enum class Escaping : std::uint8_t { unspecified, underscores, values, allow_utf_8 };

struct Accepted {
  Format format = Format::text;
  Escaping escaping = Escaping::unspecified;  ///< what the chosen media range asks for
};

/// The `Content-Type` of a body. Static storage, ends in a NUL.
[[nodiscard]] const char* content_type_of(Accepted accepted) noexcept;

/// Reads `Accept` fields (RFC 9110, 12.5.1), one after the other: several fields are one list.
///
/// A version counts as wanted only when it is the one that we write: OpenMetrics 0.0.1 and 2.0.0 and text 1.0.0 are
/// other formats, which the scraper's next choices replace.
class Accept {
 public:
  void field(std::string_view value) noexcept;

  /// The format of the greatest weight; of two, the one listed first; text where nothing of ours is accepted, since
  /// what a scraper would rather have is no reason to give it nothing.
  [[nodiscard]] Accepted best() const noexcept;

 private:
  // How much of a media type a range names: the one that names most decides.
  enum class Match : std::uint8_t { none, any, type, subtype, version };

  struct Offer {
    Match match = Match::none;
    int weight = 0;  // thousandths
    unsigned position = 0;
    Escaping escaping = Escaping::unspecified;
  };

  struct Range;
  static Range parse(std::string_view element) noexcept;
  static Match match(Format format, const Range& range) noexcept;

  Offer offers_[2];  // by Format
  unsigned ranges_ = 0;
};

/// How long a scrape may take, from `X-Prometheus-Scrape-Timeout-Seconds`: a margin less than the scraper waits, for
/// the way back. Nothing when the field is not a positive number.
[[nodiscard]] std::optional<std::chrono::milliseconds> scrape_budget(std::string_view timeout_field) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
