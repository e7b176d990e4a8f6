// SPDX-License-Identifier: Apache-2.0
#include "held_traces.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/series_hash.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

HeldTraces::HeldTraces(std::size_t most)
    : traces_{std::make_unique_for_overwrite<HeldTrace[]>(most)},
      mask_{std::bit_ceil(2 * most) - 1},
      table_{std::make_unique_for_overwrite<std::uint32_t[]>(mask_ + 1)} {
  for (std::uint64_t& word : key_) {
    const SpanId random = random_span_id();
    std::memcpy(&word, random.bytes, sizeof word);
  }
  clear();
}

void HeldTraces::clear() noexcept {
  std::fill_n(table_.get(), mask_ + 1, none);
  for (List& each : lists_) each = {};
  used_ = 0;
  free_ = none;
}

std::size_t HeldTraces::home(const TraceId& id) const noexcept {
  std::uint64_t words[2];
  std::memcpy(words, id.bytes, sizeof words);
  return fold_product(words[0] ^ key_[0], words[1] ^ key_[1]) & mask_;
}

std::size_t HeldTraces::place(const TraceId& id) const noexcept {
  std::size_t at = home(id);
  while (table_[at] != none && !(traces_[table_[at]].id == id)) at = (at + 1) & mask_;
  return at;
}

std::uint32_t HeldTraces::find(const TraceId& id) const noexcept { return table_[place(id)]; }

std::uint32_t HeldTraces::add(const TraceId& id, std::int64_t since_ns) noexcept {
  const std::uint32_t trace = free_ != none ? free_ : used_++;
  if (free_ != none) free_ = traces_[trace].newer;
  traces_[trace] = {.id = id,
                    .records = no_records,
                    .since_ns = since_ns,
                    .longest_ns = 0,
                    .spans = 0,
                    .bytes = 0,
                    .older = none,
                    .newer = none,
                    .phase = TracePhase::waiting,
                    .has_error = false,
                    .is_slow = false,
                    .is_kept = false};
  table_[place(id)] = trace;
  link(trace, TracePhase::waiting);
  return trace;
}

// Later entries of the same run move up, so that no search ends at the gap (Knuth, volume 3, 6.4, algorithm R).
void HeldTraces::erase(std::uint32_t trace) noexcept {
  std::size_t gap = place(traces_[trace].id);
  for (std::size_t at = (gap + 1) & mask_; table_[at] != none; at = (at + 1) & mask_) {
    const std::size_t from_home = (at - home(traces_[table_[at]].id)) & mask_;
    if (from_home < ((at - gap) & mask_)) continue;  // the gap lies before its home
    table_[gap] = table_[at];
    gap = at;
  }
  table_[gap] = none;
  unlink(trace);
  traces_[trace].newer = free_;
  free_ = trace;
}

void HeldTraces::move(std::uint32_t trace, TracePhase phase) noexcept {
  unlink(trace);
  link(trace, phase);
}

void HeldTraces::link(std::uint32_t trace, TracePhase phase) noexcept {
  List& to = list(phase);
  HeldTrace& here = traces_[trace];
  here.phase = phase;
  here.older = to.newest;
  here.newer = none;
  (to.newest == none ? to.oldest : traces_[to.newest].newer) = trace;
  to.newest = trace;
  ++to.count;
}

void HeldTraces::unlink(std::uint32_t trace) noexcept {
  const HeldTrace& here = traces_[trace];
  List& from = list(here.phase);
  (here.older == none ? from.oldest : traces_[here.older].newer) = here.newer;
  (here.newer == none ? from.newest : traces_[here.newer].older) = here.older;
  --from.count;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
