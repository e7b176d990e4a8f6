// SPDX-License-Identifier: Apache-2.0
//
// Callback: something to call whose type is forgotten. In place of std::function, whose header costs more to include
// than all recording headers together.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct ObservationRun;

/// Owns what it calls.
class Callback {
 public:
  using Call = void (*)(void* object, ObservationRun& run);
  using Destroy = void (*)(void* object) noexcept;

  Callback() = default;
  Callback(void* object, Call call, Destroy destroy) noexcept : object_{object}, call_{call}, destroy_{destroy} {}
  Callback(Callback&& other) noexcept { swap(other); }
  Callback& operator=(Callback&&) = delete;
  ~Callback() {
    if (destroy_ != nullptr) destroy_(object_);
  }

  void swap(Callback& other) noexcept {
    swap(object_, other.object_);
    swap(call_, other.call_);
    swap(destroy_, other.destroy_);
  }

  /// Whether there is anything to call.
  [[nodiscard]] bool empty() const noexcept { return call_ == nullptr; }

  void operator()(ObservationRun& run) const { call_(object_, run); }

 private:
  template <class Value>
  static void swap(Value& a, Value& b) noexcept {
    const Value was = a;
    a = b;
    b = was;
  }

  void* object_ = nullptr;
  Call call_ = nullptr;
  Destroy destroy_ = nullptr;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
