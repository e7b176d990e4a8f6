// SPDX-License-Identifier: Apache-2.0
//
// The one write as a restartable sequence, AArch64. The only code for this architecture; rseq_x86_64.h has the theory.
//
// Differences:
//  * The signature before the abort address is 0xd428bc00, `brk #0x45e0` (Linux tools/testing/selftests/rseq/
//    rseq-arm64.h; glibc registers the same). `.inst` writes it as code, little-endian; big-endian is not supported.
//  * The kernel enters the abort address by setting the program counter (kernel/rseq.c, rseq_ip_fixup). That is no
//    indirect branch, so no BTI landing pad stands there. It must be aligned like any instruction, and Clang's
//    assembler gives a section of its own no alignment.
//  * A conditional branch reaches only 1 MiB and linkers add no veneer for it, while compilers move the C++ label
//    `cold` into a section of its own. So rare exits branch to a trampoline at the end of the function's own section,
//    outside of the sequence; its unconditional branch (128 MiB, and veneers beyond) goes on to `cold`, which clears
//    `rseq_cs`. If the kernel looks before that, it finds the program counter outside and clears it itself.
//  * x15 to x17 are clobbered. x16 and x17 are what a veneer may clobber too (AAPCS64, "intra-procedure-call scratch
//    registers"); only branches that leave the sequence can get one, and neither holds anything there.
//  * Between start and commit there are loads, arithmetic and branches forward only: no call, no system call, no
//    exclusive or atomic instruction. The commit is one aligned 8-byte store, which is single-copy atomic (Arm ARM,
//    B2.2). No barriers: `cells` leads to the run by an address dependency, and whoever runs next on this CPU sees its
//    stores.
#pragma once

#include "fast_telemetry/detail/arena.h"
#include "fast_telemetry/detail/cold.h"

extern "C" const std::ptrdiff_t __rseq_offset;  // glibc >= 2.35; not <sys/rseq.h>, which costs include time

// Leaves the address of the cell for this CPU in x17 and that of the thread's area in x15. The descriptor is `struct
// rseq_cs` (uapi/linux/rseq.h: version and flags 0, start, length, abort; 32 bytes, aligned to as many); in the area
// `cpu_id` is at 4 and `rseq_cs` at 8.
#define FAST_TELEMETRY_RSEQ_BEGIN                                                \
  ".pushsection .data.rel.ro.ft_rseq_cs.%=, \"aw?\", %%progbits\n\t.balign 32\n" \
  "3:\t.word 0, 0\n\t.xword 1f, (2f - 1f), 4f\n\t.popsection\n\t"                \
  "mrs x15, tpidr_el0\n\tadd x15, x15, %[area]\n\t"                              \
  "adrp x16, 3b\n\tadd x16, x16, :lo12:3b\n\tstr x16, [x15, #8]\n"               \
  "1:\tldr w16, [x15, #4]\n\tcmp w16, %w[shards]\n\tb.hs 5f\n\t"                 \
  "ldr x17, [%[site]]\n\tcbz x17, 5f\n\t"                                        \
  "add x17, x17, x16, lsl %[shift]\n\tadd x17, x17, %[offset]\n\t"

#define FAST_TELEMETRY_RSEQ_END                                     \
  "\n2:\tstr xzr, [x15, #8]\n\t"                                    \
  ".subsection 1\n5:\tb %l[cold]\n\t.previous\n\t"                  \
  ".pushsection .text.unlikely.ft_rseq.%=, \"ax?\", %%progbits\n\t" \
  ".balign 4\n\t.inst 0xd428bc00\n"                                 \
  "4:\tb %l[cold]\n\t.popsection\n"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

inline void rseq_leave() noexcept {
  asm volatile("mrs x16, tpidr_el0\n\tadd x16, x16, %[area]\n\tstr xzr, [x16, #8]"
               :
               : [area] "r"(__rseq_offset)
               : "x16", "memory");
}

static_assert(offsetof(Site, cells) == 0, "the sequence loads the first word of the site");

/// Adds `value` to the cell `offset` bytes into the site's run, in the current CPU's copy.
template <void (*cold_path)(Site&, std::size_t, std::uint64_t) noexcept = cold_add>
inline void rseq_add(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN
                  "ldr x16, [x17]\n\tadd x16, x16, %[value]\n\tstr x16, [x17]" FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "r"(shards), [site] "r"(&site), [offset] "r"(offset),
                    [value] "r"(value), [shift] "i"(stride_shift)
                  : "x15", "x16", "x17", "memory", "cc"
                  : cold);
  return;
cold:
  rseq_leave();
  cold_path(site, offset, value);
}

/// The same for a run's first cell, where another write of the same function follows at once: no shorter here.
inline void rseq_add_first(Site& site, std::uint64_t value) noexcept { rseq_add(site, 0, value); }

template <void (*cold_path)(Site&, std::size_t, double) noexcept = cold_add>
inline void rseq_add(Site& site, std::size_t offset, double value) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN
                  "ldr d31, [x17]\n\tfadd d31, d31, %d[value]\n\tstr d31, [x17]" FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "r"(shards), [site] "r"(&site), [offset] "r"(offset),
                    [value] "w"(value), [shift] "i"(stride_shift)
                  : "x15", "x16", "x17", "v31", "memory", "cc"
                  : cold);
  return;
cold:
  rseq_leave();
  cold_path(site, offset, value);
}

/// Stores `value` if it is greater than the cell, compared unsigned.
template <void (*cold_path)(Site&, std::size_t, std::uint64_t) noexcept = cold_max>
inline void rseq_max(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN
                  "ldr x16, [x17]\n\tcmp x16, %[value]\n\tb.hs 2f\n\tstr %[value], [x17]" FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "r"(shards), [site] "r"(&site), [offset] "r"(offset),
                    [value] "r"(value), [shift] "i"(stride_shift)
                  : "x15", "x16", "x17", "memory", "cc"
                  : cold);
  return;
cold:
  rseq_leave();
  cold_path(site, offset, value);
}

/// Stores `bits` in a cell that has one copy only: the CPU's distance is taken off again.
inline void rseq_set(Site& site, std::size_t offset, std::uint64_t bits) noexcept {
  asm inline goto(FAST_TELEMETRY_RSEQ_BEGIN
                  "sub x17, x17, x16, lsl %[shift]\n\tstr %[bits], [x17]" FAST_TELEMETRY_RSEQ_END
                  :
                  : [area] "r"(__rseq_offset), [shards] "r"(shards), [site] "r"(&site), [offset] "r"(offset),
                    [bits] "r"(bits), [shift] "i"(stride_shift)
                  : "x15", "x16", "x17", "memory", "cc"
                  : cold);
  return;
cold:
  rseq_leave();
  cold_set(site, offset, bits);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE

#undef FAST_TELEMETRY_RSEQ_BEGIN
#undef FAST_TELEMETRY_RSEQ_END
