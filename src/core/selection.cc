// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/detail/selection.h"

#include <sys/random.h>

#include <stdexcept>

#include "fast_telemetry/clock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit thread_local std::uint64_t draws [[gnu::tls_model("initial-exec")]] = 0;
constinit std::uint64_t selection_key = 0;

std::uint64_t selection_limit(std::uint32_t stride) {
  if (stride == 0) throw std::invalid_argument{"a sampled timer's stride is 1 or more: one call in so many is timed"};
  return ~std::uint64_t{0} / stride;
}

namespace {

// Timers used before this go by zero: their threads' addresses differ all the same.
[[gnu::constructor]] void choose_key() noexcept {
  std::uint64_t key = 0;
  if (getrandom(&key, sizeof key, GRND_NONBLOCK) != sizeof key) key = static_cast<std::uint64_t>(now_ns());
  selection_key = key;
}

}  // namespace

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
