// SPDX-License-Identifier: Apache-2.0
#include "otlp_metric.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// UCUM, case-sensitive.
std::string_view ucum(Unit unit) noexcept {
  switch (unit) {
    case Unit::none: return "";
    case Unit::seconds: return "s";
    case Unit::bytes: return "By";
    case Unit::ratio: return "1";
    case Unit::celsius: return "Cel";
    case Unit::joules: return "J";
    case Unit::watts: return "W";
    case Unit::volts: return "V";
    case Unit::amperes: return "A";
    case Unit::meters: return "m";
    case Unit::grams: return "g";
  }
  return "";
}

OtlpData data_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::counter:
    case Kind::up_down_counter: return OtlpData::sum;
    case Kind::histogram: return OtlpData::histogram;
    case Kind::exponential_histogram: return OtlpData::exponential_histogram;
    case Kind::gauge:
    case Kind::info:
    case Kind::state_set: break;
  }
  return OtlpData::gauge;
}

}  // namespace

void OtlpMetric::describe(const Family& family) {
  name_.assign(family.scope);
  if (!name_.empty()) name_ += '.';
  name_ += family.name;
  if (family.kind == Kind::info) name_ += "_info";
  unit_ = ucum(family.unit);
  data_ = data_of(family.kind);
  const std::uint64_t temporality = family.temporality == Temporality::delta ? 1 : 2;
  temporality_ = data_ == OtlpData::gauge ? 0 : temporality;
  is_monotonic_ = family.kind == Kind::counter;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
