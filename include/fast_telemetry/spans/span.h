// SPDX-License-Identifier: Apache-2.0
//
// Span: one timed operation of a trace. For code that traces; tracer.h is where spans come from.
#pragma once

#include "fast_telemetry/spans/attribute.h"
#include "fast_telemetry/spans/sampler.h"

namespace std {
class exception;
}

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Numbered as OTLP numbers them.
enum class SpanStatus : std::uint8_t { unset, ok, error };

struct SpanStart {
  SpanKind kind = SpanKind::internal;
  std::int64_t start_unix_ns = 0;  ///< 0: now
};

namespace detail {

struct TracerState;
struct OperationBegin;

/// The fixed part of a finished span, as it lies in the buffer; items (src/spans/items.h) follow it.
///
/// Words of 8 bytes, each written as one: a span is copied word by word right after it was written, and a load that
/// spans two stores would wait until both have left the processor's store buffer.
struct SpanHeader {
  std::uint64_t what;  ///< size of the record in bytes (a multiple of 8), kind, status, flags, HeaderBits
  std::int64_t start_ns;
  std::int64_t end_ns;
  TraceId trace_id;
  SpanId span_id;
  SpanId parent_id;
  const TracerState* tracer;
  const char* name;      ///< null: there is an item that has it
  std::uint64_t counts;  ///< attributes, events, links, dropped attributes: 16 bits each
  std::uint64_t rest;    ///< length of the name, dropped events, dropped links

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(what); }
  [[nodiscard]] SpanKind kind() const noexcept { return static_cast<SpanKind>(what >> 32U); }
  [[nodiscard]] SpanStatus status() const noexcept { return static_cast<SpanStatus>(what >> 40U); }
  [[nodiscard]] std::uint8_t flags() const noexcept { return static_cast<std::uint8_t>(what >> 48U); }
  [[nodiscard]] std::uint8_t bits() const noexcept { return static_cast<std::uint8_t>(what >> 56U); }
  void set_status(SpanStatus status) noexcept {
    what = (what & ~(std::uint64_t{0xFF} << 40U)) | std::uint64_t{static_cast<std::uint8_t>(status)} << 40U;
  }
  [[nodiscard]] static constexpr std::uint64_t of(SpanKind kind, std::uint8_t flags, std::uint8_t bits) noexcept {
    return std::uint64_t{static_cast<std::uint8_t>(kind)} << 32U | std::uint64_t{flags} << 48U |
           std::uint64_t{bits} << 56U;
  }

  [[nodiscard]] std::uint16_t attributes() const noexcept { return static_cast<std::uint16_t>(counts); }
  [[nodiscard]] std::uint16_t events() const noexcept { return static_cast<std::uint16_t>(counts >> 16U); }
  [[nodiscard]] std::uint16_t links() const noexcept { return static_cast<std::uint16_t>(counts >> 32U); }
  [[nodiscard]] std::uint16_t dropped_attributes() const noexcept { return static_cast<std::uint16_t>(counts >> 48U); }
  // Below a limit of 16 bits, each.
  void count_attribute() noexcept { ++counts; }
  void count_event() noexcept { counts += std::uint64_t{1} << 16U; }
  void count_link() noexcept { counts += std::uint64_t{1} << 32U; }

  [[nodiscard]] std::uint32_t name_size() const noexcept { return static_cast<std::uint32_t>(rest); }
  [[nodiscard]] std::uint16_t dropped_events() const noexcept { return static_cast<std::uint16_t>(rest >> 32U); }
  [[nodiscard]] std::uint16_t dropped_links() const noexcept { return static_cast<std::uint16_t>(rest >> 48U); }
  void set_name(const char* text, std::size_t size) noexcept {
    name = text;
    rest = (rest & ~std::uint64_t{0xFFFFFFFF}) | size;
  }
  // These stop at their largest value.
  void drop_attribute() noexcept {
    if (dropped_attributes() != 0xFFFF) counts += std::uint64_t{1} << 48U;
  }
  void drop_event() noexcept {
    if (dropped_events() != 0xFFFF) rest += std::uint64_t{1} << 32U;
  }
  void drop_link() noexcept {
    if (dropped_links() != 0xFFFF) rest += std::uint64_t{1} << 48U;
  }
};
static_assert(sizeof(SpanHeader) == 88);

enum HeaderBit : std::uint8_t { start_is_unix = 1, end_is_unix = 2, parent_is_remote = 4 };

}  // namespace detail

/// One timed operation. Ends when end() is called or it is destroyed, and is then copied into the thread's buffer as
/// one compact record, from where drain_spans() takes it.
///
/// Moved, not copied; any thread may have it, one at a time. May outlive its Tracer. Legal in static initialisers and
/// destructors, atexit handlers and thread-local destructors; not in signal handlers.
///
/// Cost: two clock reads (10 ns each) and some 3 to 8 ns more for a recorded span, and 7 ns per attribute; no heap
/// allocation. A span that is not sampled costs a branch per call (bench/micro/span_bench.cc). 464 bytes:
/// attributes, events and links of 320 bytes together fit inside, more go to a block of the spans' byte budget, up to
/// 64 KiB in all; what does not fit is left out and counted in the span's dropped counts, as is what exceeds its
/// tracer's SpanLimits.
///
/// In a forked child, spans that were begun in the parent go on propagating; ending one records nothing, since the
/// parent records it (counted: SpanInfo::dropped_forked).
class Span {
 public:
  /// A span that is none: records nothing, has no valid context.
  Span() noexcept : state_{State::none} {}
  Span(Span&& other) noexcept {
    if (other.state_ == State::none) {
      state_ = State::none;
    } else {
      take(other);
    }
  }
  /// Ends this span first.
  Span& operator=(Span&& other) noexcept;
  ~Span() {
    if (state_ == State::recording) finish();
  }

  /// Whether what is set here will be recorded: sampled, and not ended yet.
  [[nodiscard]] bool is_recording() const noexcept { return state_ == State::recording; }

  /// What to give to children elsewhere, or to inject into a request. Stays after the end. The ids of a span that is
  /// not sampled are drawn at the first call.
  [[nodiscard]] SpanContext context() const noexcept;

  /// For metrics that keep exemplars; zeros, which is no trace, unless this span is recorded.
  [[nodiscard]] TraceRef trace_ref() const noexcept;

  /// A child of this span, by the same tracer. A child of none is none.
  [[nodiscard]] Span child(Literal name, const SpanStart& start = {}) const noexcept;

  /// Sets an attribute; the last value of a key is the one that stays. The value is copied: strings as they are
  /// (encoders repair ill-formed UTF-8), cut after the tracer's limit of characters.
  void set_attribute(Literal key, const AttributeValue& value) noexcept {
    if (state_ == State::recording) set(key, value);
  }
  /// The same for a value that costs something to make: `compute()` is called only when the span is recorded.
  template <class Compute>
    requires requires(Compute& compute) { AttributeValue{compute()}; }
  void set_attribute(Literal key, Compute compute) noexcept(noexcept(compute())) {
    if (state_ == State::recording) set(key, compute());
  }

  /// Adds something that happened at a moment: now, unless a time is given.
  void add_event(Literal name, Attributes attributes = {}, std::int64_t time_unix_ns = 0) noexcept {
    if (state_ == State::recording) add(name, attributes, time_unix_ns);
  }

  /// Adds a relation to another span that is not the parent.
  void add_link(const SpanContext& context, Attributes attributes = {}) noexcept {
    if (state_ == State::recording) add(context, attributes);
  }

  /// Adds an event `exception` as OpenTelemetry's conventions have it. Does not set the status.
  void record_exception(Text type, Text message, Text stacktrace = {}) noexcept {
    if (state_ == State::recording) add_exception(type, message, stacktrace);
  }
  /// The same for an exception: its demangled type (which allocates) and its what().
  void record_exception(const std::exception& exception) noexcept {
    if (state_ == State::recording) add_exception(exception);
  }

  /// OpenTelemetry's rules: `ok` is final, `unset` changes nothing, the description is kept with `error` only.
  void set_status(SpanStatus status, Text description = {}) noexcept {
    if (state_ == State::recording) change_status(status, description);
  }

  void rename(Literal name) noexcept {
    if (state_ == State::recording) change_name(name);
  }
  /// The same for a name that is known only now, such as a route. Few distinct ones: names group spans.
  void rename_to(Text name) noexcept {
    if (state_ == State::recording) change_name_to(name);
  }

  /// Ends the span; what is set afterwards is ignored. The second end is ignored, too.
  void end() noexcept {
    if (state_ == State::recording) finish();
  }
  /// The same, with the time it ended at, in nanoseconds since 1970.
  void end_at(std::int64_t unix_ns) noexcept {
    if (state_ == State::recording) finish_at(unix_ns);
  }

 private:
  friend class Tracer;
  friend struct detail::OperationBegin;

  enum class State : std::uint8_t { none, unsampled, recording, ended };
  static constexpr std::size_t inline_bytes = 320;

  struct Unsampled {};
  /// Not sampled, ids not drawn.
  Span(Unsampled, const detail::TracerState& tracer) noexcept
      : tracer_{&tracer}, state_{State::unsampled}, has_trace_id_{false}, has_half_id_{false}, has_span_id_{false} {}
  /// The same, by the half of the trace id that was drawn.
  Span(Unsampled, const detail::TracerState& tracer, std::uint64_t low_half) noexcept;
  /// Not sampled, as its parent, whose trace id is known.
  Span(Unsampled, const detail::TracerState& tracer, const TraceId& trace_id, std::uint8_t flags,
       const TraceState& trace_state) noexcept
      : tracer_{&tracer},
        trace_state_{trace_state},
        state_{State::unsampled},
        has_trace_id_{true},
        has_half_id_{false},
        has_span_id_{false} {
    header_.trace_id = trace_id;
    header_.what = detail::SpanHeader::of(SpanKind::internal, flags, 0);
  }

  void take(Span& other) noexcept;
  [[gnu::cold]] void draw_ids() const noexcept;
  void set(Literal key, const AttributeValue& value) noexcept;
  void add(Literal name, Attributes attributes, std::int64_t time_unix_ns) noexcept;
  void add(const SpanContext& context, Attributes attributes) noexcept;
  void add_exception(Text type, Text message, Text stacktrace) noexcept;
  void add_exception(const std::exception& exception) noexcept;
  void change_status(SpanStatus status, Text description) noexcept;
  void change_name(Literal name) noexcept;
  void change_name_to(Text name) noexcept;
  void finish() noexcept;
  void finish_now(std::int64_t now_ns) noexcept;  ///< by a reading of now_ns()
  void finish_at(std::int64_t unix_ns) noexcept;
  void hand_over(std::int64_t end_ns, std::uint8_t end_bits) noexcept;

  struct Items;      ///< writes into the room for items
  struct Beginning;  ///< what a recorded span starts with
  explicit Span(const Beginning& beginning) noexcept;

  // Only what a state needs is ever written: of a span that is not sampled, no more than its trace id.
  mutable detail::SpanHeader header_;
  const detail::TracerState* tracer_;
  std::byte* spill_;        ///< null: items are in inline_
  std::uint64_t epoch_;     ///< of the process that began it
  std::uint32_t used_;      ///< bytes of items
  std::uint32_t capacity_;  ///< for items, where they are now
  std::uint64_t keys_;      ///< a bit for each attribute's key, by its characters: what has none is not there yet
  TraceState trace_state_;
  State state_;
  mutable bool has_trace_id_;
  bool has_half_id_;  ///< the trace id's second half is there: a sampler went by it
  mutable bool has_span_id_;
  alignas(8) std::byte inline_[inline_bytes];
};

FAST_TELEMETRY_END_NAMESPACE
