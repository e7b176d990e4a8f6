// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "fast_telemetry/detail/percpu.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constinit std::string_view reason_locked = "no metric exists yet";

#if FAST_TELEMETRY_RSEQ
/// The highest possible CPU number plus one. Possible, not online: CPUs may come later, and numbers may have gaps.
std::uint32_t possible_cpus() noexcept {
  // Where sysfs is not readable: 256, arbitrary. A CPU beyond it records correctly through the cold path.
  constexpr std::uint32_t unknown = 256;
  const int file = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
  if (file < 0) return unknown;
  char text[64] = {};  // "0-127"; the last number is the highest
  const ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0) return unknown;
  const char* last = text;
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c == '-' || *c == ',') last = c + 1;
  }
  const long highest = std::strtol(last, nullptr, 10);
  return highest >= 0 && highest < 65536 ? static_cast<std::uint32_t>(highest) + 1 : unknown;
}

extern "C" const unsigned int __rseq_size;  // glibc: 0 when registration failed or a tunable switched it off

// That libc registered this thread is all that has to be known. An emulator of processors that cannot abort a sequence
// refuses the registration instead: Valgrind answers the system call with ENOSYS (NEWS of its 3.19: "The Linux rseq
// syscall is now implemented as (silently) returning ENOSYS"; before, as any unknown call, with a warning), and so does
// QEMU's user mode (7.2). Then libc leaves __rseq_size 0 and cpu_id -2. Tests: tests/platform.
bool rseq_registered() noexcept {
  // cpu_id, at offset 4; negative while this thread is not registered.
  const char* const area = static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset;
  return __rseq_size != 0 && *reinterpret_cast<const volatile std::int32_t*>(area + 4) >= 0;
}
#endif

void start_storage() noexcept {
  register_barrier();
  std::uint32_t wanted = 0;
#if FAST_TELEMETRY_RSEQ
  if (rseq_registered()) {
    wanted = possible_cpus();
    reason_locked = "";
  } else {
    reason_locked =
        "restartable sequences are not registered for this process: an old kernel, a filter of system calls, "
        "GLIBC_TUNABLES, Valgrind or another emulator";
  }
#else
  reason_locked = "built with FAST_TELEMETRY_RSEQ=OFF";
#endif
  layout_shards = wanted;
  if (!per_cpu_arena.start(wanted + extra_shards) && wanted != 0) {
    // RLIMIT_AS or strict overcommit: a shard per CPU does not fit, the shards for locked adds may.
    reason_locked = "the address space for per-CPU cells was refused";
    wanted = 0;
    layout_shards = 0;
    static_cast<void>(per_cpu_arena.start(extra_shards));
  }
  static_cast<void>(gauge_arena.start(1));
  // Last: from here on writers use what was set above. They cannot have cells yet.
  __atomic_store_n(&shards, wanted, __ATOMIC_RELEASE);
  install_fork_handlers();
}

Process& create() {
  auto* const created = new Process;  // never deleted
  start_storage();
  return *created;
}

}  // namespace

Process& process() {
  static Process& state = create();
  return state;
}

void free_runs(std::vector<Process::Quarantined>& runs) {
  for (const auto& [size, run] : runs) size->arena->zero(run, size->cells);
  if (runs.empty()) return;
  const bool locked = arena_lock.lock();
  for (const auto& [size, run] : runs) size->arena->free(*size, run);
  if (locked) arena_lock.unlock();
  runs.clear();
}

std::string_view locked_reason() noexcept { return reason_locked; }

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
