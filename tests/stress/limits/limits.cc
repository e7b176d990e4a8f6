// SPDX-License-Identifier: Apache-2.0
//
// What happens where the system refuses: address space, membarrier, lazy memory; and in handlers on top of an attach.
// Each case needs a process in which nothing was recorded yet, so each is one run: `limits CASE`.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/storage_info.h"
#include "src/core/arena.h"

namespace ft = fast_telemetry;

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("does not hold: %s\n", what);
  ++failures;
}

std::size_t mapped_bytes() {
  std::ifstream pages{"/proc/self/statm"};
  std::size_t count = 0;
  pages >> count;
  return count * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Leaves the process `spare` bytes of address space, behind a heap that has room.
void limit_address_space(std::size_t spare) {
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  std::free(std::malloc(8 << 20));
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = mapped_bytes() + spare;
  setrlimit(RLIMIT_AS, &limit);
}

void lift_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_AS, &limit);
}

/// Mutation: without the null test behind attach() in cold.cc this crashes.
void no_address_space() {
  limit_address_space(256 << 10);
  ft::Counter counter;
  ft::Gauge<double> gauge;
  for (int i = 0; i < 10; ++i) counter.add();
  gauge.set(1);
  const ft::StorageInfo refused = ft::storage_info();
  expect(refused.path == ft::WritePath::locked, "writes are locked");
  expect(FAST_TELEMETRY_RSEQ == 0 || !refused.path_reason.empty(), "the reason is given");
  expect(refused.dropped_no_memory == 11, "each record is a counted drop");
  expect(counter.value() == 0 && gauge.get() == 0, "nothing was counted");
  lift_limit();
  counter.add();
  gauge.set(1);
  expect(counter.value() == 1 && gauge.get() == 1, "recording works as soon as there is room");
  expect(ft::storage_info().dropped_no_memory == 11, "no further drops");
}

/// Mutation: without the second attempt in start_storage (process.cc) all records are dropped.
void room_for_locked_shards_only() {
  const auto cpus = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_CONF));
  // Enough for the shards of locked adds and one stride for alignment, not for one shard per CPU more.
  limit_address_space((ft::detail::extra_shards + 1) * ft::detail::stride_bytes + (cpus - 1) * ft::detail::stride_bytes);
  ft::Counter counter;
  for (int i = 0; i < 10; ++i) counter.add();
  const ft::StorageInfo info = ft::storage_info();
  expect(info.path == ft::WritePath::locked, "writes are locked");
  expect(info.dropped_no_memory == 0, "nothing is dropped");
  expect(counter.value() == 10, "everything is counted");
}

/// Mutation: with the extent mapped readable and writable at once (arena.cc, PROT_NONE) every page is resident.
int locked_memory() {
  if (mlockall(MCL_FUTURE) != 0) {
    std::puts("skipped: this user may not lock memory");
    return 77;
  }
  ft::Counter counter;
  counter.add();
  const ft::StorageInfo info = ft::storage_info();
  expect(counter.value() == 1, "the add is counted");
  expect(info.resident_bytes < info.reserved_bytes / 8, "untouched shards take no memory");
  return 0;
}

void refuse_membarrier() {
  // Allow everything but membarrier, which fails with EPERM.
  std::array<sock_filter, 4> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{filter.size(), filter.data()};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) std::perror("PR_SET_SECCOMP");
}

/// Mutation: with retire_barrier returning true here, the second metric gets the first one's cells.
void without_membarrier() {
  const bool sequences = ft::storage_info().path == ft::WritePath::restartable_sequence;
  expect(ft::storage_info().exact_retirement == !sequences, "exact retirement is off where sequences are in use");
  ft::Registry registry;
  const ft::Scope scope{registry};
  const ft::Info jobs{.name = "jobs"};
  auto* const first = new ft::detail::Registration{&scope, &jobs, ft::Counter::declare()};
  ft::detail::add(first->site, 0, std::uint64_t{5});
  const std::uint64_t* const cells = first->site.cells;
  delete first;
  ft::detail::Registration other{nullptr, nullptr, ft::Counter::declare()};
  ft::detail::add(other.site, 0, std::uint64_t{1});
  expect(!sequences || other.site.cells != cells, "another metric does not get its cells");
  expect(ft::detail::read_integer(other.site, 0) == 1, "another metric starts at zero");
  ft::Counter again{registry, jobs};
  again.add(2);
  expect(again.value() == 7, "the held series goes on in its own cells");
}

ft::Counter* written_by_handler = nullptr;

/// Mutation: with a plain spin lock instead of SignalLock the second half hangs.
void first_write_in_a_handler() {
  ft::Counter counter;
  written_by_handler = &counter;
  struct sigaction action {};
  action.sa_handler = [](int) { written_by_handler->add(); };
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  expect(counter.value() == 1, "a first write in a handler attaches and counts");

  // A handler on top of this thread's own attach: as if the signal came while the lock is held.
  ft::Counter other;
  written_by_handler = &other;
  expect(ft::detail::arena_lock.lock(), "the lock is free");
  raise(SIGUSR1);
  ft::detail::arena_lock.unlock();
  expect(other.value() == 0 && ft::storage_info().dropped_reentrant == 1, "on top of an attach it is one counted drop");
  raise(SIGUSR1);
  expect(other.value() == 1, "and the next write counts");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string which = argc > 1 ? argv[1] : "";
  int skipped = 0;
  if (which == "no_address_space") {
    no_address_space();
  } else if (which == "room_for_locked_shards_only") {
    room_for_locked_shards_only();
  } else if (which == "locked_memory") {
    skipped = locked_memory();
  } else if (which == "without_membarrier") {
    // The filter has to be there when the library starts, so it is set for a new image.
    refuse_membarrier();
    execl("/proc/self/exe", argv[0], "membarrier_refused", nullptr);
    std::perror("execl");
    return 1;
  } else if (which == "membarrier_refused") {
    without_membarrier();
  } else if (which == "first_write_in_a_handler") {
    first_write_in_a_handler();
  } else {
    std::printf("no such case: %s\n", which.c_str());
    return 2;
  }
  return failures != 0 ? 1 : skipped;
}
