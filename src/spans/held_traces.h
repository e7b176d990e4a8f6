// SPDX-License-Identifier: Apache-2.0
//
// HeldTraces: what a tail sampler knows of each trace, found by its id.
#pragma once

#include <memory>

#include "record_log.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// How far a trace is, and so in which list.
enum class TracePhase : std::uint8_t {
  waiting,  ///< for its local root
  ended,    ///< its local root has come
  decided,
};
inline constexpr std::size_t trace_phases = 3;

struct HeldTrace {
  TraceId id;
  RecordChain records;
  std::int64_t since_ns;  ///< its first span came or, once it has ended, its local root
  std::int64_t longest_ns;
  std::uint32_t spans;
  std::uint32_t bytes;
  std::uint32_t older;  ///< neighbours in its list
  std::uint32_t newer;
  TracePhase phase;
  bool has_error;
  bool is_slow;
  bool is_kept;  ///< the decision
};

/// A hash table of a fixed number of traces, each in the list of its phase, oldest first.
class HeldTraces {
 public:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// Throws std::bad_alloc.
  explicit HeldTraces(std::size_t most);

  [[nodiscard]] std::uint32_t find(const TraceId& id) const noexcept;
  /// A new trace, waiting since then; there must be fewer than the most.
  std::uint32_t add(const TraceId& id, std::int64_t since_ns) noexcept;
  void erase(std::uint32_t trace) noexcept;
  /// To the end of another list.
  void move(std::uint32_t trace, TracePhase phase) noexcept;
  void clear() noexcept;

  [[nodiscard]] HeldTrace& operator[](std::uint32_t trace) noexcept { return traces_[trace]; }
  [[nodiscard]] std::uint32_t oldest(TracePhase phase) const noexcept { return list(phase).oldest; }
  [[nodiscard]] std::uint32_t count(TracePhase phase) const noexcept { return list(phase).count; }

 private:
  struct List {
    std::uint32_t oldest = none;
    std::uint32_t newest = none;
    std::uint32_t count = 0;
  };

  [[nodiscard]] const List& list(TracePhase phase) const noexcept { return lists_[static_cast<std::size_t>(phase)]; }
  [[nodiscard]] List& list(TracePhase phase) noexcept { return lists_[static_cast<std::size_t>(phase)]; }
  void link(std::uint32_t trace, TracePhase phase) noexcept;
  void unlink(std::uint32_t trace) noexcept;
  [[nodiscard]] std::size_t home(const TraceId& id) const noexcept;
  /// Where an id is, or would be put.
  [[nodiscard]] std::size_t place(const TraceId& id) const noexcept;

  std::unique_ptr<HeldTrace[]> traces_;
  std::size_t mask_;
  std::unique_ptr<std::uint32_t[]> table_;  ///< open addressing, at most half full
  std::uint32_t used_ = 0;                  ///< of traces_, ever
  std::uint32_t free_ = none;               ///< of them, linked by `newer`
  std::uint64_t key_[2];                    ///< whoever chooses trace ids cannot choose their places
  List lists_[trace_phases];
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
