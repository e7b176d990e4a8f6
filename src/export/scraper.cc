// SPDX-License-Identifier: Apache-2.0
#include "scraper.h"

#include "library_families.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// Passes a collection on to the encoder as long as it fits the limits. Knows the encoder's type: a point takes hardly
/// longer to write than a call through Visitor.
template <class Encoder>
class LimitedExposition final : public Visitor {
 public:
  struct Limits {
    std::size_t max_bytes;
    std::chrono::steady_clock::time_point deadline;
    const std::atomic<bool>& stopping;
  };

  LimitedExposition(Encoder& encoder, const ByteBuffer& text, const Limits& limits)
      : encoder_{encoder}, text_{text}, limits_{limits} {}

  [[nodiscard]] ScrapeOutcome outcome() const noexcept { return outcome_; }

  void begin(const Collection& collection) override { encoder_.begin(collection); }
  void family(const Family& family) override {
    check_time();
    if (may_go_on()) encoder_.family(family);
  }
  void sum(const Series& series, const NumberPoint<std::uint64_t>& point) override {
    if (may_go_on()) encoder_.sum(series, point);
  }
  void sum(const Series& series, const NumberPoint<std::int64_t>& point) override {
    if (may_go_on()) encoder_.sum(series, point);
  }
  void sum(const Series& series, const NumberPoint<double>& point) override {
    if (may_go_on()) encoder_.sum(series, point);
  }
  void gauge(const Series& series, const NumberPoint<std::int64_t>& point) override {
    if (may_go_on()) encoder_.gauge(series, point);
  }
  void gauge(const Series& series, const NumberPoint<double>& point) override {
    if (may_go_on()) encoder_.gauge(series, point);
  }
  void histogram(const Series& series, const HistogramPoint& point) override {
    if (may_go_on()) encoder_.histogram(series, point);
  }
  void histogram(const Series& series, const ExponentialPoint& point) override {
    if (may_go_on()) encoder_.histogram(series, point);
  }
  void info(const Series& series) override {
    if (may_go_on()) encoder_.info(series);
  }
  void state_set(const Series& series, std::span<const State> states) override {
    if (may_go_on()) encoder_.state_set(series, states);
  }
  void end() override {
    encoder_.end();
    may_go_on();
  }

 private:
  bool may_go_on() noexcept {
    if (text_.size() > limits_.max_bytes && outcome_ == ScrapeOutcome::ok) outcome_ = ScrapeOutcome::too_large;
    return outcome_ == ScrapeOutcome::ok;
  }

  // Per family, since reading the clock takes as long as writing a point.
  void check_time() noexcept {
    if (outcome_ != ScrapeOutcome::ok) return;
    // Relaxed: the flag carries nothing with it.
    if (limits_.stopping.load(std::memory_order_relaxed) || std::chrono::steady_clock::now() >= limits_.deadline) {
      outcome_ = ScrapeOutcome::too_late;
    }
  }

  Encoder& encoder_;
  const ByteBuffer& text_;
  Limits limits_;
  ScrapeOutcome outcome_ = ScrapeOutcome::ok;
};

}  // namespace

ScrapeOutcome Scraper::scrape(Format format, std::chrono::steady_clock::time_point deadline) {
  return format == Format::open_metrics ? scrape(open_metrics_, deadline) : scrape(prometheus_text_, deadline);
}

template <class Encoder>
ScrapeOutcome Scraper::scrape(Encoder& encoder, std::chrono::steady_clock::time_point deadline) {
  text_.clear();
  LimitedExposition<Encoder> exposition{encoder, text_, {options_.max_body_bytes, deadline, stopping_}};
  reader_.collect().visit(exposition, LibraryFamilies{.process = options_.process_metrics});
  // Every scraper sees finals for their time, so nothing hangs on this scrape's arriving.
  reader_.accept();
  return exposition.outcome();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
