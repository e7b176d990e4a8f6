// SPDX-License-Identifier: Apache-2.0
//
// OwnFamilies: shows a visitor families that are in no registry.
#pragma once

#include <cstdint>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct OwnFamily {
  const char* name;
  const char* full_name;
  const char* help;
  Unit unit;
  Kind kind;
};

/// Where the ids of such series begin, counting down: near the largest, where registered series never get. Each source
/// has its own range, with room.
inline constexpr std::uint64_t storage_info_ids = ~std::uint64_t{0};
inline constexpr std::uint64_t process_info_ids = storage_info_ids - 1024;
inline constexpr std::uint64_t span_info_ids = process_info_ids - 1024;
inline constexpr std::uint64_t tail_sampler_info_ids = span_info_ids - 1024;
inline constexpr std::uint64_t delivery_info_ids = tail_sampler_info_ids - 1024;

/// When this process, a forked child too, was started: since then the library and the system count. 0 where the system
/// does not say. Read once per process.
[[nodiscard]] std::int64_t process_start_unix_ns() noexcept;

/// Visits one family after the other. A series that is absent takes its id with it: encoders keep what they know of a
/// series by its id.
class OwnFamilies {
 public:
  OwnFamilies(Visitor& visitor, const char* scope, std::uint64_t first_id)
      : visitor_{visitor}, scope_{scope}, next_id_{first_id} {}

  void family(const OwnFamily& own) {
    visitor_.family({scope_, own.name, own.full_name, own.help, own.unit, own.kind});
  }
  void sum(std::uint64_t value, std::span<const Label> labels = {}) {
    visitor_.sum(series(labels), NumberPoint<std::uint64_t>{value});
  }
  void sum(double value, std::span<const Label> labels = {}) {
    visitor_.sum(series(labels), NumberPoint<double>{value});
  }
  void gauge(std::uint64_t value, std::span<const Label> labels = {}) {
    visitor_.gauge(series(labels), NumberPoint<std::int64_t>{static_cast<std::int64_t>(value)});
  }
  void gauge(double value, std::span<const Label> labels = {}) {
    visitor_.gauge(series(labels), NumberPoint<double>{value});
  }
  void histogram(const HistogramPoint& point, std::span<const Label> labels) {
    visitor_.histogram(series(labels), point);
  }

  // Families of one series.
  void counter_family(const char* name, const char* full_name, const char* help, std::uint64_t value) {
    family({name, full_name, help, Unit::none, Kind::counter});
    sum(value);
  }
  void gauge_family(const char* name, const char* full_name, const char* help, Unit unit, std::uint64_t value) {
    family({name, full_name, help, unit, Kind::gauge});
    gauge(value);
  }

  void absent() noexcept { --next_id_; }
  /// Of the series from here on. At first: the process's start.
  void began(std::int64_t unix_ns) noexcept { began_unix_ns_ = unix_ns; }

 private:
  Series series(std::span<const Label> labels) { return {next_id_--, began_unix_ns_, labels}; }

  Visitor& visitor_;
  const char* scope_;
  std::uint64_t next_id_;
  std::int64_t began_unix_ns_ = process_start_unix_ns();
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
