// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/dogstatsd.h"

#include <cassert>

#include "dogstatsd_lines.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

DogStatsdEncoder::DogStatsdEncoder(DogStatsdOptions options)
    : lines_{std::make_unique<detail::DogStatsdLines>(std::move(options))} {}

DogStatsdEncoder::~DogStatsdEncoder() = default;
DogStatsdEncoder::DogStatsdEncoder(DogStatsdEncoder&&) noexcept = default;
DogStatsdEncoder& DogStatsdEncoder::operator=(DogStatsdEncoder&&) noexcept = default;

std::size_t DogStatsdEncoder::packet_count() const noexcept { return lines_->packet_count(); }

std::string_view DogStatsdEncoder::packet(std::size_t index) const noexcept { return lines_->packet(index); }

DogStatsdEncoder::Info DogStatsdEncoder::info() const noexcept { return lines_->info(); }

void DogStatsdEncoder::begin(const Collection& collection) {
  assert(collection.temporality == Temporality::delta && "an agent adds up what it is sent: use a delta reader");
  lines_->begin(collection);
}

void DogStatsdEncoder::end() { lines_->end(); }

void DogStatsdEncoder::family(const Family& family) { lines_->family(family); }

void DogStatsdEncoder::sum(const Series& series, const NumberPoint<std::uint64_t>& point) {
  if (lines_->is_counter()) {
    lines_->write_increase(series, point.value);
  } else {
    lines_->write_integer(series, point.value);
  }
}

void DogStatsdEncoder::sum(const Series& series, const NumberPoint<std::int64_t>& point) {
  if (lines_->is_counter() && point.value == 0) {
    lines_->write_increase(series, 0);
  } else {
    lines_->write_integer(series, point.value);
  }
}

void DogStatsdEncoder::sum(const Series& series, const NumberPoint<double>& point) {
  lines_->write_double(series, point.value);
}

void DogStatsdEncoder::gauge(const Series& series, const NumberPoint<std::int64_t>& point) {
  lines_->write_integer(series, point.value);
}

void DogStatsdEncoder::gauge(const Series& series, const NumberPoint<double>& point) {
  lines_->write_double(series, point.value);
}

void DogStatsdEncoder::info(const Series& series) { lines_->write_integer(series, std::uint64_t{1}); }

void DogStatsdEncoder::histogram(const Series& series, const HistogramPoint& point) {
  lines_->write_distribution(series, point);
}

void DogStatsdEncoder::histogram(const Series& series, const ExponentialPoint& point) {
  lines_->write_distribution(series, point);
}

void DogStatsdEncoder::state_set(const Series& series, std::span<const State> states) {
  lines_->write_state_set(series, states);
}

FAST_TELEMETRY_END_NAMESPACE
