// SPDX-License-Identifier: Apache-2.0
//
// What DogStatsD does to text that others chose, and how it spells numbers.
#pragma once

#include <cstdint>
#include <string_view>

#include "fast_telemetry/encoding/buffer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What Datadog keeps of a metric's name and of a tag ("Metric submission", "Defining tags").
inline constexpr std::size_t longest_dogstatsd_name = 200;
inline constexpr std::size_t longest_dogstatsd_tag = 200;

/// A metric's name: scope and name joined by `.`. What is no letter, digit, `_`, `.` or `-` of ASCII becomes `_`, and
/// `x_` stands before what does not begin with a letter.
void append_dogstatsd_name(ByteBuffer& out, std::string_view scope, std::string_view name);

/// A tag `key:value`. What is no letter, digit, `_`, `-`, `:`, `.` or `/` of ASCII nor well-formed above it becomes
/// `_`; so does a colon in the key or at the end.
void append_dogstatsd_tag(ByteBuffer& out, std::string_view key, std::string_view value);

/// The tag by which an agent knows the pod a line comes from: a key that `append_dogstatsd_tag` lets nobody else use.
void append_dogstatsd_entity(ByteBuffer& out, std::string_view id);

/// The content of a field of its own (`c:`, `e:`, `card:`): printable ASCII but `|`, all else left out.
void append_dogstatsd_field(ByteBuffer& out, std::string_view name, std::string_view content);

/// Room for what the functions below write: 2^1023 has 309 digits, and the smallest double 341 characters.
inline constexpr std::size_t longest_plain_number = 352;

/// The fewest digits that read back as the same value, without an exponent. Finite values only.
[[nodiscard]] char* write_plain(char* out, double value) noexcept;

/// The same, with 7 digits: as many as a `float` needs to be read back.
[[nodiscard]] char* write_plain_short(char* out, double value) noexcept;

/// A sample rate that stands for `count` values (2 or more). An agent takes the whole part of its inverse.
[[nodiscard]] double sample_rate(std::uint64_t count) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
