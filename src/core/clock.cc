// SPDX-License-Identifier: Apache-2.0
//
// now_ns() as a function of the processor's counter that is the same for all threads: a straight line, replaced once a
// second by one that starts where it ends. See docs/design/clock.md.
#include "clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <limits>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::int64_t second = 1'000'000'000;
/// How long the counter is watched before it is believed: pairs of readings are good to some 50 ns, which over 10 ms
/// is 5 millionths.
constexpr std::int64_t warm_up_ns = 10'000'000;
/// Larger errors than this are not clock drift but a machine that slept or moved.
constexpr std::int64_t largest_drift_ns = 1'000'000;

std::int64_t system_ns(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * second + now.tv_nsec;
}

// ---- the counter ----

#if defined(__x86_64__)
std::uint64_t read_counter() noexcept { return __builtin_ia32_rdtsc(); }

/// AMD64 Architecture Programmer's Manual 3, CPUID Fn8000_0007_EDX[8], and the same bit of Intel's: the counter runs at
/// one pace in all power states.
bool counter_is_invariant() noexcept {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1) != 0;
}
#elif defined(__aarch64__)
std::uint64_t read_counter() noexcept {
  std::uint64_t ticks = 0;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
}
bool counter_is_invariant() noexcept { return true; }  // Arm Architecture Reference Manual, D11.1.2: a fixed frequency
#else
std::uint64_t read_counter() noexcept { return 0; }
bool counter_is_invariant() noexcept { return false; }
#endif

bool kernel_uses_counter() noexcept {
  const int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::array<char, 64> text{};
  const ssize_t size = read(file, text.data(), text.size());
  close(file);
  std::string_view name{text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  while (name.ends_with('\n')) name.remove_suffix(1);
  constexpr std::array<std::string_view, 4> by_counter{"tsc", "arch_sys_counter", "kvm-clock",
                                                       "hyperv_clocksource_tsc_page"};
  return std::find(by_counter.begin(), by_counter.end(), name) != by_counter.end() && counter_is_invariant();
}

/// One moment on both clocks, to `doubt` ticks.
struct Pair {
  std::uint64_t ticks;
  std::int64_t ns;
  std::uint64_t doubt;
};

/// Reads the system's clock between two readings of the counter, a few times: the narrowest was not interrupted.
Pair read_pair() noexcept {
  Pair best{};
  std::uint64_t narrowest = ~std::uint64_t{0};
  for (int attempt = 0; attempt < 4; ++attempt) {
    const std::uint64_t before = read_counter();
    const std::int64_t ns = system_ns(CLOCK_MONOTONIC);
    const std::uint64_t width = read_counter() - before;
    if (width >= narrowest) continue;
    narrowest = width;
    best = {before + width / 2, ns, width / 2 + 1};
  }
  return best;
}

// ---- the line ----

/// A ClockPiece.
struct Line {
  std::atomic<std::int64_t> shown{0};  ///< the last value of the line before; ticks before this one's have it
  std::atomic<std::uint64_t> ticks{0};
  std::atomic<std::int64_t> ns{0};
  std::atomic<std::uint64_t> pace{0};
};

enum class Mode : std::uint8_t { undecided, system, warming, counter, virtual_time };

constinit std::atomic<Mode> mode{Mode::undecided};
constinit std::array<Line, 2> lines{};
constinit std::atomic<std::uint64_t> version{0};        ///< lines[version % 2] is in force
constinit std::atomic<std::int64_t> ticks_per_line{0};  ///< how far a line is followed: a second
constinit std::atomic<std::int64_t> system_lead_ns{0};  ///< how far now_ns() is ahead of the system's clock, if it is

/// Set by the one thread that compares the clocks; what follows is its own.
constinit std::atomic<bool> comparing{false};
constinit Pair last_pair{};
constinit std::uint64_t trusted_pace = 0;
constinit int strange_paces = 0;

constinit Mode mode_before_virtual = Mode::undecided;
constinit std::atomic<std::int64_t> virtual_ns{0};
constinit std::atomic<std::int64_t> virtual_unix_lead_ns{0};

constinit std::atomic<std::int64_t> unix_lead_ns{0};  ///< of the wall clock over now_ns()
constinit std::atomic<std::int64_t> unix_lead_until_ns{std::numeric_limits<std::int64_t>::min()};

struct Reading {
  std::int64_t age;    ///< ticks since the piece began; negative: before it did
  std::int64_t shown;  ///< what a tick before the piece has
  std::int64_t ns;     ///< the piece's
  std::uint64_t pace;

  [[nodiscard]] std::int64_t at(std::int64_t ticks_of_age) const noexcept {
    return ClockPiece{0, ns, pace}.at(static_cast<std::uint64_t>(ticks_of_age));
  }
};

// Inline, and each value by itself: as one object they went to the stack and came back as another width, which waits
// for the stores to be over.
[[gnu::always_inline]] inline Reading reading_at(std::uint64_t ticks) noexcept {
  for (;;) {
    const std::uint64_t seen = version.load(std::memory_order_acquire);
    const Line& line = lines[seen % 2];
    // Acquire, each: a line that is being rewritten is not in force; who sees a value of it sees the newer version.
    const std::int64_t shown = line.shown.load(std::memory_order_acquire);
    const std::uint64_t begin = line.ticks.load(std::memory_order_acquire);
    const std::int64_t ns = line.ns.load(std::memory_order_acquire);
    const std::uint64_t pace = line.pace.load(std::memory_order_acquire);
    if (version.load(std::memory_order_relaxed) != seen) continue;
    return {static_cast<std::int64_t>(ticks - begin), shown, ns, pace};
  }
}

void publish(std::int64_t shown, const ClockPiece& piece) noexcept {
  const std::uint64_t next = version.load(std::memory_order_relaxed) + 1;
  Line& line = lines[next % 2];
  // Release, each: pairs with the acquires in reading_at().
  line.shown.store(shown, std::memory_order_release);
  line.ticks.store(piece.ticks, std::memory_order_release);
  line.ns.store(piece.ns, std::memory_order_release);
  line.pace.store(piece.pace, std::memory_order_release);
  version.store(next, std::memory_order_release);
}

/// While one exists and has() it, this thread is the one that compares the clocks.
class Comparing {
 public:
  Comparing() noexcept : has_{!comparing.exchange(true, std::memory_order_acquire)} {}
  ~Comparing() {
    if (has_) comparing.store(false, std::memory_order_release);
  }
  Comparing(const Comparing&) = delete;
  Comparing& operator=(const Comparing&) = delete;
  [[nodiscard]] bool has() const noexcept { return has_; }

 private:
  bool has_;
};

std::int64_t system_now() noexcept {
  return system_ns(CLOCK_MONOTONIC) + system_lead_ns.load(std::memory_order_relaxed);
}

/// The line has been followed for a second: compares the clocks and starts the next.
[[gnu::cold, gnu::noinline]] std::int64_t start_next_line(std::uint64_t ticks) noexcept {
  const Comparing mine;
  const Reading old = reading_at(ticks);
  const std::int64_t length = ticks_per_line.load(std::memory_order_relaxed);
  if (old.age <= length) return old.age < 0 ? old.shown : old.at(old.age);  // somebody was faster
  const std::int64_t shown = old.at(length);
  if (!mine.has()) return shown;  // under way in another thread, or below this signal handler

  const Pair now = read_pair();
  const std::uint64_t pace = clock_pace(now.ticks - last_pair.ticks, now.ns - last_pair.ns);
  last_pair = now;
  if (is_drift(trusted_pace, pace)) {
    trusted_pace = pace;
    strange_paces = 0;
  } else {
    ++strange_paces;
  }
  const ClockPiece next = next_piece(shown, old.at(old.age + static_cast<std::int64_t>(now.ticks - ticks)), now.ticks,
                                     now.ns, trusted_pace);
  publish(shown, next);
  if (strange_paces == 3) {
    // A machine that slept or moved is strange once. This counter has not one pace.
    system_lead_ns.store(std::max<std::int64_t>(next.ns - now.ns, 0), std::memory_order_relaxed);
    mode.store(Mode::system, std::memory_order_release);
  }
  return next.ns;
}

[[gnu::always_inline]] inline std::int64_t counter_now() noexcept {
  const std::uint64_t ticks = read_counter();
  const Reading reading = reading_at(ticks);
  if (reading.age > ticks_per_line.load(std::memory_order_relaxed)) [[unlikely]] {
    return start_next_line(ticks);
  }
  return reading.age < 0 ? reading.shown : reading.at(reading.age);
}

/// The first readings: the system's clock, until the counter has been watched for long enough.
[[gnu::cold, gnu::noinline]] std::int64_t first_now() noexcept {
  const Comparing mine;
  const Mode now = mode.load(std::memory_order_acquire);
  if (!mine.has() || (now != Mode::undecided && now != Mode::warming)) return system_now();
  if (now == Mode::undecided) {
    const int saved_errno = errno;
    const bool usable = kernel_uses_counter();
    errno = saved_errno;
    last_pair = read_pair();
    mode.store(usable ? Mode::warming : Mode::system, std::memory_order_release);
    return system_now();
  }
  const std::int64_t system = system_now();
  if (system - last_pair.ns < warm_up_ns) return system;
  const Pair pair = read_pair();
  trusted_pace = clock_pace(pair.ticks - last_pair.ticks, pair.ns - last_pair.ns);
  last_pair = pair;
  if (trusted_pace == 0) {  // a counter that stands still
    mode.store(Mode::system, std::memory_order_release);
    return system;
  }
  ticks_per_line.store(ClockPiece::ticks_in(second, trusted_pace), std::memory_order_relaxed);
  // Late by what the pair is in doubt of: nobody who was told the system's time is told an earlier one next.
  const std::int64_t start = ClockPiece{pair.ticks, pair.ns, trusted_pace}.at(pair.ticks + pair.doubt) + 1;
  publish(start, {pair.ticks, start, trusted_pace});
  mode.store(Mode::counter, std::memory_order_release);
  return counter_now();
}

}  // namespace

// ---- pure parts ----

std::uint64_t clock_pace(std::uint64_t ticks, std::int64_t ns) noexcept {
  if (ticks == 0 || ns <= 0) return 0;
  __extension__ using Wide = unsigned __int128;
  const Wide pace = (static_cast<Wide>(ns) << 32) / ticks;
  return static_cast<std::uint64_t>(std::min<Wide>(pace, std::uint64_t{1} << 48));
}

bool is_drift(std::uint64_t trusted, std::uint64_t pace) noexcept {
  const std::uint64_t change = pace > trusted ? pace - trusted : trusted - pace;
  return change <= trusted / 1000;
}

ClockPiece next_piece(std::int64_t shown, std::int64_t continued, std::uint64_t ticks, std::int64_t system,
                      std::uint64_t pace) noexcept {
  const std::int64_t drift = system - continued;
  const bool goes_on = drift >= -largest_drift_ns && drift <= largest_drift_ns;
  const std::int64_t start = std::max(shown, goes_on ? continued : system);
  const std::int64_t correction = std::clamp(system - start, -second / 2, largest_drift_ns);
  __extension__ using Wide = __int128;
  const Wide corrected = static_cast<Wide>(pace) + static_cast<Wide>(pace) * correction / second;
  return {ticks, start, static_cast<std::uint64_t>(corrected)};
}

// ---- virtual time, wall clock, fork ----

std::int64_t wall_clock_ns() noexcept {
  if (mode.load(std::memory_order_acquire) == Mode::virtual_time) return unix_ns(now_ns());
  return system_ns(CLOCK_REALTIME);
}

void start_virtual_time(std::int64_t unix_ns) noexcept {
  const std::int64_t now = now_ns();
  mode_before_virtual = mode.load(std::memory_order_relaxed);
  virtual_ns.store(now, std::memory_order_relaxed);
  virtual_unix_lead_ns.store(unix_ns - now, std::memory_order_relaxed);
  mode.store(Mode::virtual_time, std::memory_order_release);
}

void advance_virtual_time(std::int64_t ns) noexcept { virtual_ns.fetch_add(ns, std::memory_order_relaxed); }

void stop_virtual_time() noexcept { mode.store(mode_before_virtual, std::memory_order_release); }

void release_clock_in_child() noexcept { comparing.store(false, std::memory_order_relaxed); }

}  // namespace detail

std::int64_t now_ns() noexcept {
  using detail::Mode;
  const Mode mode = detail::mode.load(std::memory_order_acquire);
  if (mode == Mode::counter) [[likely]]
    return detail::counter_now();
  switch (mode) {
    case Mode::counter:
    case Mode::system: return detail::system_now();
    case Mode::virtual_time: return detail::virtual_ns.load(std::memory_order_relaxed);
    case Mode::undecided:
    case Mode::warming: break;
  }
  return detail::first_now();
}

std::int64_t coarse_now_ns() noexcept {
  if (detail::mode.load(std::memory_order_acquire) == detail::Mode::virtual_time) return now_ns();
  return detail::system_ns(CLOCK_MONOTONIC_COARSE) + detail::system_lead_ns.load(std::memory_order_relaxed);
}

std::int64_t unix_ns(std::int64_t now_ns) noexcept {
  if (detail::mode.load(std::memory_order_acquire) == detail::Mode::virtual_time) {
    return now_ns + detail::virtual_unix_lead_ns.load(std::memory_order_relaxed);
  }
  if (now_ns >= detail::unix_lead_until_ns.load(std::memory_order_relaxed)) {
    const std::int64_t now = fast_telemetry::now_ns();
    detail::unix_lead_ns.store(detail::system_ns(CLOCK_REALTIME) - now, std::memory_order_relaxed);
    detail::unix_lead_until_ns.store(now + detail::second, std::memory_order_relaxed);
  }
  return now_ns + detail::unix_lead_ns.load(std::memory_order_relaxed);
}

ClockSource clock_source() noexcept {
  switch (detail::mode.load(std::memory_order_acquire)) {
    case detail::Mode::counter: return ClockSource::counter;
    case detail::Mode::virtual_time: return ClockSource::virtual_time;
    default: return ClockSource::system;
  }
}

FAST_TELEMETRY_END_NAMESPACE
