// SPDX-License-Identifier: Apache-2.0
//
// The kernel's side of restartable sequences as this program plays it. Layouts: Linux include/uapi/linux/rseq.h,
// `struct rseq` and `struct rseq_cs`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace played {

struct Descriptor {
  std::uint32_t version;
  std::uint32_t flags;
  std::uint64_t start_ip;
  std::uint64_t post_commit_offset;
  std::uint64_t abort_ip;
};

/// What a thread shares with its kernel. The library finds it where `__rseq_offset` says.
struct alignas(32) Area {
  std::uint32_t cpu_id_start;
  volatile std::uint32_t cpu_id;
  Descriptor* volatile rseq_cs;
  std::uint32_t flags;
};
static_assert(offsetof(Area, cpu_id) == 4 && offsetof(Area, rseq_cs) == 8);

extern thread_local Area area;

}  // namespace played
