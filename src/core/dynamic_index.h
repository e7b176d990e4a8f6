// SPDX-License-Identifier: Apache-2.0
//
// The index of one dynamic metric: its series by label values, and by slot.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "overflow_sketch.h"
#include "process.h"
#include "series_table.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class DynamicIndex;

/// Keeps the index of a metric that ends while somebody is still looking into it, until let_go_of_kept(). Before
/// the metric's registration ends, with sweep_mutex held.
void keep_until_unpinned(DynamicIndex& index) noexcept;
/// After a successful wait_for_pins(), with sweep_mutex held and no other lock.
void let_go_of_kept() noexcept;

class DynamicIndex {
 public:
  DynamicIndex(const DynamicKeys& keys, const Instrument& shape);
  ~DynamicIndex();
  DynamicIndex(const DynamicIndex&) = delete;
  DynamicIndex& operator=(const DynamicIndex&) = delete;

  /// Call all three pinned. The second result counts a reference.
  [[nodiscard]] DynamicSeries& find_or_make(const SeriesKey& key) noexcept {
    DynamicSeries* const series = find(key);
    if (series != nullptr && __atomic_load_n(&series->cells, __ATOMIC_RELAXED) != nullptr) [[likely]]
      return *series;
    return make_writable(series, key);
  }
  [[nodiscard]] DynamicSeries& acquire(const SeriesKey& key) noexcept {
    DynamicSeries* const series = find(key);
    if (series != nullptr && keep(*series)) return *series;
    return slow(key, true);
  }
  [[nodiscard]] DynamicSeries* find(const SeriesKey& key) const noexcept {
    return table_.load(std::memory_order_acquire)->find(key);
  }
  /// The same for texts that are exported in another form.
  [[nodiscard]] DynamicSeries* find_exported(const SeriesKey& key) const noexcept;

  /// Calls `use` for every series, in order of slot. With Process::mutex held: none leaves meanwhile; those that come
  /// meanwhile may be missed.
  template <class Use>
  void for_each(Use use) const {
    const std::uint32_t end = slots_used_.load(std::memory_order_acquire);
    for (std::uint32_t slot = 0; slot < end; ++slot) {
      DynamicSeries* const series = at_slot(slot).load(std::memory_order_acquire);
      if (series != nullptr) use(*series);
    }
  }

  [[nodiscard]] std::size_t live() const noexcept { return live_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t slots() const noexcept { return slots_used_.load(std::memory_order_acquire); }
  /// What its series' cells are like: the metric, or the first of a set.
  [[nodiscard]] const Instrument& shape() const noexcept { return shape_; }
  [[nodiscard]] const std::vector<std::string>& keys() const noexcept { return keys_; }
  /// Whether each series has keys of its own.
  [[nodiscard]] bool is_free() const noexcept { return keys_.empty(); }
  [[nodiscard]] const std::string& overflow_key() const noexcept { return overflow_key_; }
  [[nodiscard]] std::uint64_t overflows() const noexcept;
  /// Everything but the metric's name.
  [[nodiscard]] CardinalityReport cardinality() const;

  /// Tells the diagnostics hook what overflows, if anything did since it was last told, once a minute at most. With no
  /// lock held.
  void diagnose_overflow(const std::string& metric);

  /// Whether a metric with these keys and members can go on with these series.
  [[nodiscard]] bool has_keys_of(const DynamicIndex& other) const noexcept {
    return keys_ == other.keys_ && members_ == other.members_ && overflow_key_ == other.overflow_key_;
  }

  /// The metric has come back while its final values were held: its series go on.
  void reopen(std::uint32_t max_series) noexcept;
  /// The metric is gone: no series can be written any more. What they have stays readable.
  void end() noexcept;
  /// Around a fork, so that the child finds an index that nobody is changing. With Process::mutex held.
  void lock() { mutex_.lock(), sketch_.lock(); }
  void unlock() { sketch_.unlock(), mutex_.unlock(); }
  /// In the child of a bare clone, where a thread of the parent may have held them.
  void renew_locks() noexcept;
  /// In a forked child.
  void forget(std::int64_t now_unix_ns) noexcept;

 private:
  friend class Sweep;

  using Slot = std::atomic<DynamicSeries*>;
  static constexpr std::uint32_t first_chunk = 64;
  /// With `mutex_` held.
  void erase(DynamicSeries& series) noexcept;
  void drop_old_tables() noexcept;
  [[nodiscard]] Slot& at_slot(std::uint32_t slot) const noexcept;

  enum class Revival : std::uint8_t { done, no_room, gone };
  [[nodiscard]] Revival revive(DynamicSeries& series) noexcept;
  [[nodiscard]] bool count_in() noexcept;
  [[nodiscard]] DynamicSeries& make_writable(DynamicSeries* series, const SeriesKey& key) noexcept;
  [[nodiscard]] DynamicSeries& slow(const SeriesKey& key, bool keep_it) noexcept;
  [[nodiscard]] DynamicSeries& refuse(const SeriesKey& key, bool keep_it) noexcept;
  [[nodiscard]] bool are_keys_legal(const SeriesKey& key) const noexcept;
  [[nodiscard]] DynamicSeries* make(const SeriesKey& key);
  [[nodiscard]] DynamicSeries& insert(const SeriesKey& key);
  void place_in_slot(DynamicSeries& series);
  void retire_records(std::vector<Process::Quarantined>& free_now) noexcept;

  const std::vector<std::string> keys_;
  const std::vector<std::string> members_;  ///< of a set: its counters' names
  const std::string overflow_key_;
  std::atomic<std::uint32_t> max_series_;
  const Instrument& shape_;
  std::atomic<SeriesTable*> table_;
  std::atomic<std::uint32_t> live_{0};     ///< series that were not evicted
  std::atomic<std::uint32_t> makings_{0};  ///< odd while a series is made: it is counted, and not yet to be found
  DynamicSeries* overflow_ = nullptr;
  RefusedSeries* refused_ = nullptr;
  std::atomic<std::uint64_t> earlier_overflows_{0};  ///< of a metric that ended and came back
  std::atomic<bool> has_illegal_key_{false};
  OverflowSketch sketch_;
  std::uint64_t told_overflows_ = 0;  ///< with `mutex_` held
  std::int64_t told_ns_ = 0;

  bool has_ended_ = false;  ///< with `mutex_` held

  friend void keep_until_unpinned(DynamicIndex& index) noexcept;
  friend void let_go_of_kept() noexcept;
  std::shared_ptr<Instrument> kept_;  ///< its own, and so itself
  DynamicIndex* next_kept_ = nullptr;

  std::mutex mutex_;                                  ///< coming and going; nests within Process::mutex
  std::vector<std::unique_ptr<SeriesTable>> tables_;  ///< the one in use is the last; the others wait for unpinning
  std::size_t droppable_tables_ = 0;                  ///< of `tables_`: replaced before the last wait for pins
  std::atomic<std::uint32_t> slots_used_{0};
  std::vector<std::uint32_t> free_slots_;

  /// Out of the index, and perhaps still pinned or in a reader's snapshot. With Process::mutex held.
  struct Unlinked {
    DynamicSeries* series;
    std::uint64_t captures;
  };
  std::vector<Unlinked> unlinked_;
  std::array<std::atomic<Slot*>, 26> chunks_{};  ///< chunk k has first_chunk << k slots
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
