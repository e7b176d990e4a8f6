// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/tail_sampler.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <string>

#include "epoch.h"
#include "fast_telemetry/clock.h"
#include "held_traces.h"
#include "latencies.h"
#include "rules.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

namespace {

template <class Number>
void check_limit(const char* what, Number value, std::uint64_t least, std::uint64_t most) {
  const auto number = static_cast<std::uint64_t>(value);
  if (number >= least && number <= most) return;
  throw std::invalid_argument{std::string{what} + " is " + std::to_string(least) + " to " + std::to_string(most) +
                              ", not " + std::to_string(value)};
}

TailSamplerOptions checked(const TailSamplerOptions& options) {
  constexpr std::uint64_t most_ns = std::numeric_limits<std::int64_t>::max();
  constexpr std::uint64_t most_traces = std::uint64_t{1} << 28U;
  constexpr std::uint64_t any = 0xFFFFFFFF;
  check_limit("slower_than_ns", options.slower_than_ns, 0, most_ns);
  check_limit("wait_after_root_ns", options.wait_after_root_ns, 0, most_ns);
  check_limit("longest_wait_ns", options.longest_wait_ns, 0, most_ns);
  check_limit("max_bytes", options.max_bytes, RecordLog::fewest_bytes, RecordLog::most_bytes);
  check_limit("max_traces", options.max_traces, 1, most_traces);
  check_limit("max_decisions", options.max_decisions, 1, most_traces);
  check_limit("max_bytes_per_trace", options.max_bytes_per_trace, 1, any);
  check_limit("max_spans_per_trace", options.max_spans_per_trace, 1, any);
  return options;
}

std::int64_t duration_ns(const SpanRecord& record) noexcept {
  return std::max<std::int64_t>(record.end_unix_ns() - record.start_unix_ns(), 0);
}

bool is_local_root(const SpanRecord& record) noexcept {
  return record.parent_is_remote() || !record.parent_id().is_valid();
}

}  // namespace

class TailState {
 public:
  TailState(const TailSamplerOptions& options, SpanSink& next)
      : options_{checked(options)},
        next_{next},
        ratio_{Sampler::trace_id_ratio(options.ratio).rule()},
        latencies_{options.slow_quantile},
        log_{options.max_bytes},
        traces_{std::size_t{options.max_traces} + options.max_decisions} {}

  SinkAnswer take(const SpanRecord& record) {
    begin_process();
    unix_lead_ns_ = record.unix_lead_ns();
    for (;;) {
      if (!pass_on()) return SinkAnswer::full;
      const std::uint32_t trace = traces_.find(record.trace_id());
      if (trace != none && traces_[trace].phase == TracePhase::decided) return take_late(traces_[trace], record);
      if (has_room(trace, record)) {
        hold(trace, record);
        return SinkAnswer::taken;
      }
      decide(oldest());
      decided_early_.add();
    }
  }

  enum class Which : std::uint8_t { due, all };

  bool decide_traces(Which which) {
    begin_process();
    const std::int64_t now = now_ns();
    for (;;) {
      if (!pass_on()) return false;
      const std::uint32_t trace = which == Which::all ? oldest() : due(now);
      if (trace == none) return true;
      decide(trace);
    }
  }

  [[nodiscard]] TailSamplerInfo info() const noexcept {
    TailSamplerInfo info{};
    info.received = received_.value();
    info.kept = kept_.value();
    info.held = held_.value();
    info.dropped_sampled_out = sampled_out_.value();
    info.dropped_trace_limit = trace_limit_.value();
    info.traces_error = traces_error_.value();
    info.traces_slow = traces_slow_.value();
    info.traces_ratio = traces_ratio_.value();
    info.traces_sampled_out = traces_sampled_out_.value();
    info.decided_early = decided_early_.value();
    info.decided_rootless = decided_rootless_.value();
    info.late_spans = late_.value();
    info.revised = revised_.value();
    info.held_traces = held_traces_.value();
    info.held_bytes = held_bytes_.value();
    info.most_held_bytes = most_held_bytes_.value();
    return info;
  }

 private:
  /// Written by the sampler's thread, read by any.
  class Tally {
   public:
    void add(std::uint64_t n = 1) noexcept { set(value() + n); }
    void sub(std::uint64_t n = 1) noexcept { set(value() - n); }
    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::uint64_t> value_{0};
  };

  static constexpr std::uint32_t none = HeldTraces::none;

  /// What the parent process holds, and has counted, is its own.
  void begin_process() noexcept {
    const std::uint64_t now = settled_epoch();
    if (epoch_ == now) return;
    epoch_ = now;
    traces_.clear();
    log_.clear();
    passing_ = none;
    for (Tally* const tally : {&received_, &kept_, &held_, &sampled_out_, &trace_limit_, &traces_error_, &traces_slow_,
                               &traces_ratio_, &traces_sampled_out_, &decided_early_, &decided_rootless_, &late_,
                               &revised_, &held_traces_, &held_bytes_, &most_held_bytes_}) {
      tally->set(0);
    }
  }

  // ---- a span comes ----

  [[nodiscard]] bool has_room(std::uint32_t trace, const SpanRecord& record) noexcept {
    if (trace == none && held_traces_.value() >= options_.max_traces) return false;
    if (trace != none && !is_held(traces_[trace], record)) return true;
    return log_.make_room(record, [this](std::uint32_t owner) -> RecordChain& { return traces_[owner].records; });
  }

  void hold(std::uint32_t index, const SpanRecord& record) noexcept {
    if (index == none) {
      index = traces_.add(record.trace_id(), now_ns());
      held_traces_.add();
    }
    HeldTrace& trace = traces_[index];
    const bool fits = is_held(trace, record);
    received_.add();
    judge(trace, record);
    if (is_first_root(trace, record)) {
      trace.since_ns = now_ns();
      traces_.move(index, TracePhase::ended);
    }
    if (!fits) return trace_limit_.add();
    log_.append(trace.records, index, record);
    ++trace.spans;
    trace.bytes += static_cast<std::uint32_t>(record.size_bytes());
    held_.add();
    count_bytes();
  }

  [[nodiscard]] static bool is_first_root(const HeldTrace& trace, const SpanRecord& record) noexcept {
    return is_local_root(record) && trace.phase == TracePhase::waiting;
  }
  /// Within the trace's limits, or the one span that tells most.
  [[nodiscard]] bool is_held(const HeldTrace& trace, const SpanRecord& record) const noexcept {
    return is_first_root(trace, record) || (trace.spans < options_.max_spans_per_trace &&
                                            trace.bytes + record.size_bytes() <= options_.max_bytes_per_trace);
  }

  /// Notes what decides.
  void judge(HeldTrace& trace, const SpanRecord& record) noexcept {
    trace.has_error |= record.status() == SpanStatus::error;
    trace.longest_ns = std::max(trace.longest_ns, duration_ns(record));
    if (!is_local_root(record)) return;
    trace.is_slow |= is_slow_root(record);
    latencies_.add(record.name(), duration_ns(record));
  }

  [[nodiscard]] bool is_slow_root(const SpanRecord& record) const noexcept {
    const std::int64_t duration = duration_ns(record);
    return is_slower(duration) || latencies_.is_slow(record.name(), duration);
  }
  [[nodiscard]] bool is_slower(std::int64_t duration) const noexcept {
    return options_.slower_than_ns != 0 && duration > options_.slower_than_ns;
  }

  SinkAnswer take_late(HeldTrace& trace, const SpanRecord& record) {
    const bool is_root = is_local_root(record);
    const bool is_wanted = trace.is_kept || record.status() == SpanStatus::error || (is_root && is_slow_root(record));
    if (is_wanted && next_.span(record) == SinkAnswer::full) return SinkAnswer::full;
    received_.add();
    late_.add();
    (is_wanted ? kept_ : sampled_out_).add();
    if (is_wanted && !trace.is_kept) {
      trace.is_kept = true;
      revised_.add();
    }
    if (is_root) latencies_.add(record.name(), duration_ns(record));
    return SinkAnswer::taken;
  }

  // ---- a trace is decided ----

  /// What is known of it will not get better: of those that have ended first.
  [[nodiscard]] std::uint32_t oldest() const noexcept {
    const std::uint32_t ended = traces_.oldest(TracePhase::ended);
    return ended != none ? ended : traces_.oldest(TracePhase::waiting);
  }

  [[nodiscard]] std::uint32_t due(std::int64_t now_ns) noexcept {
    const std::uint32_t ended = traces_.oldest(TracePhase::ended);
    if (ended != none && now_ns - traces_[ended].since_ns >= options_.wait_after_root_ns) return ended;
    const std::uint32_t waiting = traces_.oldest(TracePhase::waiting);
    if (waiting != none && now_ns - traces_[waiting].since_ns >= options_.longest_wait_ns) return waiting;
    return none;
  }

  void decide(std::uint32_t index) noexcept {
    HeldTrace& trace = traces_[index];
    if (trace.phase == TracePhase::waiting) {
      decided_rootless_.add();
      trace.is_slow |= is_slower(trace.longest_ns);
    }
    Tally& decision = decision_of(trace);
    decision.add();
    trace.is_kept = &decision != &traces_sampled_out_;
    held_traces_.sub();
    if (traces_.count(TracePhase::decided) == options_.max_decisions) {
      traces_.erase(traces_.oldest(TracePhase::decided));
    }
    traces_.move(index, TracePhase::decided);
    if (trace.is_kept) {
      passing_ = index;
    } else {
      while (trace.records.first != RecordChain::none) release_front(trace, sampled_out_);
    }
  }

  [[nodiscard]] Tally& decision_of(const HeldTrace& trace) noexcept {
    if (trace.has_error) return traces_error_;
    if (trace.is_slow) return traces_slow_;
    const bool is_chosen = ratio_.is_sampled({nullptr, trace.id, {}, SpanKind::internal});
    return is_chosen ? traces_ratio_ : traces_sampled_out_;
  }

  /// Gives the spans of the trace that is kept to the next sink. False: it is full. There is one such trace at a time,
  /// and nothing else happens before all of it is out: until then, its records stay where they are.
  [[nodiscard]] bool pass_on() {
    if (passing_ == none) return true;
    HeldTrace& trace = traces_[passing_];
    while (trace.records.first != RecordChain::none) {
      // All with the latest distance to the wall clock, so that those of several drains fit together.
      if (next_.span(log_.front(trace.records, unix_lead_ns_)) == SinkAnswer::full) return false;
      release_front(trace, kept_);
    }
    passing_ = none;
    return true;
  }

  void release_front(HeldTrace& trace, Tally& to) noexcept {
    log_.pop_front(trace.records);
    held_.sub();
    to.add();
    count_bytes();
  }

  void count_bytes() noexcept {
    const std::uint64_t bytes = log_.held_bytes();
    held_bytes_.set(bytes);
    if (bytes > most_held_bytes_.value()) most_held_bytes_.set(bytes);
  }

  const TailSamplerOptions options_;
  SpanSink& next_;
  const Rule& ratio_;
  Latencies latencies_;
  RecordLog log_;
  HeldTraces traces_;
  std::uint32_t passing_ = none;
  std::int64_t unix_lead_ns_ = 0;
  std::uint64_t epoch_ = settled_epoch();

  // TailSamplerInfo says what each is.
  Tally received_, kept_, held_, sampled_out_, trace_limit_;
  Tally traces_error_, traces_slow_, traces_ratio_, traces_sampled_out_;
  Tally decided_early_, decided_rootless_, late_, revised_;
  Tally held_traces_, held_bytes_, most_held_bytes_;
};

}  // namespace detail

TailSampler::TailSampler(const TailSamplerOptions& options, SpanSink& next)
    : state_{std::make_unique<detail::TailState>(options, next)} {}
TailSampler::~TailSampler() = default;

SinkAnswer TailSampler::span(const SpanRecord& record) { return state_->take(record); }

bool TailSampler::decide() { return state_->decide_traces(detail::TailState::Which::due); }

bool TailSampler::flush() { return state_->decide_traces(detail::TailState::Which::all); }

TailSamplerInfo TailSampler::info() const noexcept { return state_->info(); }

FAST_TELEMETRY_END_NAMESPACE
