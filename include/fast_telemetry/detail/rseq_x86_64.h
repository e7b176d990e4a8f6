// SPDX-License-Identifier: Apache-2.0
//
// The one write as a restartable sequence, x86-64. The only code for this architecture.
//
// A restartable sequence is a stretch of instructions that the kernel abandons when the thread is preempted, migrated
// or interrupted inside it; only its last instruction takes effect. So a plain add to the current CPU's copy is never
// torn. The ABI relied on (Linux uapi/linux/rseq.h): the thread's area belongs to glibc; `cpu_id` at offset 4 is
// negative while nothing is registered; `rseq_cs` at offset 8 names the current descriptor { version, flags, start,
// length, abort }; 4 signature bytes stand directly before the abort address. The area's size is never assumed.
//
// Rules, each paid for by a crash or a link error (docs/design/write.md):
//  * `rseq_cs` is cleared after the commit and on every exit: a stale descriptor in an unloaded plugin kills the host.
//  * `asm inline`: GCC takes the lines of an asm for its size, and would call a function that is a few instructions.
//  * Descriptor and abort code stand in sections of their own per site ("%=") that follow their function's group ("?"):
//    otherwise two units that share an inline function do not link at -O0, or --gc-sections keeps dead code.
//  * Nothing but the commit writes memory the program can see.
//  * The area is reached through %fs inside the sequence. A thread pointer that the compiler holds can be another
//  thread's
//    after a coroutine or fiber has moved: Clang 14 keeps it in the coroutine's frame, which lost 0.5 % of the adds.
#pragma once

#include "fast_telemetry/detail/arena.h"
#include "fast_telemetry/detail/cold.h"

extern "C" const std::ptrdiff_t __rseq_offset;  // glibc >= 2.35; not <sys/rseq.h>, which costs include time

// Loads the address of the cell for this CPU: %rcx + %rax. Leaves to "5" when the CPU has no shard or the metric no
// cells.
#define FAST_TELEMETRY_RSEQ_BEGIN_RUN                                           \
  ".pushsection .data.rel.ro.ft_rseq_cs.%=, \"aw?\", @progbits\n\t.balign 32\n" \
  "3:\t.long 0, 0\n\t.quad 1f, (2f - 1f), 4f\n\t.popsection\n\t"                \
  "leaq 3b(%%rip), %%rax\n\tmovq %%rax, %%fs:8(%[area])\n"                      \
  "1:\tmovl %%fs:4(%[area]), %%eax\n\tcmpl %[shards], %%eax\n\tjae 5f\n\t"      \
  "shlq %[shift], %%rax\n\t"                                                    \
  "movq %[cells], %%rcx\n\ttestq %%rcx, %%rcx\n\tjz 5f\n\t"
#define FAST_TELEMETRY_RSEQ_BEGIN FAST_TELEMETRY_RSEQ_BEGIN_RUN "addq %[offset], %%rcx\n\t"

// 0x53053053 is the signature glibc registers; as the operand of ud1 it stays a decodable instruction.
#define FAST_TELEMETRY_RSEQ_END FAST_TELEMETRY_RSEQ_END_OPEN "movq $0, %%fs:8(%[area])\n\t"

// Without the clear: the write that follows at once replaces the descriptor with its own, and clears that.
#define FAST_TELEMETRY_RSEQ_END_OPEN                               \
  "\n2:\t"                                                         \
  ".pushsection .text.unlikely.ft_rseq.%=, \"ax?\", @progbits\n\t" \
  ".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n"                   \
  "4:\n5:\tmovq $0, %%fs:8(%[area])\n\tjmp %l[cold]\n\t.popsection\n\t"

// VEX forms where the build has them: mixing both encodings costs a state change on some processors.
#ifdef __AVX__
#define FAST_TELEMETRY_RSEQ_ADD_DOUBLE    \
  "vmovsd (%%rcx, %%rax), %%xmm15\n\t"    \
  "vaddsd %[value], %%xmm15, %%xmm15\n\t" \
  "vmovsd %%xmm15, (%%rcx, %%rax)"
#else
#define FAST_TELEMETRY_RSEQ_ADD_DOUBLE \
  "movsd (%%rcx, %%rax), %%xmm15\n\t"  \
  "addsd %[value], %%xmm15\n\t"        \
  "movsd %%xmm15, (%%rcx, %%rax)"
#endif

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Adds `value` to the cell `offset` bytes into the site's run, in the current CPU's copy.
template <void (*cold_path)(Site&, std::size_t, std::uint64_t) noexcept = cold_add>
inline void rseq_add(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN "addq %[value], (%%rcx, %%rax)" FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "m"(shards), [cells] "m"(site.cells), [offset] "er"(offset),
                    [value] "er"(value), [shift] "i"(stride_shift)
                  : "rax", "rcx", "memory", "cc"
                  : cold);
  return;
cold:
  cold_path(site, offset, value);
}

/// The same for a run's first cell, where another write of the same function follows at once.
inline void rseq_add_first(Site& site, std::uint64_t value) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN_RUN "addq %[value], (%%rcx, %%rax)" FAST_TELEMETRY_RSEQ_END_OPEN
                  :
                  : [area] "r"(__rseq_offset), [shards] "m"(shards), [cells] "m"(site.cells), [value] "er"(value),
                    [shift] "i"(stride_shift)
                  : "rax", "rcx", "memory", "cc"
                  : cold);
  return;
cold:
  cold_add(site, 0, value);
}

template <void (*cold_path)(Site&, std::size_t, double) noexcept = cold_add>
inline void rseq_add(Site& site, std::size_t offset, double value) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN FAST_TELEMETRY_RSEQ_ADD_DOUBLE FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "m"(shards), [cells] "m"(site.cells), [offset] "er"(offset),
                    [value] "x"(value), [shift] "i"(stride_shift)
                  : "rax", "rcx", "xmm15", "memory", "cc"
                  : cold);
  return;
cold:
  cold_path(site, offset, value);
}

/// Stores `value` if it is greater than the cell, compared unsigned.
template <void (*cold_path)(Site&, std::size_t, std::uint64_t) noexcept = cold_max>
inline void rseq_max(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN
                  "cmpq %[value], (%%rcx, %%rax)\n\tjae 2f\n\t"
                  "movq %[value], (%%rcx, %%rax)" FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "m"(shards), [cells] "m"(site.cells), [offset] "er"(offset),
                    [value] "er"(value), [shift] "i"(stride_shift)
                  : "rax", "rcx", "memory", "cc"
                  : cold);
  return;
cold:
  cold_path(site, offset, value);
}

/// Stores `bits` in a cell that has one copy only. A sequence like the others, so that a store under way when the
/// site's run is taken away is aborted and does not land in the run's next owner.
inline void rseq_set(Site& site, std::size_t offset, std::uint64_t bits) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN "movq %[bits], (%%rcx)" FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "m"(shards), [cells] "m"(site.cells), [offset] "er"(offset),
                    [bits] "er"(bits), [shift] "i"(stride_shift)
                  : "rax", "rcx", "memory", "cc"
                  : cold);
  return;
cold:
  cold_set(site, offset, bits);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE

#undef FAST_TELEMETRY_RSEQ_BEGIN
#undef FAST_TELEMETRY_RSEQ_END
#undef FAST_TELEMETRY_RSEQ_END_OPEN
#undef FAST_TELEMETRY_RSEQ_BEGIN_RUN
#undef FAST_TELEMETRY_RSEQ_ADD_DOUBLE
