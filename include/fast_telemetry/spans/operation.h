// SPDX-License-Identifier: Apache-2.0
//
// Operation: a call that is counted, timed and traced at one place. For code that records.
#pragma once

#include <exception>
#include <optional>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/scoped_timer.h"
#include "fast_telemetry/spans/tracer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// How an operation went, where nobody needs to know more.
enum class Outcome : std::uint8_t { ok, error, cancelled };

constexpr Label label(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::ok: return {"outcome", "ok"};
    case Outcome::error: return {"outcome", "error"};
    case Outcome::cancelled: return {"outcome", "cancelled"};
  }
  return {};
}

/// A label enum of one's own, in which `ok` is how an operation goes that says nothing, and `error` how one goes that
/// an exception ends. Others are errors as well if `constexpr bool is_error(E)`, in the enum's namespace, says so.
template <class E>
concept OutcomeEnum = LabelEnum<E> && requires {
  E::ok;
  E::error;
};

namespace detail {

template <OutcomeEnum E>
constexpr bool is_failure(E outcome) noexcept {
  if constexpr (requires { bool{is_error(outcome)}; }) {
    return is_error(outcome);
  } else {
    return outcome == E::error;
  }
}

/// When an operation began, and in which process.
struct OperationBegin {
  /// By the clock read that the span began with; by one of its own, if the span is not recorded.
  static OperationBegin of(Span& span) noexcept;
  /// Reads the clock once and ends the span with it. The operation's nanoseconds; below 0: it is another process's.
  [[nodiscard]] std::int64_t end(Span& span, bool is_error) const noexcept;

  std::int64_t ns;
  std::uint64_t epoch;
};

/// What a process needs to be told apart from those it forks. Throws std::bad_alloc.
void prepare_operations();

/// The families of an operation that have a name of their own, each a part of OperationMetrics.
template <class Metric>
class OperationPart {
 public:
  template <class... Args>
  OperationPart(const Scope& scope, const Info& info, const char* suffix, const Args&... args)
      : registration_{&scope, &info, declare(suffix, args...)} {}
  [[nodiscard]] typename Metric::Point point() noexcept { return Metric::point(registration_, 0); }

 private:
  template <class... Args>
  static Declaration declare(const char* suffix, const Args&... args) {
    Declaration declaration = Metric::declare(args...);
    declaration.suffix = suffix;
    return declaration;
  }

  Registration registration_;
};

}  // namespace detail

template <OutcomeEnum E>
class Operation;

/// What the operations of one kind record in:
///
///     ft::OperationMetrics<> queries{scope, {.name = "db_query", .help = "Queries."}, tracer};
///
///     auto query = queries.start("SELECT", ft::SpanKind::client);
///     query.span().set_attribute("db.system.name", "postgresql");
///     if (!run()) query.set_outcome(ft::Outcome::error);
///
/// Exported as `<name>` (a counter with the label of the outcome: in Prometheus `<name>_total`), `<name>_duration` (a
/// Distribution of seconds, whose exemplars are operations with a recorded span) and `<name>_in_flight` (an
/// up-down counter). Its operations must end before it is destroyed. Any thread, but not signal handlers.
template <class E = Outcome>
class OperationMetrics {
  static_assert(detail::check_label_enum<E>());
  static_assert(OutcomeEnum<E>, "an outcome enum has enumerators `ok` and `error`");

 public:
  /// Of Info, the unit is not asked. Throws as Distribution's constructor does.
  OperationMetrics(const Scope& scope, const Info& info, const Tracer& tracer, Range range = Range::latency(),
                   DistributionOptions options = {})
      : OperationMetrics{scope, info, std::optional{tracer}, range, options} {}
  /// The same without spans.
  OperationMetrics(const Scope& scope, const Info& info, Range range = Range::latency(),
                   DistributionOptions options = {})
      : OperationMetrics{scope, info, std::optional<Tracer>{}, range, options} {}

  /// A span below the thread's current one, as Tracer::start.
  [[nodiscard]] Operation<E> start(Literal name, SpanKind kind = SpanKind::internal) noexcept {
    return begin([&](const Tracer& tracer) { return tracer.start(name, {.kind = kind}); });
  }
  /// A span below this one, which may be of another process; if it is none, the first one of a new trace.
  [[nodiscard]] Operation<E> start(const SpanContext& parent, Literal name,
                                   SpanKind kind = SpanKind::internal) noexcept {
    return begin([&](const Tracer& tracer) { return tracer.child(parent, name, {.kind = kind}); });
  }
  /// A span below this one. A child of none is none.
  [[nodiscard]] Operation<E> start(const Span& parent, Literal name, SpanKind kind = SpanKind::internal) noexcept {
    return begin([&](const Tracer& tracer) { return tracer.child(parent, name, {.kind = kind}); });
  }

  [[nodiscard]] std::uint64_t count(E outcome) const noexcept { return outcomes_.with(outcome).value(); }
  [[nodiscard]] std::int64_t in_flight() noexcept { return in_flight_.point().value(); }
  [[nodiscard]] Distribution::Point duration() noexcept { return duration_.point(); }

 private:
  friend class Operation<E>;

  OperationMetrics(const Scope& scope, const Info& info, const std::optional<Tracer>& tracer, Range range,
                   DistributionOptions options)
      : tracer_{tracer},
        outcomes_{scope, {.name = info.name, .help = info.help}},
        duration_{scope, {.name = info.name, .help = info.help}, "duration", range, options},
        in_flight_{scope, {.name = info.name, .help = info.help}, "in_flight"} {
    detail::prepare_operations();
  }

  template <class MakeSpan>
  Operation<E> begin(MakeSpan make_span) noexcept {
    in_flight_.point().add();
    return {*this, [&] { return tracer_ ? make_span(*tracer_) : Span{}; }};
  }

  void end(const detail::OperationBegin& begun, Span& span, E outcome) noexcept {
    const std::int64_t duration_ns = begun.end(span, detail::is_failure(outcome));
    if (duration_ns < 0) return;
    duration_.point().record(detail::Nanoseconds{duration_ns}, span.trace_ref());
    outcomes_.with(outcome).add();
    in_flight_.point().sub();
  }

  std::optional<Tracer> tracer_;
  Labeled<Counter, E> outcomes_;
  detail::OperationPart<Distribution> duration_;
  detail::OperationPart<UpDownCounter> in_flight_;
};

/// One operation: in flight from OperationMetrics::start() until end() is called or it is destroyed. The clock is read
/// once at each of the two: the span and the distribution have the same duration, to the nanosecond. An
/// operation that becomes an exemplar, one of very few (trace_ref.h), reads it once more; so does the start below a
/// tracer of SpanClock::coarse, whose clock is too coarse for a distribution.
///
/// The outcome is `ok` unless another one is set. Left by an exception, `ok` becomes `error`; an outcome that was set
/// to something else stays. An outcome that is an error gives the span the status `error`, unless it has a status
/// already.
///
/// Moved, not copied; may end on any thread. One that is ended in a forked child, and begun in the parent, records
/// nothing: it is the parent's.
///
/// Cost beside the two clock reads: bench/micro/span_bench.cc (BM_operation…).
template <OutcomeEnum E>
class [[nodiscard]] Operation {
 public:
  Operation(Operation&& other) noexcept
      : metrics_{other.metrics_},
        exceptions_{std::uncaught_exceptions()},
        outcome_{other.outcome_},
        span_{static_cast<Span&&>(other.span_)},
        begin_{other.begin_} {
    other.metrics_ = nullptr;
  }
  Operation& operator=(Operation&&) = delete;
  ~Operation() {
    if (metrics_ == nullptr) return;
    if (outcome_ == E::ok && std::uncaught_exceptions() > exceptions_) outcome_ = E::error;
    end();
  }

  /// For attributes, events, children. Records nothing if there is no tracer, or it is not sampled. Moving it away or
  /// ending it leaves the rest of the operation as it is.
  [[nodiscard]] Span& span() noexcept { return span_; }
  [[nodiscard]] const Span& span() const noexcept { return span_; }

  void set_outcome(E outcome) noexcept { outcome_ = outcome; }

  /// Ends it now. The second end is ignored.
  void end() noexcept {
    if (metrics_ == nullptr) return;
    metrics_->end(begin_, span_, outcome_);
    metrics_ = nullptr;
  }

 private:
  friend class OperationMetrics<E>;

  // The span is made where it stays: moving it would be part of what is timed.
  template <class MakeSpan>
  Operation(OperationMetrics<E>& metrics, MakeSpan make_span) noexcept
      : metrics_{&metrics},
        exceptions_{std::uncaught_exceptions()},
        span_{make_span()},
        begin_{detail::OperationBegin::of(span_)} {}

  OperationMetrics<E>* metrics_;  ///< null: it has ended
  int exceptions_;                ///< that were on their way when it came to this place
  E outcome_ = E::ok;
  Span span_;
  detail::OperationBegin begin_;
};

FAST_TELEMETRY_END_NAMESPACE
