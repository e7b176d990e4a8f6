// SPDX-License-Identifier: Apache-2.0
#include "simulated_cpus.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include "bench/micro/on_cpus.h"
#include "curves.h"
#include "fast_telemetry/storage_info.h"

namespace curves {
namespace {

unsigned simulated = 0;  // 0: as many as there are

/// A file that reads like the kernel's list of possible CPUs.
int possible_cpus_file() {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "0-%u\n", simulated - 1);
  const int file = memfd_create("possible", MFD_CLOEXEC);
  if (file < 0 || pwrite(file, text, static_cast<std::size_t>(size), 0) != size) {
    throw std::runtime_error{"no file for the list of possible CPUs"};
  }
  return file;
}

}  // namespace

void simulate_cpus(unsigned count) {
  run_on(allowed_cpus().front());
  simulated = count;
}

void move_to_cpu(unsigned cpu) {
  // The library's writes go by the CPU number that the kernel keeps in the thread's area (Linux, uapi/linux/rseq.h). On
  // its one CPU, nobody but this thread writes any cell, so a wrong number harms nothing.
  char* const area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  *reinterpret_cast<volatile std::uint32_t*>(area + offsetof(struct rseq, cpu_id)) = cpu;
}

void move_back(unsigned count, std::size_t cells) {
  move_to_cpu(static_cast<unsigned>(allowed_cpus().front()));
  const fast_telemetry::StorageInfo info = fast_telemetry::storage_info();
  if (info.path != fast_telemetry::WritePath::restartable_sequence) {
    throw std::runtime_error{"CPUs can be simulated on the restartable path only: " + std::string{info.path_reason}};
  }
  expect("simulated shards", info.shards, count + 8);  // eight for locked adds
  // 0: the kernel does not say.
  if (info.resident_bytes != 0 && info.resident_bytes < count * cells * sizeof(std::uint64_t)) {
    throw std::runtime_error{"simulated CPUs recorded nothing: " + std::to_string(info.resident_bytes) + " bytes"};
  }
}

}  // namespace curves

/// In the place of the C library's, for this program: the library asks here which CPUs are possible.
extern "C" [[gnu::visibility("default")]] int open(const char* path, int flags, ...) {
  if (curves::simulated != 0 && std::strcmp(path, "/sys/devices/system/cpu/possible") == 0) {
    return curves::possible_cpus_file();
  }
  std::va_list rest;
  va_start(rest, flags);
  const bool makes_a_file = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const auto mode = makes_a_file ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
