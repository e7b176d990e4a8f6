// SPDX-License-Identifier: Apache-2.0
#include "series_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>

// There in a program that looks for leaks (LeakSanitizer's interface): it does not look into mapped memory by itself,
// and would take for leaked what only series refer to.
extern "C" {
[[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t size);
[[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t size);
}

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// What sizes are rounded up to: a cache line.
constexpr std::size_t grain = cache_line;
constexpr std::size_t huge_page = std::size_t{2} << 20;
/// Less than this is not worth a system call. Arbitrary.
constexpr std::size_t smallest_mapped = std::size_t{128} << 10;
/// Longer series (more than about 900 bytes of text) come from the heap, one by one.
constexpr std::size_t longest = 1024;

/// Slabs grow with the number of series, from a page to a huge page.
class Pool {
 public:
  void* allocate(std::size_t grains) {
    const std::lock_guard lock{mutex_};
    if (Free* const found = free_[grains]; found != nullptr) {
      free_[grains] = found->next;
      return found;
    }
    if (left_ < grains * grain) add_slab();
    void* const memory = next_;
    next_ += grains * grain;
    left_ -= grains * grain;
    return memory;
  }

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void renew_lock() noexcept { new (&mutex_) std::mutex; }

  void free(void* memory, std::size_t grains) noexcept {
    const std::lock_guard lock{mutex_};
    free_[grains] = new (memory) Free{free_[grains]};
  }

 private:
  struct Free {
    Free* next;
  };

  void add_slab() {
    const std::size_t size = std::min(slab_, huge_page);
    Block slab = allocate_block(size);
    next_ = static_cast<char*>(slab.release());
    left_ = size;
    slab_ = std::min(2 * slab_, huge_page);
  }

  std::mutex mutex_;
  std::array<Free*, longest / grain + 1> free_{};
  char* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t slab_ = 4096;
};

Pool& pool() {
  static Pool& immortal = *new Pool;
  return immortal;
}

std::size_t grains_of(std::size_t bytes) noexcept { return (bytes + grain - 1) / grain; }

}  // namespace

void* allocate_series(std::size_t bytes) {
  return bytes > longest ? ::operator new(bytes, std::align_val_t{grain}) : pool().allocate(grains_of(bytes));
}

void free_series(void* memory, std::size_t bytes) noexcept {
  if (bytes > longest) return ::operator delete(memory, std::align_val_t{grain});
  pool().free(memory, grains_of(bytes));
}

void lock_series_pool() { pool().lock(); }
void unlock_series_pool() { pool().unlock(); }
void renew_series_pool_lock() noexcept { pool().renew_lock(); }

Block allocate_block(std::size_t bytes) {
  if (bytes < smallest_mapped) {
    void* const block = ::operator new(bytes, std::align_val_t{grain});
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
  if (bytes < smallest_mapped) return ::operator delete(block, std::align_val_t{grain});
  if (__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(block, bytes);
  munmap(block, bytes);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
