// SPDX-License-Identifier: Apache-2.0
//
// SinkWithRoom: keeps what it is given, as long as it has room, or throws.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "tests/support/recorded_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

class SinkWithRoom final : public SpanSink {
 public:
  SinkAnswer span(const SpanRecord& record) override {
    if (throws) throw std::runtime_error{"disk full"};
    if (room == 0) return SinkAnswer::full;
    --room;
    spans.emplace_back(record);
    return SinkAnswer::taken;
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const RecordedSpan& span : spans) all.push_back(span.name);
    return all;
  }

  std::vector<RecordedSpan> spans;
  std::size_t room = ~std::size_t{0};
  bool throws = false;
};

FAST_TELEMETRY_END_NAMESPACE
