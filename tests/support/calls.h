// SPDX-License-Identifier: Apache-2.0
//
// One counter as a reader sees it, for programs of tests that have no GoogleTest.
#pragma once

#include <fast_telemetry/snapshot.h>

#include <cstdint>
#include <string_view>

#include "fast_telemetry/testing/ignoring_visitor.h"

namespace ft = fast_telemetry;

/// One counter, by its full name.
class Calls final : public ft::IgnoringVisitor {
 public:
  explicit Calls(std::string_view full_name) : full_name_{full_name} {}
  std::uint64_t calls = 0;

  using ft::IgnoringVisitor::sum;
  void family(const ft::Family& family) override { is_it_ = family.full_name == full_name_; }
  void sum(const ft::Series&, const ft::NumberPoint<std::uint64_t>& point) override {
    if (is_it_) calls = point.value;
  }

 private:
  std::string_view full_name_;
  bool is_it_ = false;
};

inline std::uint64_t calls_seen(ft::Reader& reader, std::string_view full_name = "plugin_calls") {
  Calls seen{full_name};
  reader.collect().visit(seen);
  return seen.calls;
}
