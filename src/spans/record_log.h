// SPDX-License-Identifier: Apache-2.0
//
// RecordLog: copies of span records, in the order they came, each a link of its trace's chain.
#pragma once

#include <memory>

#include "fast_telemetry/spans/span_record.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The records of one trace, oldest first. Offsets into the log.
struct RecordChain {
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  std::uint32_t first;
  std::uint32_t last;
};
inline constexpr RecordChain no_records{RecordChain::none, RecordChain::none};

/// One stretch of memory, written from its beginning on. Where records are gone it has gaps, which are closed when an
/// eighth of what is used is gaps; only when there are fewer is more of the memory used. So it touches little more than
/// what was ever held at once, and each record is moved a bounded number of times.
class RecordLog {
 public:
  static constexpr std::size_t fewest_bytes = std::size_t{1} << 20U;  ///< an eighth of it is more than a record
  static constexpr std::size_t most_bytes = std::size_t{1} << 31U;

  explicit RecordLog(std::size_t bytes) : data_{std::make_unique_for_overwrite<std::byte[]>(bytes)}, bytes_{bytes} {}

  /// Makes room for a record. False: records have to go first. `chain_of(owner)` is the chain of records that were
  /// appended with this owner; they may be moved.
  template <class ChainOf>
  [[nodiscard]] bool make_room(const SpanRecord& record, ChainOf chain_of) noexcept {
    const std::size_t needed = sizeof(Link) + record.size_bytes();
    while (end_ + needed > used_limit_) {
      if (gaps_ >= used_limit_ / 8) {
        close_gaps(chain_of);
      } else if (used_limit_ != bytes_) {
        used_limit_ = used_limit_ > bytes_ / 2 ? bytes_ : used_limit_ * 2;
      } else {
        return false;
      }
    }
    return true;
  }

  /// Appends a copy, for which there is room.
  void append(RecordChain& chain, std::uint32_t owner, const SpanRecord& record) noexcept;

  [[nodiscard]] SpanRecord front(const RecordChain& chain, std::int64_t unix_lead_ns) const noexcept {
    return {*reinterpret_cast<const SpanHeader*>(&link(chain.first) + 1), unix_lead_ns};
  }
  void pop_front(RecordChain& chain) noexcept;
  void clear() noexcept { end_ = gaps_ = 0; }

  [[nodiscard]] std::size_t held_bytes() const noexcept { return end_ - gaps_; }

 private:
  static constexpr std::uint32_t nobody = 0xFFFFFFFF;

  struct Link {
    std::uint32_t owner;  ///< nobody: a gap
    std::uint32_t next;
    std::uint64_t bytes;  ///< of link and record
  };

  [[nodiscard]] Link& link(std::size_t offset) const noexcept { return *reinterpret_cast<Link*>(&data_[offset]); }
  void add_to(RecordChain& chain, std::uint32_t offset) noexcept;
  void move(std::size_t from, std::size_t to, std::size_t bytes) noexcept;

  template <class ChainOf>
  void close_gaps(ChainOf chain_of) noexcept {
    // Twice, since a chain is made anew from its first link on: the first time each is forgotten.
    for (std::size_t at = 0; at != end_; at += link(at).bytes) {
      if (link(at).owner != nobody) chain_of(link(at).owner) = no_records;
    }
    std::size_t to = 0;
    for (std::size_t at = 0; at != end_;) {
      const Link here = link(at);
      if (here.owner != nobody) {
        move(at, to, here.bytes);
        add_to(chain_of(here.owner), static_cast<std::uint32_t>(to));
        to += here.bytes;
      }
      at += here.bytes;
    }
    end_ = to;
    gaps_ = 0;
  }

  std::unique_ptr<std::byte[]> data_;
  std::size_t bytes_;
  std::size_t used_limit_ = fewest_bytes;
  std::size_t end_ = 0;
  std::size_t gaps_ = 0;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
