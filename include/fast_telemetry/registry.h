// SPDX-License-Identifier: Apache-2.0
//
// Registry and Scope: what is collected, and under which prefix and constant labels. For code that declares metrics.
#pragma once

#include <initializer_list>

#include "fast_telemetry/label.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
struct RegistryState;
struct ScopeState;
}  // namespace detail

/// What gets collected. One per process is the normal case (`default_registry`); more serve tests and embedding.
///
/// A registry may be destroyed before its metrics and readers: they keep working, and are collected no longer.
/// Thread-safe.
class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

 private:
  friend class Scope;
  friend class Reader;
  friend class Sweeper;
  detail::RegistryState* state_;
};

/// The process's registry. Constructed on first use, never destroyed.
[[nodiscard]] Registry& default_registry();

/// A view of a registry: a name prefix and constant labels for the metrics registered through it. Scopes nest.
///
/// Registering a metric throws std::invalid_argument with the names involved when
///  * a name or label key is ill-formed, or a key appears twice among scope and enum labels;
///  * the same family with the same labels exists already;
///  * the name exists with another kind or unit, or as another scope and name (`a_b` in `a` is not `b` in `a_b`);
///  * a sample name it would export (`x_total`, `x_count`, …) belongs to another family (OpenMetrics 1.0, "Suffixes");
///  * the name is the library's own (`fast_telemetry_…`, see storage_info.h), one of those that process_info.h shows
///    (`process_threads`, …) or a Prometheus server's (`up`, `scrape_…`).
/// Label values are compared as they are exported: ill-formed UTF-8 counts as U+FFFD. When two metrics of one family
/// differ in help text, the first one's is exported.
///
/// A metric that is destroyed and registered again with the same labels while its final value is still held (five
/// minutes, see snapshot.h) continues that series: no reader sees the value step back. Where it cannot (other buckets,
/// another enum, another kind), and where only held final values stand in a new metric's way, they give way at once;
/// what a reader had not had of them is counted in StorageInfo::finals_dropped.
///
/// Copying is cheap. A scope may be destroyed before its metrics.
class Scope {
 public:
  /// The registry itself: no prefix, no labels. Implicit, so that a metric can be given a registry.
  Scope(Registry& registry);  // NOLINT(google-explicit-constructor)

  /// Throws std::invalid_argument for an ill-formed prefix (the rules of Name; may be empty) or label.
  Scope(Registry& registry, Text prefix, std::initializer_list<Label> labels = {});
  Scope(const Scope& parent, Text prefix, std::initializer_list<Label> labels = {});
  Scope(Registry& registry, Text prefix, const Label* labels, std::size_t count);

  Scope(const Scope& other) noexcept;
  Scope& operator=(const Scope& other) noexcept;
  ~Scope();

  /// Internal: for registration.
  [[nodiscard]] detail::ScopeState& state() const noexcept { return *state_; }

 private:
  detail::ScopeState* state_;
};

FAST_TELEMETRY_END_NAMESPACE
