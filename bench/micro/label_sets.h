// SPDX-License-Identifier: Apache-2.0
//
// LabelSets: label values that are known at run time only, two to a set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

struct Labels {
  std::string_view tenant;
  std::string_view route;
};

inline constexpr std::uint64_t records_seed = 20260901;
inline constexpr std::uint64_t births_seed = 20260902;

/// 0 … count - 1 in another order.
inline std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937_64{seed});
  return numbers;
}

/// Label sets as a request has them: some 20 characters that were just read, each text behind its size. Close together,
/// so that what is measured waits for the index and the series, and not for its own arguments.
class LabelSets {
 public:
  class Iterator {
   public:
    explicit Iterator(const char* at) : at_{at} {}
    Labels operator*() const {
      const std::string_view tenant = text_at(at_);
      return {tenant, text_at(tenant.data() + tenant.size())};
    }
    Iterator& operator++() {
      const std::string_view route = (**this).route;
      at_ = route.data() + route.size();
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    static std::string_view text_at(const char* p) { return {p + 1, static_cast<unsigned char>(*p)}; }
    const char* at_;
  };

  explicit LabelSets(std::size_t count, std::size_t first = 0) : size_{count} {
    for (const std::size_t i : shuffled(count, records_seed)) {
      const std::size_t n = first + i;
      add("tenant-" + std::to_string(n / 10));
      add("/v1/route/" + std::to_string(n % 10));
    }
  }
  [[nodiscard]] Iterator begin() const { return Iterator{bytes_.data()}; }
  [[nodiscard]] Iterator end() const { return Iterator{bytes_.data() + bytes_.size()}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::vector<Labels> in_order(const std::vector<std::size_t>& order) const {
    std::vector<Labels> as_they_are;
    for (const Labels& labels : *this) as_they_are.push_back(labels);
    std::vector<Labels> ordered;
    for (const std::size_t i : order) ordered.push_back(as_they_are[i]);
    return ordered;
  }

 private:
  void add(const std::string& text) {
    bytes_ += static_cast<char>(text.size());
    bytes_ += text;
  }
  std::string bytes_;
  std::size_t size_;
};
