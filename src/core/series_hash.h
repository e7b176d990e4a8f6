// SPDX-License-Identifier: Apache-2.0
//
// A keyed hash of label values, and their comparison: what every lookup by labels does.
#pragma once

#include <cstdint>
#include <cstring>

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Drawn once per process: whoever chooses label values cannot choose their hashes.
struct HashKey {
  std::uint64_t start;
  std::uint64_t step;
};
extern constinit HashKey hash_key;

/// Idempotent; before anything is hashed.
void draw_hash_key();

inline std::uint64_t load8(const char* p) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}
inline std::uint64_t load4(const char* p) noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// The two halves of a product, folded: each bit of the result depends on all bits of both factors.
inline std::uint64_t fold_product(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Product = unsigned __int128;
  const Product product = Product{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// The last 0 to 16 bytes of a text as two words. Which of them overlap depends on the size alone, and the size is
/// hashed too.
inline void load_rest(const char* p, std::size_t size, std::uint64_t& a, std::uint64_t& b) noexcept {
  if (size >= 8) {
    a = load8(p);
    b = load8(p + size - 8);
  } else if (size >= 4) {
    a = load4(p);
    b = load4(p + size - 4);
  } else if (size > 0) {
    a = static_cast<unsigned char>(p[0]) | static_cast<std::uint64_t>(static_cast<unsigned char>(p[size / 2])) << 8 |
        static_cast<std::uint64_t>(static_cast<unsigned char>(p[size - 1])) << 16;
    b = 0;
  } else {
    a = b = 0;
  }
}

/// Before the first of `count` values.
inline std::uint64_t begin_hash(std::size_t count, const HashKey& key) noexcept { return key.start ^ count; }

/// Of one value after others: `hash` is theirs.
inline std::uint64_t hash_text(std::uint64_t hash, const char* p, std::size_t size, const HashKey& key) noexcept {
  hash ^= size;
  std::size_t rest = size;
  for (; rest > 16; rest -= 16, p += 16) hash = fold_product(load8(p) ^ key.step, load8(p + 8) ^ hash);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  load_rest(p, rest, a, b);
  return fold_product(a ^ key.step, b ^ hash);
}

/// After the last. What differs between two texts may so far have reached few of the low bits, where tables look: a
/// value that ends in digits is multiplied by one factor, and for some factors that is no mixing.
inline std::uint64_t end_hash(std::uint64_t hash, const HashKey& key) noexcept {
  return fold_product(hash ^ key.start, key.step);
}

inline constexpr std::size_t longest_short_text = 16;

/// Of up to 16 bytes: no call for what labels mostly are, and one branch per range of sizes for both texts.
inline bool same_short_text(const char* x, const char* y, std::size_t size) noexcept {
  if (size >= 8) return ((load8(x) ^ load8(y)) | (load8(x + size - 8) ^ load8(y + size - 8))) == 0;
  if (size >= 4) return ((load4(x) ^ load4(y)) | (load4(x + size - 4) ^ load4(y + size - 4))) == 0;
  return size == 0 || (x[0] == y[0] && x[size / 2] == y[size / 2] && x[size - 1] == y[size - 1]);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
