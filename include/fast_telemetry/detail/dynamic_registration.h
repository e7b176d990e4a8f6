// SPDX-License-Identifier: Apache-2.0
//
// How a dynamic metric finds its series: the compiled half of dynamic.h.
#pragma once

#include "fast_telemetry/detail/pin.h"
#include "fast_telemetry/detail/registration.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct CardinalityReport;

namespace detail {

/// The series found, and what keeps it in memory until unpin().
struct PinnedSeries {
  Site* site;
  std::uint32_t phase;
};

/// Labels in any order, however they are kept.
struct LabelSource {
  const void* labels;
  std::size_t count;
  Label (*label)(const void* labels, std::size_t index);
};

/// The registered half of a dynamic metric. `texts` are a series' values, one per key; of a metric without keys of its
/// own, keys and values in turn, as many as `count` says.
class DynamicRegistration {
 public:
  /// Throws std::invalid_argument when the registry refuses the metric or a key, or `max_series` is 0;
  /// std::bad_alloc.
  DynamicRegistration(const Scope& scope, const Info& info, const Declaration& declaration, const DynamicKeys& keys);

  /// Ends all series: later records through handles are counted drops, final values are kept for readers. Waits for
  /// threads that are looking a series up or recording in what they found, but not for ever.
  ~DynamicRegistration();

  DynamicRegistration(const DynamicRegistration&) = delete;
  DynamicRegistration& operator=(const DynamicRegistration&) = delete;

  /// The series of these labels, made if there is none. The overflow series where the limit is reached or memory is.
  [[nodiscard]] PinnedSeries pin_series(const Text* texts, std::size_t count) noexcept;

  /// The same, kept for the caller until release_series().
  [[nodiscard]] Site& acquire_series(const Text* texts, std::size_t count) noexcept;

  /// The series if there is one, kept likewise; otherwise one that is always empty and drops what it is given.
  [[nodiscard]] Site& find_series(const Text* texts, std::size_t count) const noexcept;

  /// The same three for labels in any order; of a key that appears twice the last value counts.
  [[nodiscard]] PinnedSeries pin_labels(const LabelSource& labels) noexcept;
  [[nodiscard]] Site& acquire_labels(const LabelSource& labels) noexcept;
  [[nodiscard]] Site& find_labels(const LabelSource& labels) const noexcept;

  /// What a metric's point needs besides the site.
  [[nodiscard]] const Registration& shape() const noexcept { return registration_; }
  /// Null before the metric's life and after it.
  [[nodiscard]] DynamicIndex* index() const noexcept { return __atomic_load_n(&index_, __ATOMIC_RELAXED); }
  [[nodiscard]] std::size_t series_count() const noexcept;
  [[nodiscard]] std::uint64_t overflow_count() const noexcept;
  /// Fills it in. By reference: its type is complete only where cardinality.h is included.
  void report(CardinalityReport& report) const;

 private:
  Registration registration_;  ///< its own site is never written
  DynamicIndex* index_;
};

void retain_series(Site& site) noexcept;
void release_series(Site& site) noexcept;
/// Whether there is such a series: not what find_series() returns for want of one.
[[nodiscard]] bool is_series(const Site& site) noexcept;
[[nodiscard]] bool is_overflow(const Site& site) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
