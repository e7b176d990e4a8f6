// SPDX-License-Identifier: Apache-2.0
//
// The sequences of rseq_x86_64.h and rseq_aarch64.h against the kernel's rules, with a signal handler in the kernel's
// place: what it finds in `rseq_cs` it reads, checks and acts upon as Linux does (kernel/rseq.c, rseq_ip_fixup), and
// before it lets the thread go on it does what another thread on this CPU might have done meanwhile: it writes to the
// very cell. So the sequences are also tested where no kernel knows them: the AArch64 ones under QEMU, which with
// -singlestep delivers signals between any two instructions; there every boundary must have been hit.
//
// Mutations, red on both: the store that announces the descriptor left out; another signature; the comparison with
// `shards` left out; the descriptor not cleared behind the commit. On AArch64 also: the descriptor's length one
// instruction short; rseq_leave without its store.
#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>

#include <algorithm>
#include <cstring>

#include "area.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/storage_info.h"
#include "src/core/arena.h"
#include "tests/stress/stress.h"

namespace {

namespace ft = fast_telemetry;
using played::area;

#ifdef __x86_64__
constexpr std::uint32_t signature = 0x53053053;
#else
constexpr std::uint32_t signature = 0xd428bc00;  // tools/testing/selftests/rseq/rseq-arm64.h; little-endian
#endif

std::uint64_t program_counter(const ucontext_t& context) {
#ifdef __x86_64__
  return static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
#else
  return context.uc_mcontext.pc;
#endif
}

void set_program_counter(ucontext_t& context, std::uint64_t address) {
#ifdef __x86_64__
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(address);
#else
  context.uc_mcontext.pc = address;
#endif
}

/// How often a thread was interrupted so many bytes into a sequence.
constexpr std::size_t longest = 256;
struct Sequence {
  const played::Descriptor* descriptor = nullptr;
  std::uint64_t aborts[longest] = {};
};
Sequence sequences[8];
std::uint64_t aborts = 0;
const char* breach = nullptr;  ///< of the kernel's rules: it would have killed the process

void count_abort(const played::Descriptor* descriptor, std::uint64_t offset) {
  ++aborts;
  for (Sequence& sequence : sequences) {
    if (sequence.descriptor == nullptr) sequence.descriptor = descriptor;
    if (sequence.descriptor != descriptor) continue;
    ++sequence.aborts[offset % longest];
    return;
  }
}

/// What the kernel does with a thread that it has taken the CPU from.
void fix_up(ucontext_t& context) {
  const played::Descriptor* const descriptor = area.rseq_cs;
  if (descriptor == nullptr) return;
  area.rseq_cs = nullptr;
  const played::Descriptor& cs = *descriptor;
  std::uint32_t before_abort = 0;
  std::memcpy(&before_abort, reinterpret_cast<const char*>(cs.abort_ip) - sizeof before_abort, sizeof before_abort);
  if (cs.version != 0 || cs.flags != 0) breach = "version or flags of a descriptor are not 0";
  if (cs.abort_ip - cs.start_ip < cs.post_commit_offset) breach = "an abort address lies in its sequence";
  if (before_abort != signature) breach = "the signature does not stand before an abort address";
  if (reinterpret_cast<std::uintptr_t>(descriptor) % 32 != 0) breach = "a descriptor is not aligned to 32 bytes";
  const std::uint64_t offset = program_counter(context) - cs.start_ip;
  if (offset >= cs.post_commit_offset) return;
  count_abort(descriptor, offset);
  set_program_counter(context, cs.abort_ip);
}

void (*meanwhile)() = nullptr;
volatile std::uint64_t interruptions = 0;

void interrupt(int, siginfo_t*, void* context) {
  fix_up(*static_cast<ucontext_t*>(context));
  interruptions = interruptions + 1;
  // The thread is somewhere else now, as often as not: on the first or the last CPU, or on one without a shard.
  const std::uint32_t places[] = {0, ft::detail::shards - 1, ft::detail::shards, ~std::uint32_t{0}};
  if (meanwhile != nullptr) meanwhile();
  area.cpu_id = places[interruptions % 4 == 0 ? interruptions / 4 % 4 : interruptions % 2];
}

/// Whether a sequence was interrupted everywhere: at each instruction where that can be known, else often.
bool interrupted_everywhere(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Sequence& sequence = sequences[i];
    if (sequence.descriptor == nullptr) return false;
#ifdef __aarch64__
    for (std::size_t offset = 0; offset < sequence.descriptor->post_commit_offset; offset += 4) {
      if (sequence.aborts[offset] == 0) return false;
    }
#endif
  }
  return aborts > 1'000;
}

class PlayedKernel : public testing::Test {
 protected:
  PlayedKernel() {
    area.cpu_id = 0;
    const ft::Counter starts_storage;
    for (Sequence& sequence : sequences) sequence = {};
    aborts = 0;
    interruptions = 0;
    breach = nullptr;
    struct sigaction action{};
    action.sa_sigaction = interrupt;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
  }

  /// Repeats `record` while a timer interrupts, until each of its sequences was interrupted everywhere.
  template <class Record>
  static void storm(std::size_t sequence_count, Record record) {
    stress::ThreadTimer timer{SIGUSR1};
    while (breach == nullptr && !interrupted_everywhere(sequence_count)) {
      const std::uint64_t before = interruptions;
      // Anywhere in the next records; ever later, since under QEMU the system call itself takes tens of microseconds.
      timer.send_after(1 + static_cast<long>(before * 7919 % (50'000 + 50 * before)));
      while (interruptions == before) record();
      if (before > 30'000) breach = "interrupted often, and not in every sequence that was expected";
    }
    record();  // whole: the last one was interrupted, and that clears too
    meanwhile = nullptr;
    EXPECT_EQ(breach, nullptr) << breach;
    EXPECT_EQ(area.rseq_cs, nullptr) << "a descriptor was left behind";
  }
};

TEST_F(PlayedKernel, lets_the_library_record_by_restartable_sequences) {
  EXPECT_EQ(ft::storage_info().path, ft::WritePath::restartable_sequence) << ft::storage_info().path_reason;
}

TEST_F(PlayedKernel, aborts_adds_and_each_is_counted_once) {
  static ft::Counter counter;
  static std::uint64_t added;
  static std::uint64_t added_meanwhile;
  meanwhile = [] { counter.add(3), added_meanwhile += 3; };
  storm(1, [] { counter.add(5), added += 5; });
  EXPECT_EQ(counter.value(), added + added_meanwhile);
}

TEST_F(PlayedKernel, aborts_adds_of_doubles_and_each_is_counted_once) {
  static ft::FloatCounter counter;
  static double added;
  static double added_meanwhile;
  meanwhile = [] { counter.add(0.25), added_meanwhile += 0.25; };
  storm(1, [] { counter.add(1.5), added += 1.5; });
  EXPECT_EQ(counter.value(), added + added_meanwhile);
}

TEST_F(PlayedKernel, aborts_observations_and_each_is_counted_once_with_its_sum) {
  static ft::Histogram histogram{{2, 4}};
  static std::uint64_t recorded;
  static std::uint64_t recorded_meanwhile;
  meanwhile = [] { histogram.record(3), ++recorded_meanwhile; };
  storm(2, [] { histogram.record(3), ++recorded; });
  EXPECT_EQ(histogram.count(), recorded + recorded_meanwhile);
  EXPECT_EQ(histogram.sum(), 3 * (recorded + recorded_meanwhile));
}

TEST_F(PlayedKernel, aborts_the_keeping_of_a_greater_value_and_none_is_lost) {
  static ft::detail::Registration metric{nullptr, nullptr, {ft::detail::Cells::counter}};
  static std::uint64_t mine;
  static volatile std::uint64_t greatest;
  const auto found = [] {
    std::uint64_t most = 0;
    for (std::uint32_t shard = 0; shard < ft::detail::shards + ft::detail::extra_shards; ++shard) {
      most = std::max(most, __atomic_load_n(ft::detail::copy_in_shard(metric.site.cells, shard), __ATOMIC_RELAXED));
    }
    return most;
  };
  static std::uint64_t lost;
  static std::uint64_t looked_after;
  meanwhile = [] {
    greatest = mine + 1;
    ft::detail::keep_greater(metric.site, 0, mine + 1);
  };
  storm(1, [&] {
    mine += 2;
    ft::detail::keep_greater(metric.site, 0, mine);
    if (looked_after == interruptions) return;
    looked_after = interruptions;
    if (const std::uint64_t expected = greatest; found() < std::max(expected, mine)) ++lost;
  });
  EXPECT_EQ(lost, 0U);
}

TEST_F(PlayedKernel, aborts_sets_and_the_last_one_stands) {
  static ft::Gauge<std::int64_t> gauge;
  static std::int64_t last;
  meanwhile = [] { gauge.set(-1); };
  storm(1, [] { gauge.set(++last); });
  EXPECT_TRUE(gauge.get() == last || gauge.get() == -1) << gauge.get();
  gauge.set(7);
  EXPECT_EQ(gauge.get(), 7);
}

}  // namespace
