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

#include "fast_telemetry/detail/dynamic_registration.h"
#include "instrument.h"
#include "overflow_sketch.h"
#include "process.h"
#include "series_key.h"
#include "series_pool.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What a lookup by labels and a record do not read.
struct alignas(64) SeriesHistory : RunOwner {
  std::uint8_t idle = 0;  ///< sweeps in a row that found nothing new
  std::uint64_t id = 0;
  std::int64_t born_unix_ns = 0;
  /// What the last sweep found in its cells; for an evicted one, when it was evicted (steady clock).
  std::uint64_t seen = 0;
};
static_assert(sizeof(SeriesHistory) == 64);

/// One series. In memory it is followed by the sizes of its texts (SeriesKey) and the texts, so that one cache line has
/// all that a lookup needs, unless they are long.
struct DynamicSeries : SeriesHistory, Site {
  /// Handles, and `unreachable` once the index has let go of it.
  std::atomic<std::uint32_t> references{0};
  std::uint16_t text_count = 0;
  bool is_overflow = false;
  std::atomic<bool> evicted{false};  ///< or was, until it was written again
  std::uint32_t slot = 0;
  std::uint64_t retire_order = 0;  ///< position among all retirements of the registry

  static constexpr std::uint32_t unreachable = std::uint32_t{1} << 31;

  [[nodiscard]] const std::uint32_t* sizes() const noexcept {
    return reinterpret_cast<const std::uint32_t*>(&retire_order + 1);
  }
  [[nodiscard]] const char* text() const noexcept { return reinterpret_cast<const char*>(sizes() + text_count); }
};

/// Stands for all label sets that got no series of their own. It never has cells, so what is recorded in it takes the
/// cold path, which counts the record and makes it in the overflow series (overflow_of).
struct RefusedSeries : DynamicSeries {
  explicit RefusedSeries(DynamicSeries& to) noexcept : overflow{to} { kind = OwnerKind::refused; }

  DynamicSeries& overflow;  ///< kept by a reference
  struct Records : RunOwner, Site {
    Records() noexcept { kind = OwnerKind::records; }
  } records;
};

/// Null unless the site is one of a RefusedSeries. `count`: this is a record, and not one part of one.
[[nodiscard]] Site* overflow_of(Site& site, bool count) noexcept;

/// Open addressing, published whole: readers use the one they loaded until they unpin.
class SeriesTable {
 public:
  /// A power of two.
  explicit SeriesTable(std::size_t groups);

  [[nodiscard]] DynamicSeries* find(const SeriesKey& key) const noexcept;

  // With the index's mutex held.
  void insert(std::uint64_t hash, DynamicSeries& series) noexcept;
  void erase(std::uint64_t hash, const DynamicSeries& series) noexcept;
  [[nodiscard]] bool is_crowded() const noexcept { return taken_ * 4 >= (mask_ + 1) * group_size * 3; }
  [[nodiscard]] std::unique_ptr<SeriesTable> grown() const;

 private:
  static constexpr unsigned group_size = 4;
  struct Group {  // one cache line
    std::atomic<std::uint64_t> hashes[group_size];
    std::atomic<DynamicSeries*> series[group_size];
  };
  std::size_t mask_;
  std::size_t taken_ = 0;  ///< entries that were ever used, erased ones included
  std::size_t live_ = 0;
  Block memory_;
  Group* groups_;
};

/// Counts a handle. False: the series is out of the index.
bool keep(DynamicSeries& series) noexcept;
void delete_series(DynamicSeries& series) noexcept;

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
  [[nodiscard]] DynamicSeries& find_or_make(const SeriesKey& key) noexcept;
  [[nodiscard]] DynamicSeries& acquire(const SeriesKey& key) noexcept;
  [[nodiscard]] DynamicSeries* find(const SeriesKey& key) const noexcept;
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
  std::atomic<std::uint32_t> live_{0};  ///< series that were not evicted
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
