// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/diagnostics.h"

#include <unordered_map>

#include "clock.h"
#include "diagnose.h"
#include "process.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

/// Guarded by Process::mutex, which no fork leaves locked.
struct Hook {
  DiagnosticsCallback callback = nullptr;
  void* context = nullptr;
  struct Rate {
    std::int64_t window_ns = 0;
    unsigned delivered = 0;
    std::uint64_t suppressed = 0;
  };
  std::unordered_map<std::string, Rate> rates;
};

Hook& hook() {
  static Hook& immortal = *new Hook;
  return immortal;
}

constexpr std::int64_t window_ns = 60LL * 1'000'000'000;
constexpr unsigned per_window = 10;

}  // namespace

void set_diagnostics(DiagnosticsCallback callback, void* context) noexcept {
  {
    const auto lock = detail::lock_process();
    hook().callback = callback;
    hook().context = context;
  }
  // What the build chose is no news.
  if (FAST_TELEMETRY_RSEQ != 0 && detail::shards == 0) {
    detail::diagnose("storage", "writes are locked: " + std::string{detail::locked_reason()});
  }
  if (!detail::barrier_works()) detail::diagnose("storage", detail::barrier_refused);
}

namespace detail {

void diagnose(std::string_view component, std::string_view message) noexcept try {
  Diagnostic diagnostic{component, {}, 0};
  DiagnosticsCallback callback = nullptr;
  void* context = nullptr;
  {
    const auto lock = lock_process();
    callback = hook().callback;
    context = hook().context;
    if (callback == nullptr) return;
    Hook::Rate& rate = hook().rates[std::string{component}];
    const std::int64_t now = now_ns();
    if (rate.window_ns == 0 || now - rate.window_ns >= window_ns) rate = {now, 0, rate.suppressed};
    if (rate.delivered == per_window) {
      ++rate.suppressed;
      return;
    }
    ++rate.delivered;
    diagnostic.suppressed = rate.suppressed;
    rate.suppressed = 0;
  }
  const std::string text = printable(message);
  diagnostic.message = text;
  callback(diagnostic, context);
} catch (...) {
  // Out of memory while composing a message: there is nobody left to tell.
}

std::string printable(std::string_view text) {
  std::string safe{text.substr(0, 256)};
  for (char& c : safe) {
    if (c < ' ' || c > '~') c = '?';
  }
  return safe;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
