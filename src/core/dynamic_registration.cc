// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/detail/dynamic_registration.h"

#include <algorithm>
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
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw std::invalid_argument{"label key \"" + std::string{*twice} +
                                "\" appears twice among a scope's labels and a dynamic metric's keys"};
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

DynamicRegistration::~DynamicRegistration() { index_->end(); }

PinnedSeries DynamicRegistration::pin_series(const Text* values) noexcept {
  const std::uint32_t phase = pin();
  return {&index_->find_or_make(values), phase};
}

Site* DynamicRegistration::acquire_series(const Text* values) noexcept {
  const std::uint32_t phase = pin();
  DynamicSeries& series = index_->acquire(values);
  unpin(phase);
  return &series;
}

Site* DynamicRegistration::find_series(const Text* values) const noexcept {
  const std::uint32_t phase = pin();
  DynamicSeries* const series = index_->find(values);
  const bool kept = series != nullptr && keep(*series);
  unpin(phase);
  return kept ? series : nullptr;
}

std::size_t DynamicRegistration::series_count() const noexcept { return index_->live(); }
std::uint64_t DynamicRegistration::overflow_count() const noexcept { return index_->overflows(); }

void retain_series(Site& site) noexcept {
  static_cast<DynamicSeries&>(site).references.fetch_add(1, std::memory_order_relaxed);
}

void release_series(Site& site) noexcept {
  auto& series = static_cast<DynamicSeries&>(site);
  // Acquire and release: who deletes the series sees what all others did with it.
  if (series.references.fetch_sub(1, std::memory_order_acq_rel) == DynamicSeries::unreachable + 1) {
    delete_series(series);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
