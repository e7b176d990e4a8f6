// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/detail/dynamic_registration.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>

#include "dynamic_index.h"
#include "names.h"
#include "pin.h"
#include "process.h"
#include "sweep.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// How long the end of a metric waits for who has looked a series up: longer than a thread that was preempted takes.
constexpr std::int64_t end_patience_ns = 200'000'000;

Declaration with_keys(Declaration declaration, const Scope& scope, const DynamicKeys& keys) {
  if (keys.max_series == 0) throw std::invalid_argument{"a dynamic metric has room for at least one series"};
  if (declaration.exponential != nullptr && declaration.exponential->extrema) {
    throw std::invalid_argument{"a dynamic distribution keeps no extrema"};
  }
  std::vector<std::string_view> sorted;
  for (const auto& label : scope.state().labels) sorted.push_back(label.first);
  for (std::size_t i = 0; i < keys.count; ++i) {
    check_label_key(view(keys.keys[i]));
    sorted.push_back(view(keys.keys[i]));
  }
  // The second is the key of the library that this one follows: dashboards may know it.
  if (!is_label_key(view(keys.overflow_key)) && view(keys.overflow_key) != "__ft_overflow") {
    check_label_key(view(keys.overflow_key));
  }
  sorted.push_back(view(keys.overflow_key));
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw std::invalid_argument{
        "label key \"" + std::string{*twice} +
        "\" appears twice among a scope's labels, a dynamic metric's keys and its overflow key"};
  }
  start_pins();
  declaration.dynamic = &keys;
  return declaration;
}

}  // namespace

DynamicRegistration::DynamicRegistration(const Scope& scope, const Info& info, const Declaration& declaration,
                                         const DynamicKeys& keys)
    : registration_{&scope, &info, with_keys(declaration, scope, keys)},
      index_{static_cast<Instrument*>(registration_.site.owner)->dynamic.get()} {
  index_->reopen(keys.max_series);
}

DynamicRegistration::~DynamicRegistration() {
  DynamicIndex* const index = index_;
  __atomic_store_n(&index_, nullptr, __ATOMIC_RELAXED);
  // The store is the end of an object's life, which a compiler may take as nobody's business.
  asm volatile("" : : "r"(this) : "memory");
  notice_bare_clone();
  // No sweep meanwhile: it must not take for gone, after its barrier, what is only unpublished here, before this one's.
  const std::lock_guard no_sweep{sweep_mutex};
  const bool nobody_looks = wait_for_pins(end_patience_ns);
  if (nobody_looks) let_go_of_kept();
  index->end();
  if (!nobody_looks) keep_until_unpinned(*index);
}

namespace {

/// What is found where there is no metric, or no such series. Nobody deletes it, however many handles come and go.
constinit SeriesHistory absent_history;
constinit DynamicSeries absent{absent_history};

DynamicSeries& absent_to_keep() noexcept {
  retain_series(absent);
  return absent;
}

}  // namespace

// All three look for the metric twice: before there is one, there may be no pins that count, and only what was pinned
// before it was found is sure to stay.

PinnedSeries DynamicRegistration::pin_series(const Text* texts, std::size_t count) noexcept {
  if (index() == nullptr) return {&absent, no_phase};
  const std::uint32_t phase = pin();
  DynamicIndex* const found = index();
  return {found == nullptr ? &absent : &found->find_or_make({texts, count}), phase};
}

Site& DynamicRegistration::acquire_series(const Text* texts, std::size_t count) noexcept {
  if (index() == nullptr) return absent_to_keep();
  const Pin pinned;
  DynamicIndex* const found = index();
  return found == nullptr ? absent_to_keep() : found->acquire({texts, count});
}

Site& DynamicRegistration::find_series(const Text* texts, std::size_t count) const noexcept {
  if (index() == nullptr) return absent_to_keep();
  const Pin pinned;
  DynamicIndex* const found = index();
  DynamicSeries* const series = found == nullptr ? nullptr : found->find_exported({texts, count});
  return series != nullptr && keep(*series) ? *series : absent_to_keep();
}

PinnedSeries DynamicRegistration::pin_labels(const LabelSource& labels) noexcept try {
  const CanonicalLabels canonical{labels};
  const SeriesKey key = canonical.key();
  return pin_series(key.texts, key.count);
} catch (const std::bad_alloc&) {
  return {&absent, no_phase};
}

Site& DynamicRegistration::acquire_labels(const LabelSource& labels) noexcept try {
  const CanonicalLabels canonical{labels};
  const SeriesKey key = canonical.key();
  return acquire_series(key.texts, key.count);
} catch (const std::bad_alloc&) {
  return absent_to_keep();
}

Site& DynamicRegistration::find_labels(const LabelSource& labels) const noexcept try {
  const CanonicalLabels canonical{labels};
  const SeriesKey key = canonical.key();
  return find_series(key.texts, key.count);
} catch (const std::bad_alloc&) {
  return absent_to_keep();
}

std::size_t DynamicRegistration::series_count() const noexcept { return index() == nullptr ? 0 : index()->live(); }

std::uint64_t DynamicRegistration::overflow_count() const noexcept {
  return index() == nullptr ? 0 : index()->overflows();
}

void DynamicRegistration::report(CardinalityReport& report) const {
  if (index() == nullptr) return;
  report = index()->cardinality();
  report.metric = static_cast<const Instrument*>(registration_.site.owner)->family->full_name;
}

bool is_series(const Site& site) noexcept { return &site != static_cast<const Site*>(&absent); }

bool is_overflow(const Site& site) noexcept {
  return static_cast<const DynamicSeries&>(site).history->kind == OwnerKind::refused;
}

void retain_series(Site& site) noexcept {
  static_cast<DynamicSeries&>(site).history->references.fetch_add(1, std::memory_order_relaxed);
}

void release_series(Site& site) noexcept {
  auto& series = static_cast<DynamicSeries&>(site);
  // Acquire and release: who deletes the series sees what all others did with it.
  if (series.history->references.fetch_sub(1, std::memory_order_acq_rel) == SeriesHistory::unreachable + 1) {
    delete_series(series);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
