// SPDX-License-Identifier: Apache-2.0
//
// Spans with everything that a span can carry, at random, and with content that breaks encoders.
#pragma once

#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fast_telemetry/spans/tracer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

class RandomSpans {
 public:
  explicit RandomSpans(unsigned seed) : random_{seed} {}

  /// Records one span of the tracer.
  void record(const Tracer& tracer) {
    Span span = begin(tracer);
    for (unsigned n = below(6); n != 0; --n) span.set_attribute(key(), value());
    for (unsigned n = below(4); n != 0; --n) {
      const std::vector<Attribute> given = attributes();
      span.add_event(key(), {given.data(), given.size()}, below(2) == 0 ? 0 : 1'700'000'000'000'000'000 + below(1000));
    }
    for (unsigned n = below(4); n != 0; --n) {
      const std::vector<Attribute> given = attributes();
      span.add_link(context(), {given.data(), given.size()});
    }
    if (below(3) == 0) span.record_exception("std::runtime_error", string());
    if (below(3) == 0) span.rename_to(string());
    if (below(2) == 0) span.set_status(static_cast<SpanStatus>(below(3)), string());
    if (below(4) == 0) {
      span.end_at(1'700'000'000'000'001'000);
    } else {
      span.end();
    }
    texts_.clear();
  }

  /// Anything but small is rare.
  std::string string() {
    static const std::string pieces[] = {"a",
                                         "key=value",
                                         "größe",
                                         "\xF0\x9F\x98\x80",
                                         std::string(1, '\0'),
                                         "\xFF",
                                         "\xC0\xAF",
                                         "\xED\xA0\x80",
                                         "\xF4\x90\x80\x80",
                                         "\xE2\x82",
                                         "\xF0\x9F\x98",
                                         "\xEF\xBF\xBD",
                                         "\n\"\\",
                                         std::string(120, 'x')};
    if (below(200) == 0) return std::string(20'000, 'y') + (below(2) == 0 ? "\xFE" : "");
    std::string text;
    for (unsigned n = below(6); n != 0; --n) text += pieces[below(std::size(pieces))];
    return text;
  }

 private:
  unsigned below(std::size_t bound) {
    return std::uniform_int_distribution<unsigned>{0, static_cast<unsigned>(bound - 1)}(random_);
  }

  Literal key() {
    static constexpr Literal keys[] = {"k", "http.route", "größe", "bad\xFFkey", "\xC3", "url.full", "db.system", "n"};
    return keys[below(std::size(keys))];
  }

  Text kept_string() {
    texts_.push_back(std::make_unique<std::string>(string()));
    return *texts_.back();
  }

  std::int64_t integer() {
    constexpr std::int64_t edges[] = {0,
                                      1,
                                      -1,
                                      127,
                                      128,
                                      16383,
                                      16384,
                                      std::numeric_limits<std::int64_t>::min(),
                                      std::numeric_limits<std::int64_t>::max()};
    return edges[below(std::size(edges))];
  }
  double floating() {
    constexpr double edges[] = {0.0,
                                -0.0,
                                1.5,
                                std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::denorm_min()};
    return edges[below(std::size(edges))];
  }

  AttributeValue value() {
    integers_.clear();
    floats_.clear();
    strings_.clear();
    for (unsigned n = below(4); n != 0; --n) {
      integers_.push_back(integer());
      floats_.push_back(floating());
      strings_.push_back(kept_string());
    }
    static constexpr bool booleans[] = {true, false, true};
    switch (below(9)) {
      case 0: return kept_string();
      case 1: return below(2) == 0;
      case 2: return integer();
      case 3: return floating();
      case 4: {
        const Text bytes = kept_string();
        return Bytes{bytes.data(), bytes.size()};
      }
      case 5: return strings_;
      case 6: return integers_;
      case 7: return floats_;
      default: return std::span<const bool>{booleans, below(4)};
    }
  }

  /// Of an event or a link: plain values only, because they have to stay until the call.
  std::vector<Attribute> attributes() {
    std::vector<Attribute> given;
    for (unsigned n = below(4); n != 0; --n) {
      switch (below(3)) {
        case 0: given.push_back({key(), kept_string()}); break;
        case 1: given.push_back({key(), integer()}); break;
        default: given.push_back({key(), floating()});
      }
    }
    return given;
  }

  SpanContext context() {
    SpanContext context{random_trace_id(), random_span_id(), static_cast<std::uint8_t>(below(256)), below(2) == 0, {}};
    if (below(2) == 0) context.trace_state = TraceState::parse("vendor=value,other=1");
    return context;
  }

  Span begin(const Tracer& tracer) {
    const SpanStart start{.kind = static_cast<SpanKind>(1 + below(5)),
                          .start_unix_ns = below(3) == 0 ? 1'700'000'000'000'000'000 : 0};
    if (below(2) == 0) return tracer.root("root", start);
    SpanContext parent = context();
    parent.flags |= 1;
    return tracer.child(parent, "child", start);
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::int64_t> integers_;
  std::vector<double> floats_;
  std::vector<Text> strings_;
};

FAST_TELEMETRY_END_NAMESPACE
