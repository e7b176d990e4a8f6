// SPDX-License-Identifier: Apache-2.0
//
// IgnoringVisitor: a visitor that looks at nothing. To derive from in tests that look at one shape of points only.
#pragma once

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

class IgnoringVisitor : public Visitor {
 public:
  void begin(const Collection&) override {}
  void family(const Family&) override {}
  void sum(const Series&, const NumberPoint<std::uint64_t>&) override {}
  void sum(const Series&, const NumberPoint<std::int64_t>&) override {}
  void sum(const Series&, const NumberPoint<double>&) override {}
  void gauge(const Series&, const NumberPoint<std::int64_t>&) override {}
  void gauge(const Series&, const NumberPoint<double>&) override {}
  void histogram(const Series&, const HistogramPoint&) override {}
  void histogram(const Series&, const ExponentialPoint&) override {}
  void info(const Series&) override {}
  void state_set(const Series&, std::span<const State>) override {}
  void end() override {}

 protected:
  ~IgnoringVisitor() = default;  // as Visitor's
};

FAST_TELEMETRY_END_NAMESPACE
