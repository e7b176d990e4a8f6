// SPDX-License-Identifier: Apache-2.0
//
// TraceState: what tracing systems pass along beside the ids (W3C's tracestate). For code that reads or adds to it.
#pragma once

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
struct SharedText;  ///< counted text in a block of the spans' budget
void retain(SharedText& text) noexcept;
void release(SharedText& text) noexcept;
}  // namespace detail

/// At most 32 members `key=value`, the most recent first; immutable, shared by all spans of a trace in this process.
///
/// A value: copying counts a reference (nothing when it is empty, one locked instruction otherwise). The text lies in a
/// block of the spans' byte budget, never on the heap; where there is none left, or it is longer than 4 080 characters
/// after W3C's rule for truncation, what does not fit is left out and counted (SpanInfo::trace_states_cut).
class TraceState {
 public:
  constexpr TraceState() noexcept = default;
  TraceState(const TraceState& other) noexcept : text_{other.text_} {
    if (text_ != nullptr) detail::retain(*text_);
  }
  TraceState(TraceState&& other) noexcept : text_{other.text_} { other.text_ = nullptr; }
  TraceState& operator=(TraceState other) noexcept {
    detail::SharedText* const mine = text_;
    text_ = other.text_;
    other.text_ = mine;
    return *this;
  }
  ~TraceState() {
    if (text_ != nullptr) detail::release(*text_);
  }

  /// Reads one header value. W3C Trace Context, 3.3.1: a list that breaks a rule is discarded as a whole, and the
  /// result is empty.
  [[nodiscard]] static TraceState parse(Text header) noexcept;

  /// The header's value; empty when there is nothing to send. Valid while this object lives.
  [[nodiscard]] Text text() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return text_ == nullptr; }

  /// The value of a key; empty when it is not there. Valid while this object lives.
  [[nodiscard]] Text get(Text key) const noexcept;

  /// The same list with one member set, moved to the left as W3C demands; the last member makes room when there are 33.
  /// A key or a value that W3C does not allow changes nothing.
  [[nodiscard]] TraceState with(Text key, Text value) const noexcept;

 private:
  friend class ContextExtractor;
  explicit TraceState(detail::SharedText* text) noexcept : text_{text} {}

  detail::SharedText* text_ = nullptr;
};

FAST_TELEMETRY_END_NAMESPACE
