// SPDX-License-Identifier: Apache-2.0
//
// Sequences: which label set and which value each operation has, drawn before anything is measured.
#pragma once

#include <array>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "run.h"
#include "workload.h"

namespace contention {

enum class Profile : std::uint8_t {
  uniform,  ///< each label set as often
  hotspot,  ///< 15 of 16 operations on at most eight label sets
  churn,    ///< 17 i + 131 thread, modulo labels: never the same twice running
};

/// Each thread has a sequence of its own, as long as a pass and repeated from then on: a processor learns by heart the
/// branches of some thousand operations.
class Sequences {
 public:
  Sequences(Profile profile, std::size_t threads, std::size_t labels) : by_thread_(threads), label_count_{labels} {
    std::mt19937_64 random{20260901};  // arbitrary, fixed: every run records the same
    for (std::size_t t = 0; t < threads; ++t) {
      by_thread_[t].resize(pass);
      for (std::size_t i = 0; i < pass; ++i) by_thread_[t][i] = draw(profile, t, i, random);
    }
    std::uniform_real_distribution<double> logarithm{std::log(1e3), std::log(3e10)};
    for (std::size_t i = 0; i < pass; ++i) {
      values_[i] = static_cast<std::uint64_t>(std::exp(logarithm(random)));
      doubles_[i] = static_cast<double>(values_[i]);
    }
  }

  [[nodiscard]] Slice slice(std::size_t thread, std::uint64_t first, std::size_t count) const {
    const auto at = static_cast<std::size_t>(first % pass);
    return {thread, count, by_thread_[thread].data() + at, values_.data() + at, doubles_.data() + at, first};
  }
  [[nodiscard]] std::size_t label_of(std::size_t thread, std::uint64_t operation) const {
    return by_thread_[thread][operation % pass];
  }
  [[nodiscard]] std::size_t labels() const { return label_count_; }

 private:
  [[nodiscard]] std::uint8_t draw(Profile profile, std::size_t t, std::size_t i, std::mt19937_64& random) const {
    switch (profile) {
      case Profile::uniform: return static_cast<std::uint8_t>(random() % label_count_);
      case Profile::hotspot:
        return static_cast<std::uint8_t>(random() %
                                         (random() % 16 != 0 ? std::min<std::size_t>(label_count_, 8) : label_count_));
      case Profile::churn: return static_cast<std::uint8_t>((17 * i + 131 * t) % label_count_);
    }
    throw std::logic_error{"no such profile"};
  }

  std::vector<std::vector<std::uint8_t>> by_thread_;
  std::size_t label_count_;
  std::vector<std::uint64_t> values_ = std::vector<std::uint64_t>(pass);
  std::vector<double> doubles_ = std::vector<double>(pass);
};

}  // namespace contention
