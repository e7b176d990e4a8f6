// SPDX-License-Identifier: Apache-2.0
//
// Driver: gives exporters, drains and sweeps their turns, on whatever thread calls it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fast_telemetry/export/exporter.h"
#include "fast_telemetry/runtime/telemetry_options.h"
#include "runtime_metrics.h"
#include "schedule.h"
#include "span_fan_out.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What an exporter had to show when its last call returned.
struct ExporterState {
  std::string name;
  DeliveryInfo info;
  std::uint64_t round = 0;   ///< the ordered round that reached it last
  bool is_complete = false;  ///< then: nothing waited any more, and nothing was dropped in the round
};

/// One thread at a time *drives*: calls begin_round, run_due, flush, close, next_due. Other threads may look (states),
/// have the driving one get on with it (interrupt), and, when a call to an exporter does not return, drive in its stead
/// (take_over): the thread that is in the call then finds out when it returns, and touches nothing any more.
class Driver {
 public:
  using Time = Schedule::Time;
  using Clock = Time (*)() noexcept;

  /// What a round is for; an ordered one is not interrupted for one of a lower kind.
  enum class Round : std::uint8_t { regular, flush, close };

  static constexpr std::uint64_t last_round = ~std::uint64_t{0};

  explicit Driver(
      Registry& registry, Clock clock = []() noexcept { return std::chrono::steady_clock::now(); })
      : registry_{registry}, clock_{clock} {}

  // Before begin(). Throw std::invalid_argument for a schedule without sense.
  void add(std::unique_ptr<Exporter> exporter, const ExportSchedule& schedule);
  void sweep_every(std::chrono::milliseconds interval, const SweeperOptions& options);
  void sample_tails(const TailSamplerOptions& options);

  /// Turns count from now on.
  void begin() noexcept;

  /// What is asked of interrupt() from now on is about another round than this.
  void begin_round(Round round) noexcept;

  // These return false if meanwhile another thread took over: then this one must touch nothing of the driver's any
  // more.

  /// Takes the turns that are due, each by its own timeout and `until`.
  [[nodiscard]] bool run_due(Time until) noexcept;
  /// Has all exporters flush by then, and notes the round's number.
  [[nodiscard]] bool flush(std::uint64_t round, Time until) noexcept;
  /// Has all exporters that are not closed close by then.
  [[nodiscard]] bool close(Time until) noexcept;

  /// Destroys everything, in a forked child where no thread was driving.
  void let_go() noexcept;

  /// When run_due has something to do, unless the spans' writers call.
  [[nodiscard]] Time next_due() const noexcept;

  // Any thread.

  /// Ends a round of a lower kind: the call under way by then, and what would follow it is left out. The one that is
  /// to come instead has to begin.
  void interrupt(Round round, Time by) noexcept;
  /// By when the call under way is to return; Time::max(): there is none.
  [[nodiscard]] Time call_ends_by() const noexcept;
  /// Makes the calling thread the one that drives, if a call is under way that should have returned so long ago. Who is
  /// in the call is not called again.
  [[nodiscard]] bool take_over(std::chrono::milliseconds overdue) noexcept;
  [[nodiscard]] std::vector<ExporterState> states() const;
  /// Spans that had ended when the last drain began, and that not all exporters of spans have.
  [[nodiscard]] std::uint64_t spans_waiting() const noexcept;

 private:
  struct Metrics {
    explicit Metrics(Registry& registry, Text exporter)
        : delivery{Scope{registry, "fast_telemetry_delivery", {{"exporter", exporter}}}},
          driven{Scope{registry, "fast_telemetry_runtime", {{"exporter", exporter}}}} {}
    DeliveryMetrics delivery;
    ExportMetrics driven;
  };

  struct Driven {
    std::unique_ptr<Exporter> exporter;
    SpanExporter* spans;  ///< the same, if it is one
    Schedule schedule;
    std::chrono::milliseconds timeout;
    std::unique_ptr<Metrics> metrics;
    std::optional<Time> retry_at = {};
    bool is_closed = false;
    bool is_stuck = false;             ///< a call to it did not return
    std::uint64_t dropped_before = 0;  ///< when the ordered round began
    ExporterState state = {};          ///< under mutex_
  };

  /// What is being called.
  struct Call {
    Driven* exporter = nullptr;  ///< null: a drain or a sweep
    bool is_drain = false;
    Time until = Time::max();
    bool is_cut_short = false;
  };

  struct Sweeping {
    Sweeping(Registry& registry, const SweeperOptions& options, const std::string& name)
        : metrics{Scope{registry, "fast_telemetry_runtime", {{"sweeper", name}}}}, sweeper{registry, options} {}
    SweepMetrics metrics;
    Sweeper sweeper;
  };

  template <class Use>
  [[nodiscard]] bool call(const Call& what, Use use) noexcept;
  template <class Use>
  [[nodiscard]] bool call(Driven& driven, Time until, Use use) noexcept;
  void publish(Driven& driven) noexcept;

  [[nodiscard]] bool is_interrupted() const noexcept;
  [[nodiscard]] bool take_turn(Driven& driven, Time until, bool is_pressed) noexcept;
  void schedule_retry(Driven& driven, const DeliveryReport& report) const noexcept;
  [[nodiscard]] bool order(Driven& driven, Round kind, std::uint64_t round, Time until) noexcept;
  [[nodiscard]] bool ordered_round(Round kind, std::uint64_t round, Time until) noexcept;
  /// `is_last`: the tail sampler, too, gives all that it has.
  [[nodiscard]] bool drain(Time until, bool is_last) noexcept;
  void drain_now(bool is_last) noexcept;
  [[nodiscard]] bool drain_is_due(Time now) const noexcept;
  [[nodiscard]] bool sweep(Time now) noexcept;

  Registry& registry_;
  const Clock clock_;
  std::vector<std::unique_ptr<Driven>> exporters_;
  SpanFanOut fan_out_;
  std::unique_ptr<TailSampler> tail_;
  std::unique_ptr<Sweeping> sweeping_;
  Schedule sweeps_{std::chrono::milliseconds{1}, false};
  bool drains_ = true;  ///< nothing is closed, and no drain was left behind in a sink
  std::atomic<std::uint64_t> spans_left_{0};

  mutable std::mutex mutex_;
  // Under mutex_:
  std::optional<Call> call_;
  std::uint64_t driver_ = 0;  ///< changes when another thread takes over
  Round round_ = Round::regular;
  Round wanted_ = Round::regular;  ///< interrupts round_ if it is higher
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
