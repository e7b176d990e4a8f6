// SPDX-License-Identifier: Apache-2.0
#include "record_log.h"

#include <cstring>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

void RecordLog::append(RecordChain& chain, std::uint32_t owner, const SpanRecord& record) noexcept {
  const std::size_t size = record.size_bytes();
  new (&data_[end_]) Link{owner, RecordChain::none, sizeof(Link) + size};
  std::memcpy(&data_[end_ + sizeof(Link)], &record.header(), size);
  add_to(chain, static_cast<std::uint32_t>(end_));
  end_ += sizeof(Link) + size;
}

void RecordLog::add_to(RecordChain& chain, std::uint32_t offset) noexcept {
  link(offset).next = RecordChain::none;
  (chain.first == RecordChain::none ? chain.first : link(chain.last).next) = offset;
  chain.last = offset;
}

void RecordLog::move(std::size_t from, std::size_t to, std::size_t bytes) noexcept {
  if (from != to) std::memmove(&data_[to], &data_[from], bytes);
}

void RecordLog::pop_front(RecordChain& chain) noexcept {
  Link& gone = link(chain.first);
  gone.owner = nobody;
  gaps_ += gone.bytes;
  chain.first = gone.next;
  if (chain.first == RecordChain::none) chain.last = RecordChain::none;
  if (gaps_ == end_) clear();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
