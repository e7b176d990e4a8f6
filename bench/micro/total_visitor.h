// SPDX-License-Identifier: Apache-2.0
//
// TotalVisitor: adds up what a collection shows, for benchmarks that check their answer.
#pragma once

#include <cstdint>
#include <span>

#include "fast_telemetry/visitor.h"

/// Counts points and adds up those of counters.
class TotalVisitor final : public fast_telemetry::Visitor {
 public:
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] std::uint64_t points() const noexcept { return points_; }

  void begin(const fast_telemetry::Collection&) override {}
  void family(const fast_telemetry::Family&) override {}
  void sum(const fast_telemetry::Series&, const fast_telemetry::NumberPoint<std::uint64_t>& point) override {
    total_ += point.value;
    ++points_;
  }
  void sum(const fast_telemetry::Series&, const fast_telemetry::NumberPoint<std::int64_t>&) override { ++points_; }
  void sum(const fast_telemetry::Series&, const fast_telemetry::NumberPoint<double>&) override { ++points_; }
  void gauge(const fast_telemetry::Series&, const fast_telemetry::NumberPoint<std::int64_t>&) override { ++points_; }
  void gauge(const fast_telemetry::Series&, const fast_telemetry::NumberPoint<double>&) override { ++points_; }
  void histogram(const fast_telemetry::Series&, const fast_telemetry::HistogramPoint&) override { ++points_; }
  void histogram(const fast_telemetry::Series&, const fast_telemetry::ExponentialPoint&) override { ++points_; }
  void info(const fast_telemetry::Series&) override { ++points_; }
  void state_set(const fast_telemetry::Series&, std::span<const fast_telemetry::State>) override { ++points_; }
  void end() override {}

 private:
  std::uint64_t total_ = 0;
  std::uint64_t points_ = 0;
};
