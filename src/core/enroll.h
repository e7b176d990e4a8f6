// SPDX-License-Identifier: Apache-2.0
//
// How an instrument enters its registry: family, labels, clashes, and the continuation of a held series.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "registry_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// One entry into a registry, in two steps: what can fail, and what cannot. With Process::mutex held for both.
class Enrolment {
 public:
  /// Finds out what has to happen and makes ready all that it takes. Throws std::invalid_argument when the registry
  /// refuses the metric, std::bad_alloc when there is no memory; nothing has changed then, and nothing has before
  /// commit().
  Enrolment(const ScopeState& scope, const Info& info, const std::shared_ptr<Instrument>& fresh, const Axis* axes,
            std::size_t axis_count);

  /// The instrument that stands for the metric: `fresh`, or the held one with the same labels, which it continues.
  [[nodiscard]] const std::shared_ptr<Instrument>& instrument() const noexcept { return instrument_; }

  /// What there is to say about it afterwards, with no lock held; empty if nothing.
  [[nodiscard]] std::string take_remark() noexcept { return std::move(remark_); }

  void commit() noexcept;

 private:
  void find_family(const FamilyRecord& wanted);
  void find_equal_labels();

  RegistryState& registry_;
  std::shared_ptr<Instrument> instrument_;
  std::string remark_;
  std::shared_ptr<FamilyRecord> family_;  ///< null: there is none yet, or none that stays
  std::set<Instrument*> in_the_way_;      ///< held, and cannot stay beside the new one

  // What commit() moves to where it belongs.
  Families new_family_;
  SampleNames new_names_;
  Instruments new_instrument_;
  LabelSets label_sets_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
