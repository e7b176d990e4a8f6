// SPDX-License-Identifier: Apache-2.0
#include "exemplars.h"

#include <bit>
#include <cerrno>
#include <cstring>

#include "fast_telemetry/clock.h"
#include "fast_telemetry/detail/exemplar.h"
#include "instrument.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// What the copies of a slot's cell are. All zero: nothing was kept.
enum Field : std::uint8_t {
  priority_field,  ///< of what was kept in this window; 0: nothing yet
  sequence_field,  ///< odd while somebody writes; grows by two with each exemplar
  trace_high_field,
  trace_low_field,
  span_field,
  value_field,
  time_field,
  field_count
};

std::uint64_t* field(std::uint64_t* slot, Field which) noexcept { return copy_in_shard(slot, which); }

// Release, and acquire where they are read: a sequence lock without fences, which the thread sanitizer does not
// understand. Who reads a field that a writer has changed sees the sequence number that the writer had changed before.
void write(std::uint64_t* slot, Field which, std::uint64_t bits) noexcept {
  __atomic_store_n(field(slot, which), bits, __ATOMIC_RELEASE);
}

std::uint64_t read(std::uint64_t* slot, Field which) noexcept {
  return __atomic_load_n(field(slot, which), __ATOMIC_ACQUIRE);
}

bool exchange(std::uint64_t* slot, Field which, std::uint64_t expected, std::uint64_t bits) noexcept {
  return __atomic_compare_exchange_n(field(slot, which), &expected, bits, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void write_fields(std::uint64_t* slot, std::uint64_t priority, const TraceRef& trace, double value,
                  std::int64_t time_unix_ns) noexcept {
  std::uint64_t ids[3];
  static_assert(sizeof ids == sizeof trace);
  std::memcpy(ids, &trace, sizeof ids);
  write(slot, priority_field, priority);
  write(slot, trace_high_field, ids[0]);
  write(slot, trace_low_field, ids[1]);
  write(slot, span_field, ids[2]);
  write(slot, value_field, std::bit_cast<std::uint64_t>(value));
  write(slot, time_field, std::bit_cast<std::uint64_t>(time_unix_ns));
}

void read_fields(std::uint64_t* slot, KeptExemplar& kept) noexcept {
  const std::uint64_t ids[] = {read(slot, trace_high_field), read(slot, trace_low_field), read(slot, span_field)};
  std::memcpy(&kept.trace, ids, sizeof ids);
  kept.value = std::bit_cast<double>(read(slot, value_field));
  kept.time_unix_ns = std::bit_cast<std::int64_t>(read(slot, time_field));
}

/// Gives the site slots. Null when that cannot be; then there is no exemplar.
std::uint64_t* attach_slots(Site& site) noexcept {
  if (!arena_lock.lock()) return nullptr;  // a signal handler on top of another attach
  const int saved_errno = errno;
  std::uint64_t* slots = __atomic_load_n(&site.exemplars, __ATOMIC_RELAXED);
  // Read again under the lock: a destructor clears all three under it. Acquire: pairs with the release at the end of
  // registration. Without cells the observation itself was dropped.
  // Series of dynamic metrics keep none.
  RunOwner* const owner = __atomic_load_n(&site.owner, __ATOMIC_ACQUIRE);
  auto* const instrument =
      owner != nullptr && owner->kind == OwnerKind::instrument ? static_cast<Instrument*>(owner) : nullptr;
  const bool counts = __atomic_load_n(&site.cells, __ATOMIC_RELAXED) != nullptr;
  if (slots == nullptr && counts && instrument != nullptr && instrument->exemplar_size != nullptr) {
    slots = exemplar_arena.allocate(*instrument->exemplar_size);
    if (slots != nullptr) {
      // Release, both: pairs with the acquire of capture() and of keep_exemplar(); slots that were used before are seen
      // zeroed.
      instrument->exemplar_place.store(exemplar_arena.place(slots), std::memory_order_release);
      __atomic_store_n(&site.exemplars, slots, __ATOMIC_RELEASE);
    }
  }
  errno = saved_errno;
  arena_lock.unlock();
  return slots;
}

}  // namespace

constinit Arena exemplar_arena{Copies::of_fields, field_count};

void keep_exemplar(Site& site, std::size_t offset, std::uint64_t priority, const TraceRef& trace,
                   double value) noexcept {
  const std::int64_t time_unix_ns = unix_ns(now_ns());
  const Mark mark{mark_slot()};
  std::uint64_t* slots = __atomic_load_n(&site.exemplars, __ATOMIC_ACQUIRE);
  if (slots == nullptr) slots = attach_slots(site);
  if (slots == nullptr) return;
  std::uint64_t* const slot = slots + offset / sizeof(std::uint64_t);

  // Whoever writes here already may be a thread that this signal handler interrupted: the offer is given up.
  const std::uint64_t sequence = read(slot, sequence_field);
  if (sequence % 2 != 0 || !exchange(slot, sequence_field, sequence, sequence + 1)) return;
  const bool chosen = read(slot, priority_field) < priority;
  if (chosen) write_fields(slot, priority, trace, value, time_unix_ns);
  // Not a store: if a signal handler forked meanwhile, the slot was emptied in the child, and stays so.
  static_cast<void>(exchange(slot, sequence_field, sequence + 1, chosen ? sequence + 2 : sequence));
}

void take_exemplar(std::uint64_t* slot, KeptExemplar& kept) noexcept {
  // Before the sequence number: if this is the priority of an exemplar that is being written, the number is odd.
  const std::uint64_t priority = read(slot, priority_field);
  const std::uint64_t sequence = read(slot, sequence_field);
  if (sequence % 2 != 0) return;
  KeptExemplar found;
  if (sequence != 0) {
    read_fields(slot, found);
    if (read(slot, sequence_field) != sequence) return;
    found.sequence = sequence;
    found.accepted = kept.accepted;
  }
  kept = found;
  // What was kept since is the next window's.
  if (priority != 0) static_cast<void>(exchange(slot, priority_field, priority, 0));
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
