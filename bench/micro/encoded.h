// SPDX-License-Identifier: Apache-2.0
//
// What was encoded says, read back: for benchmarks that check their answer.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "fast_telemetry/encoding/dogstatsd.h"
#ifdef FAST_TELEMETRY_HAS_OTLP
#include "fast_telemetry/encoding/otlp_metrics.h"
#include "tests/support/otlp_text.h"
#endif

/// How many lines or points there are, and what they add up to: counters' values, histograms' observations.
struct Samples {
  std::uint64_t lines = 0;
  std::uint64_t total = 0;
};

/// Of an exposition, the samples whose names end like that.
inline Samples samples_of(std::string_view text, std::string_view suffix = "") {
  Samples samples;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (line.starts_with('#') || !line.substr(0, line.find_first_of("{ ")).ends_with(suffix)) continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + line.rfind(' ') + 1, line.data() + line.size(), value);
    samples.total += value;
    ++samples.lines;
  }
  return samples;
}

/// Of DogStatsD's packets.
inline Samples samples_of(const fast_telemetry::DogStatsdEncoder& encoder) {
  Samples samples;
  for (std::size_t i = 0; i < encoder.packet_count(); ++i) {
    for (std::string_view packet = encoder.packet(i); !packet.empty(); packet.remove_prefix(packet.find('\n') + 1)) {
      const std::string_view line = packet.substr(0, packet.find('\n'));
      const std::string_view values = line.substr(line.find(':') + 1, line.find('|') - line.find(':') - 1);
      ++samples.lines;
      if (line.find("|d") == std::string_view::npos) {
        std::uint64_t value = 0;
        std::from_chars(values.data(), values.data() + values.size(), value);
        samples.total += value;
        continue;
      }
      double rate = 1;
      const std::size_t at = line.find("|@");
      if (at != std::string_view::npos) std::from_chars(line.data() + at + 2, line.data() + line.size(), rate);
      samples.total += static_cast<std::uint64_t>(
          std::llround(static_cast<double>(1 + std::count(values.begin(), values.end(), ':')) / rate));
    }
  }
  return samples;
}

#ifdef FAST_TELEMETRY_HAS_OTLP
/// Of OTLP's requests.
inline Samples samples_of(const fast_telemetry::OtlpMetricEncoder& encoder) {
  Samples samples;
  for (const auto& request : encoder.requests()) {
    samples.lines += request.points;
    const std::string text = fast_telemetry::otlp_metrics_text(request.bytes);
    for (const std::string_view key : {" int: ", " count: "}) {
      for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
        samples.total += std::stoull(text.substr(at + key.size(), 20));
      }
    }
  }
  return samples;
}
#endif
