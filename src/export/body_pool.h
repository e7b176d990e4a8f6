// SPDX-License-Identifier: Apache-2.0
//
// BodyPool: the buffers of responses under way, and how much they hold.
#pragma once

#include <memory>
#include <vector>

#include "fast_telemetry/encoding/buffer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class BodyPool;

/// The body of one response, which owns it until its last byte is sent.
struct Body {
  ByteBuffer bytes;
  BodyPool* pool;
  std::size_t pending = 0;  ///< what the pool has counted for it
};

/// Used by the server's thread only.
class BodyPool {
 public:
  BodyPool() { spare_.reserve(most_spare); }

  [[nodiscard]] std::unique_ptr<Body> take() {
    if (spare_.empty()) return std::make_unique<Body>(Body{{}, this});
    std::unique_ptr<Body> body = std::move(spare_.back());
    spare_.pop_back();
    return body;
  }

  /// The body is complete and on its way.
  void sending(Body& body) noexcept {
    body.pending = body.bytes.size();
    pending_bytes_ += body.pending;
  }

  void give_back(std::unique_ptr<Body> body) noexcept {
    pending_bytes_ -= body->pending;
    body->pending = 0;
    body->bytes.clear();
    if (spare_.size() < most_spare) spare_.push_back(std::move(body));
  }

  [[nodiscard]] std::size_t pending_bytes() const noexcept { return pending_bytes_; }

 private:
  // Two scrapers at a time need no allocation; a crowd of slow ones must not leave its buffers behind.
  static constexpr std::size_t most_spare = 2;

  std::vector<std::unique_ptr<Body>> spare_;
  std::size_t pending_bytes_ = 0;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
