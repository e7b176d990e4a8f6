// SPDX-License-Identifier: Apache-2.0
#include "series_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>

#include "fast_telemetry/detail/cold.h"

// There in a program that looks for leaks (LeakSanitizer's interface): it does not look into mapped memory by itself,
// and would take for leaked what only series refer to.
extern "C" {
[[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t size);
[[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t size);
}

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
/// Less than this is not worth a system call. Arbitrary.
constexpr std::size_t smallest_mapped = std::size_t{128} << 10;
/// Longer series (more than about 900 bytes of text) come from the heap, one by one.
constexpr std::size_t longest = 1024;

/// Slabs grow with the number of series, from a page to a huge page.
class Pool {
 public:
  /// `grain`: what sizes are rounded up to.
  explicit Pool(std::size_t grain) : grain_{grain} {}

  void* allocate(std::size_t bytes) {
    const std::size_t grains = grains_of(bytes);
    const std::lock_guard lock{mutex_};
    if (Free* const found = free_[grains]; found != nullptr) {
      free_[grains] = found->next;
      return reinterpret_cast<char*>(found) - untouched;
    }
    if (left_ < grains * grain_) add_slab();
    void* const memory = next_;
    next_ += grains * grain_;
    left_ -= grains * grain_;
    return memory;
  }

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void renew_lock() noexcept { new (&mutex_) std::mutex; }

  void free(void* memory, std::size_t bytes) noexcept {
    const std::size_t grains = grains_of(bytes);
    const std::lock_guard lock{mutex_};
    free_[grains] = new (static_cast<char*>(memory) + untouched) Free{free_[grains]};
  }

 private:
  struct Free {
    Free* next;
  };
  /// What a series begins with stays as its end left it: a record through a handle that was destroyed too early, by a
  /// thread that outlives static objects, finds no metric there.
  static constexpr std::size_t untouched = sizeof(Site);
  static_assert(untouched + sizeof(Free) <= cache_line);

  [[nodiscard]] std::size_t grains_of(std::size_t bytes) const noexcept { return (bytes + grain_ - 1) / grain_; }

  void add_slab() {
    const std::size_t size = std::min(slab_, huge_page);
    Block slab = allocate_block(size);
    next_ = static_cast<char*>(slab.release());
    left_ = size;
    slab_ = std::min(2 * slab_, huge_page);
  }

  std::mutex mutex_;
  const std::size_t grain_;
  std::array<Free*, longest / cache_line + 1> free_{};
  char* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t slab_ = 4096;
};

Pool& series_pool() {
  static Pool& immortal = *new Pool{cache_line};
  return immortal;
}

Pool& history_pool() {
  static Pool& immortal = *new Pool{alignof(std::uint64_t)};
  return immortal;
}

}  // namespace

void* allocate_series(std::size_t bytes) {
  return bytes > longest ? ::operator new(bytes, std::align_val_t{cache_line}) : series_pool().allocate(bytes);
}
void* allocate_history(std::size_t bytes) { return history_pool().allocate(bytes); }

void free_series(void* memory, std::size_t bytes) noexcept {
  if (bytes > longest) return ::operator delete(memory, std::align_val_t{cache_line});
  series_pool().free(memory, bytes);
}
void free_history(void* memory, std::size_t bytes) noexcept { history_pool().free(memory, bytes); }

void lock_series_pools() { series_pool().lock(), history_pool().lock(); }
void unlock_series_pools() { history_pool().unlock(), series_pool().unlock(); }
void renew_series_pool_locks() noexcept { series_pool().renew_lock(), history_pool().renew_lock(); }

Block allocate_block(std::size_t bytes) {
  if (bytes < smallest_mapped) {
    void* const block = ::operator new(bytes, std::align_val_t{cache_line});
    std::memset(block, 0, bytes);
    return Block{block, FreeBlock{bytes}};
  }
  const std::size_t alignment = bytes >= huge_page ? huge_page : 0;
  void* const mapped = mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc{};
  char* begin = static_cast<char*>(mapped);
  if (alignment != 0) {
    const std::size_t before = (alignment - reinterpret_cast<std::uintptr_t>(begin) % alignment) % alignment;
    if (before != 0) munmap(begin, before);
    if (before != alignment) munmap(begin + before + bytes, alignment - before);
    begin += before;
    madvise(begin, bytes, MADV_HUGEPAGE);
  }
  if (__lsan_register_root_region != nullptr) __lsan_register_root_region(begin, bytes);
  return Block{begin, FreeBlock{bytes}};
}

void FreeBlock::operator()(void* block) const noexcept {
  if (bytes < smallest_mapped) return ::operator delete(block, std::align_val_t{cache_line});
  if (__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(block, bytes);
  munmap(block, bytes);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
