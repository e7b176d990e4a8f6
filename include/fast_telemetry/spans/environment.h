// SPDX-License-Identifier: Apache-2.0
//
// Environment: traces across processes that start one another, in environment variables (OpenTelemetry, "Environment
// Variables as Context Propagation Carriers"). For programs that start others, and for those that are started.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fast_telemetry/spans/baggage.h"
#include "fast_telemetry/spans/propagation.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// The variable that carries a header: letters of ASCII in upper case, `_` for all else that is no digit, and before
/// a digit that would be the first; `_` for nothing. `traceparent` is `TRACEPARENT`.
[[nodiscard]] std::string environment_name(Text header);

/// A copy of an environment, to read from, and to change and give to a child: the process's own is never changed.
/// A carrier, too: extract_context, extract_baggage and extract_b3 (the single header) read it.
///
/// Values are taken and given as they are. Allocates; for one thread at a time.
class Environment {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;

  /// Copies `variables`, which end with a null pointer: `environ`, or main's third argument. Nobody may call setenv
  /// meanwhile.
  explicit Environment(const char* const* variables);

  /// The value of the variable that carries `header`; empty when there is none. Valid until the environment changes.
  [[nodiscard]] Text get(Text header) const;
  void set(Text header, Text value);
  void remove(Text header);

  /// Variables that can carry a header, as pairs of name and value: `traceparent` in lower case is none of them.
  [[nodiscard]] Variables::const_iterator begin() const noexcept { return carriers_.begin(); }
  [[nodiscard]] Variables::const_iterator end() const noexcept { return carriers_.end(); }

  /// All variables, for execve and posix_spawn. Valid until the environment changes.
  [[nodiscard]] char* const* data();

 private:
  Variables carriers_;
  std::vector<std::string> others_;  ///< `name=value`: variables whose names carry nothing
  std::vector<std::string> texts_;   ///< what data() gave out
  std::vector<char*> pointers_;
};

/// Sets the context in what will be a child's environment; what was there of another is removed.
void inject_context(const SpanContext& context, Environment& child);

/// The same for baggage.
void inject_baggage(const Baggage& baggage, Environment& child);

FAST_TELEMETRY_END_NAMESPACE
