// SPDX-License-Identifier: Apache-2.0
//
// The clock's inner half: wall-clock time for births and collections, virtual time for tests, fork.
#pragma once

#include "fast_telemetry/clock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A straight piece of now_ns() as a function of the counter: at `ticks` it was `ns`; each tick since is `pace` / 2^32
/// nanoseconds.
struct ClockPiece {
  std::uint64_t ticks;
  std::int64_t ns;
  std::uint64_t pace;

  [[nodiscard]] std::int64_t at(std::uint64_t now) const noexcept {
    __extension__ using Wide = __int128;
    return ns + static_cast<std::int64_t>(
                    static_cast<Wide>(static_cast<std::int64_t>(now - ticks)) * static_cast<Wide>(pace) >> 32);
  }

  /// How many ticks of a pace (not 0) some nanoseconds take.
  [[nodiscard]] static std::int64_t ticks_in(std::int64_t ns, std::uint64_t pace) noexcept {
    __extension__ using Wide = __int128;
    return static_cast<std::int64_t>((static_cast<Wide>(ns) << 32) / static_cast<Wide>(pace));
  }
};

/// Nanoseconds per tick, times 2^32. 0 when there is no pace to be had.
[[nodiscard]] std::uint64_t clock_pace(std::uint64_t ticks, std::int64_t ns) noexcept;

/// Whether a pace is the trusted one give or take a thousandth, which is more than clocks drift; otherwise the machine
/// slept or moved.
[[nodiscard]] bool is_drift(std::uint64_t trusted, std::uint64_t pace) noexcept;

/// The piece that follows, from `ticks` on, when the system's clock is at `system`. Time that was `shown` to anybody
/// does not come again. Where the old piece, `continued`, is right to a millisecond, it goes on there and what is
/// missing is caught up within the next second; where it is behind by more, it jumps; where it is ahead, time goes
/// slower, at most half as fast, until the system's clock is there. Pure.
[[nodiscard]] ClockPiece next_piece(std::int64_t shown, std::int64_t continued, std::uint64_t ticks,
                                    std::int64_t system, std::uint64_t pace) noexcept;

/// The wall clock now: not derived from a counter, since collections are rare and are compared between machines.
[[nodiscard]] std::int64_t wall_clock_ns() noexcept;

/// From now on time stands still but for advance_virtual_time(): now_ns() goes on from where it is, the wall clock is
/// at `unix_ns`. For one thread at a time; others may read meanwhile.
void start_virtual_time(std::int64_t unix_ns) noexcept;
void advance_virtual_time(std::int64_t ns) noexcept;
/// Back to the machine's time, which is behind the virtual one if that was advanced faster.
void stop_virtual_time() noexcept;

/// In a forked child: the thread that was comparing clocks may be one of the parent's.
void release_clock_in_child() noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
