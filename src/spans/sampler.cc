// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/sampler.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "fast_telemetry/clock.h"
#include "rules.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

constinit std::atomic<const detail::Rule*> all_rules{nullptr};

}  // namespace

detail::Rule::Rule(Verdict roots, Verdict children, std::uint64_t chosen_below) noexcept
    : for_roots{roots},
      for_children{children},
      ids_below{chosen_below},
      next_{all_rules.load(std::memory_order_relaxed)} {
  while (!all_rules.compare_exchange_weak(next_, this, std::memory_order_release)) {
  }
}

namespace {

using detail::Rule;
using detail::Verdict;

struct Constant final : Rule {
  explicit Constant(Verdict verdict) noexcept : Rule{verdict, verdict}, sampled_{verdict == Verdict::always} {}
  bool is_sampled(const SamplingQuestion&) const noexcept override { return sampled_; }

 private:
  bool sampled_;
};

struct Ratio final : Rule {
  explicit Ratio(std::uint64_t limit) noexcept : Rule{Verdict::by_id, Verdict::ask, limit} {}

  bool is_sampled(const SamplingQuestion& question) const noexcept override {
    std::uint64_t low_half = 0;
    std::memcpy(&low_half, question.trace_id.bytes + sizeof low_half, sizeof low_half);
    return is_chosen(low_half);
  }
};

struct ParentBased final : Rule {
  explicit ParentBased(const Rule& root) noexcept
      : Rule{root.for_roots, Verdict::as_parent, root.ids_below}, root_{root} {}

  bool is_sampled(const SamplingQuestion& question) const noexcept override {
    return question.parent != nullptr ? question.parent->is_sampled() : root_.is_sampled(question);
  }

 private:
  const Rule& root_;
};

/// One word says when the bucket will be full again: who takes a token moves it on by a token's time, as long as it is
/// no more than the burst ahead (the generic cell rate algorithm).
struct RateLimited final : Rule {
  RateLimited(std::int64_t interval_ns, std::int64_t burst_ns) noexcept
      : Rule{Verdict::ask, Verdict::ask}, interval_ns_{interval_ns}, burst_ns_{burst_ns} {}

  bool is_sampled(const SamplingQuestion&) const noexcept override {
    const std::int64_t now = coarse_now_ns();
    std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
    for (;;) {
      const std::int64_t from = full_at < now ? now : full_at;
      if (from - now > burst_ns_ - interval_ns_) return false;
      // Relaxed: the word orders nothing but itself.
      if (full_at_ns_.compare_exchange_weak(full_at, from + interval_ns_, std::memory_order_relaxed)) return true;
    }
  }

 private:
  std::int64_t interval_ns_;
  std::int64_t burst_ns_;
  mutable std::atomic<std::int64_t> full_at_ns_{0};
};

struct Custom final : Rule {
  explicit Custom(const SamplingRule& rule) noexcept : Rule{Verdict::ask, Verdict::ask}, rule_{rule} {}
  bool is_sampled(const SamplingQuestion& question) const noexcept override { return rule_.is_sampled(question); }

 private:
  const SamplingRule& rule_;
};

}  // namespace

Sampler Sampler::always_on() {
  static const Constant& rule = *new Constant{Verdict::always};
  return Sampler{&rule};
}

Sampler Sampler::always_off() {
  static const Constant& rule = *new Constant{Verdict::never};
  return Sampler{&rule};
}

Sampler Sampler::trace_id_ratio(double ratio) {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw std::invalid_argument{"a sampling ratio is between 0 and 1, not " + std::to_string(ratio)};
  }
  if (ratio == 0) return always_off();
  return Sampler{new Ratio{static_cast<std::uint64_t>(std::ldexp(ratio, 56))}};
}

Sampler Sampler::parent_based(Sampler root) { return Sampler{new ParentBased{root.rule()}}; }

Sampler Sampler::process_default() {
  static const ParentBased& rule = *new ParentBased{always_on().rule()};
  return Sampler{&rule};
}

Sampler Sampler::rate_limited(double per_second, std::uint32_t burst) {
  if (!(per_second > 0 && per_second <= 1e9) || burst == 0) {
    throw std::invalid_argument{"a rate is above 0 and at most 1e9 in a second, with a burst of at least 1; not " +
                                std::to_string(per_second) + " with " + std::to_string(burst)};
  }
  // 292 years is as seldom as it gets.
  const double interval = std::min(1e9 / per_second, 9.2e18);
  const double whole = std::min(interval * burst, 9.2e18);
  return Sampler{new RateLimited{static_cast<std::int64_t>(interval), static_cast<std::int64_t>(whole)}};
}

Sampler Sampler::custom(const SamplingRule& rule) { return Sampler{new Custom{rule}}; }

FAST_TELEMETRY_END_NAMESPACE
