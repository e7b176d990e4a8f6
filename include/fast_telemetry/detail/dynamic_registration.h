// SPDX-License-Identifier: Apache-2.0
//
// How a dynamic metric finds its series: the compiled half of dynamic.h.
#pragma once

#include "fast_telemetry/detail/pin.h"
#include "fast_telemetry/detail/registration.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class DynamicIndex;

/// The series found, and what keeps it in memory until unpin().
struct PinnedSeries {
  Site* site;
  std::uint32_t phase;
};

/// The registered half of a dynamic metric.
class DynamicRegistration {
 public:
  /// Throws std::invalid_argument when the registry refuses the metric or a key, or `max_series` is 0;
  /// std::bad_alloc.
  DynamicRegistration(const Scope& scope, const Info& info, const Declaration& declaration, const DynamicKeys& keys);

  /// Ends all series: later records through handles are counted drops, final values are kept for readers.
  ~DynamicRegistration();

  DynamicRegistration(const DynamicRegistration&) = delete;
  DynamicRegistration& operator=(const DynamicRegistration&) = delete;

  /// The series with these values (one per key), made if there is none. The overflow series where the limit is
  /// reached or memory is.
  [[nodiscard]] PinnedSeries pin_series(const Text* values) noexcept;

  /// The same, kept for the caller until release_series().
  [[nodiscard]] Site* acquire_series(const Text* values) noexcept;

  /// The series if there is one, or null; kept likewise.
  [[nodiscard]] Site* find_series(const Text* values) const noexcept;

  /// What a metric's point needs besides the site.
  [[nodiscard]] const Registration& shape() const noexcept { return registration_; }
  [[nodiscard]] std::size_t series_count() const noexcept;
  [[nodiscard]] std::uint64_t overflow_count() const noexcept;

 private:
  Registration registration_;  ///< its own site is never written
  DynamicIndex* index_;
};

void retain_series(Site& site) noexcept;
void release_series(Site& site) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
