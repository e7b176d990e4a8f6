// SPDX-License-Identifier: Apache-2.0
//
// The rules of names: what a family is called, which names its samples may have, which label keys are legal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The base unit as a suffix of exposed names ("seconds"), empty for Unit::none.
[[nodiscard]] std::string_view unit_suffix(Unit unit) noexcept;

/// Takes off a counter's `_total`, an info metric's `_info` and the unit's suffix, where the author wrote them.
[[nodiscard]] std::string canonical_name(std::string_view name, Unit unit, Kind kind);

/// Prefix, name and unit joined by `_`.
[[nodiscard]] std::string full_name(std::string_view prefix, std::string_view name, Unit unit);

/// All names that samples of such a family can have in the text formats, the family's own first
/// (OpenMetrics 1.0, "Suffixes").
[[nodiscard]] std::vector<std::string> sample_names(const std::string& full_name, Kind kind);

/// Throws std::invalid_argument unless a family may be called so: at most 255 characters, and no name that a Prometheus
/// server gives to series of its own about a scrape.
void check_full_name(const std::string& full_name);

/// Whether it may be a label's key (label.h).
[[nodiscard]] bool is_label_key(std::string_view key) noexcept;

/// Throws std::invalid_argument, with the key, unless it may be a label's key.
void check_label_key(std::string_view key);

/// Throws std::invalid_argument unless the text is empty or a Name.
void check_prefix(std::string_view prefix);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
