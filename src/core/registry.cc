// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/registry.h"

#include <algorithm>
#include <stdexcept>

#include "names.h"
#include "process.h"
#include "process_reader.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

/// Names of the library's own families (storage_info.cc), which every registry's collection may be followed by.
/// process_info.cc lists its own.
constexpr const char* reserved_names[] = {"fast_telemetry_dropped_records",
                                          "fast_telemetry_dropped_records_total",
                                          "fast_telemetry_dropped_records_created",
                                          "fast_telemetry_final_values_dropped",
                                          "fast_telemetry_final_values_dropped_total",
                                          "fast_telemetry_final_values_dropped_created",
                                          "fast_telemetry_final_values_held",
                                          "fast_telemetry_metrics",
                                          "fast_telemetry_cells",
                                          "fast_telemetry_storage_bytes",
                                          "fast_telemetry_callback_problems",
                                          "fast_telemetry_callback_problems_total",
                                          "fast_telemetry_callback_problems_created",
                                          "fast_telemetry_spans_recorded",
                                          "fast_telemetry_spans_recorded_total",
                                          "fast_telemetry_spans_recorded_created",
                                          "fast_telemetry_spans_drained",
                                          "fast_telemetry_spans_drained_total",
                                          "fast_telemetry_spans_drained_created",
                                          "fast_telemetry_spans_dropped",
                                          "fast_telemetry_spans_dropped_total",
                                          "fast_telemetry_spans_dropped_created",
                                          "fast_telemetry_trace_states_cut",
                                          "fast_telemetry_trace_states_cut_total",
                                          "fast_telemetry_trace_states_cut_created",
                                          "fast_telemetry_span_scopes_refused",
                                          "fast_telemetry_span_scopes_refused_total",
                                          "fast_telemetry_span_scopes_refused_created",
                                          "fast_telemetry_spans_buffered",
                                          "fast_telemetry_spans_most_buffered",
                                          "fast_telemetry_span_budget_bytes",
                                          "fast_telemetry_span_used_bytes",
                                          "fast_telemetry_span_most_used_bytes",
                                          "fast_telemetry_tail_spans_received",
                                          "fast_telemetry_tail_spans_received_total",
                                          "fast_telemetry_tail_spans_received_created",
                                          "fast_telemetry_tail_spans_kept",
                                          "fast_telemetry_tail_spans_kept_total",
                                          "fast_telemetry_tail_spans_kept_created",
                                          "fast_telemetry_tail_spans_dropped",
                                          "fast_telemetry_tail_spans_dropped_total",
                                          "fast_telemetry_tail_spans_dropped_created",
                                          "fast_telemetry_tail_decisions",
                                          "fast_telemetry_tail_decisions_total",
                                          "fast_telemetry_tail_decisions_created",
                                          "fast_telemetry_tail_decided_early",
                                          "fast_telemetry_tail_decided_early_total",
                                          "fast_telemetry_tail_decided_early_created",
                                          "fast_telemetry_tail_decided_rootless",
                                          "fast_telemetry_tail_decided_rootless_total",
                                          "fast_telemetry_tail_decided_rootless_created",
                                          "fast_telemetry_tail_spans_late",
                                          "fast_telemetry_tail_spans_late_total",
                                          "fast_telemetry_tail_spans_late_created",
                                          "fast_telemetry_tail_revised",
                                          "fast_telemetry_tail_revised_total",
                                          "fast_telemetry_tail_revised_created",
                                          "fast_telemetry_tail_spans_held",
                                          "fast_telemetry_tail_traces_held",
                                          "fast_telemetry_tail_held_bytes",
                                          "fast_telemetry_tail_most_held_bytes",
                                          "fast_telemetry_series",
                                          "fast_telemetry_series_limit",
                                          "fast_telemetry_overflow_records",
                                          "fast_telemetry_overflow_records_total",
                                          "fast_telemetry_overflow_records_created",
                                          "fast_telemetry_refused_values"};

detail::ScopeState* make_scope(std::shared_ptr<detail::RegistryState> registry, std::string_view parent_prefix,
                               std::vector<std::pair<std::string, std::string>> labels, Text prefix, const Label* more,
                               std::size_t count) {
  detail::check_prefix(view(prefix));
  auto scope = std::make_unique<detail::ScopeState>();
  scope->registry = std::move(registry);
  scope->prefix = parent_prefix;
  if (!scope->prefix.empty() && !prefix.empty()) scope->prefix += '.';
  scope->prefix += view(prefix);
  scope->labels = std::move(labels);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string key{view(more[i].key)};
    detail::check_label_key(key);
    if (std::any_of(scope->labels.begin(), scope->labels.end(), [&](const auto& l) { return l.first == key; })) {
      throw std::invalid_argument{"label key \"" + key + "\" appears twice in a scope"};
    }
    scope->labels.emplace_back(key, view(more[i].value));
  }
  return scope.release();
}

}  // namespace

Registry::Registry() : state_{nullptr} {
  auto state = std::make_shared<detail::RegistryState>();
  for (const char* const name : reserved_names) state->names.emplace(name, nullptr);
  for (const detail::OwnFamily& family : detail::process_info_families()) {
    for (std::string& name : detail::sample_names(family.full_name, family.kind)) {
      state->names.emplace(std::move(name), nullptr);
    }
  }
  detail::Process& process = detail::process();
  const auto lock = detail::lock_process();
  process.registries.insert(state.get());
  state->owner = state;
  state_ = state.get();
}

Registry::~Registry() {
  std::shared_ptr<detail::RegistryState> last;
  detail::Process& process = detail::process();
  const auto lock = detail::lock_process();
  process.registries.erase(state_);
  last = std::move(state_->owner);
  // Held series end here: nobody can become their reader any more, and those that are readers keep what they need.
  detail::let_go_of_all(*state_);
}

Registry& default_registry() {
  static Registry& immortal = *new Registry;
  return immortal;
}

Scope::Scope(Registry& registry) : Scope{registry, Text{}} {}

Scope::Scope(Registry& registry, Text prefix, std::initializer_list<Label> labels)
    : Scope{registry, prefix, labels.begin(), labels.size()} {}

Scope::Scope(Registry& registry, Text prefix, const Label* labels, std::size_t count)
    : state_{make_scope(registry.state_->shared_from_this(), {}, {}, prefix, labels, count)} {}

Scope::Scope(const Scope& parent, Text prefix, std::initializer_list<Label> labels)
    : state_{make_scope(parent.state_->registry, parent.state_->prefix, parent.state_->labels, prefix, labels.begin(),
                        labels.size())} {}

Scope::Scope(const Scope& other) noexcept : state_{other.state_} {
  state_->references.fetch_add(1, std::memory_order_relaxed);
}

Scope& Scope::operator=(const Scope& other) noexcept {
  Scope copy{other};
  std::swap(state_, copy.state_);
  return *this;
}

Scope::~Scope() {
  // Acquire and release: whoever deletes sees what all other owners did before they let go.
  if (state_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete state_;
}

FAST_TELEMETRY_END_NAMESPACE
