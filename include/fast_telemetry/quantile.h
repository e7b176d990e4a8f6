// SPDX-License-Identifier: Apache-2.0
//
// Quantiles from the points of a collection, with their bounds: a p99 without a server. For programs that look at their
// own metrics.
#pragma once

#include <optional>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// An estimate, and between which values the true one lies.
struct Quantile {
  double value;
  double low;
  double high;
};

/// The value that a share `q` of the observations does not exceed: of n observations in ascending order the one at rank
/// ceil(q × n), the first for q = 0. Nothing when there are no observations, or when q is not in [0, 1].
///
/// Exponential histograms: the geometric mean of the bucket's bounds, so it is off by at most 41, 19, 9.1, 4.4, 2.2,
/// 1.1 or 0.54 % at scales 0 to 6 (sqrt(base) - 1). What is in the zero bucket lies between 0 and its threshold; what
/// was recorded above a Distribution's range is in its highest bucket and estimated too low, unless the maximum is
/// known: estimate and bounds never leave [min, max] where a point has them.
///
/// Histograms with bounds: linear between the bucket's bounds, which are the error. Below the first bound: from 0, or
/// from the minimum if it is known, or from minus infinity if the first bound is not positive. Above the last bound:
/// the last bound, up to the maximum if it is known or infinity; with no more known, `value` is a lower bound.
///
/// Costs one pass over the buckets; allocates nothing.
[[nodiscard]] std::optional<Quantile> quantile(const ExponentialPoint& point, double q) noexcept;
[[nodiscard]] std::optional<Quantile> quantile(const HistogramPoint& point, double q) noexcept;

FAST_TELEMETRY_END_NAMESPACE
