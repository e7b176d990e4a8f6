// SPDX-License-Identifier: Apache-2.0
#include "tests/support/allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#ifndef __has_feature  // Clang's way of asking; GCC defines the macros
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
#define FAST_TELEMETRY_SANITIZED_MALLOC 1
// <sanitizer/allocator_interface.h>, which GCC's packages lack.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                                         void (*on_free)(const volatile void*));
#else
#define FAST_TELEMETRY_SANITIZED_MALLOC 0
#endif

namespace {
constinit std::atomic<std::uint64_t> count{0};
constinit std::atomic<std::uint64_t> failing{0};  // its number
}  // namespace

FAST_TELEMETRY_BEGIN_NAMESPACE
std::uint64_t allocations() noexcept { return count.load(std::memory_order_relaxed); }
void fail_allocation(std::uint64_t n) noexcept { failing.store(n == 0 ? 0 : allocations() + n); }
FAST_TELEMETRY_END_NAMESPACE

#if FAST_TELEMETRY_SANITIZED_MALLOC

// The sanitizers bring a malloc of their own and a hook for it.
namespace {
void on_malloc(const volatile void*, std::size_t) { count.fetch_add(1, std::memory_order_relaxed); }
void on_free(const volatile void*) {}
[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}  // namespace

#else

namespace {
/// Counts an allocation; whether it is the one that fails.
bool is_refused() noexcept { return count.fetch_add(1, std::memory_order_relaxed) + 1 == failing.load(); }
void* refuse() noexcept {
  errno = ENOMEM;
  return nullptr;
}
}  // namespace

// The C library's own entry points, so that everything is counted that reaches malloc by whichever way.
extern "C" {
void* __libc_malloc(std::size_t);                 // NOLINT(bugprone-reserved-identifier): glibc's names
void* __libc_calloc(std::size_t, std::size_t);    // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void*, std::size_t);         // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t, std::size_t);  // NOLINT(bugprone-reserved-identifier)

void* malloc(std::size_t size) {
  if (is_refused()) return refuse();
  return __libc_malloc(size);
}
void* calloc(std::size_t items, std::size_t size) {
  if (is_refused()) return refuse();
  return __libc_calloc(items, size);
}
void* realloc(void* old, std::size_t size) {
  if (is_refused()) return refuse();
  return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (is_refused()) return refuse();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  *result = is_refused() ? nullptr : __libc_memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}
}

#endif
