// SPDX-License-Identifier: Apache-2.0
#include "span_variables.h"

#include <charconv>
#include <limits>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

enum class SamplerName { always_on, always_off, ratio, parent_always_on, parent_always_off, parent_ratio };

constexpr const char* ratio_variable = "OTEL_TRACES_SAMPLER_ARG";

double read_ratio(Variables& variables) {
  const std::string_view text = variables.get(ratio_variable);
  if (text.empty()) return 1;
  double ratio = 0;  // std::from_chars knows no locale: the point is a point
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ratio);
  if (error == std::errc{} && end == text.data() + text.size() && ratio >= 0 && ratio <= 1) return ratio;
  variables.warn(ratio_variable, "no number from 0 to 1, and ignored: the ratio is 1");
  return 1;
}

std::optional<std::uint16_t> read_count(Variables& variables, const char* name) {
  constexpr std::uint16_t most = std::numeric_limits<std::uint16_t>::max();
  const auto count = variables.number(name);
  if (!count) return {};
  if (*count <= most) return static_cast<std::uint16_t>(*count);
  variables.warn(name, "more than a span can have: 65535");
  return most;
}

}  // namespace

std::optional<Sampler> read_sampler(Variables& variables) {
  const auto name =
      variables.choice<SamplerName>("OTEL_TRACES_SAMPLER", {{"always_on", SamplerName::always_on},
                                                            {"always_off", SamplerName::always_off},
                                                            {"traceidratio", SamplerName::ratio},
                                                            {"parentbased_always_on", SamplerName::parent_always_on},
                                                            {"parentbased_always_off", SamplerName::parent_always_off},
                                                            {"parentbased_traceidratio", SamplerName::parent_ratio}});
  if (!name) return {};
  switch (*name) {
    case SamplerName::always_on: return Sampler::always_on();
    case SamplerName::always_off: return Sampler::always_off();
    case SamplerName::ratio: return Sampler::trace_id_ratio(read_ratio(variables));
    case SamplerName::parent_always_on: return Sampler::parent_based(Sampler::always_on());
    case SamplerName::parent_always_off: return Sampler::parent_based(Sampler::always_off());
    case SamplerName::parent_ratio: return Sampler::parent_based(Sampler::trace_id_ratio(read_ratio(variables)));
  }
  return {};
}

std::optional<SpanLimits> read_span_limits(Variables& variables) {
  SpanLimits limits;
  bool is_any_set = false;
  const auto take = [&](auto& limit, const auto& value) {
    if (!value) return;
    limit = *value;
    is_any_set = true;
  };
  // Of the general ones and those of spans, the latter stand.
  take(limits.value_characters, variables.number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
  take(limits.value_characters, variables.number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
  take(limits.attributes, read_count(variables, "OTEL_ATTRIBUTE_COUNT_LIMIT"));
  take(limits.attributes, read_count(variables, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"));
  take(limits.events, read_count(variables, "OTEL_SPAN_EVENT_COUNT_LIMIT"));
  take(limits.links, read_count(variables, "OTEL_SPAN_LINK_COUNT_LIMIT"));
  take(limits.attributes_per_event, read_count(variables, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"));
  take(limits.attributes_per_link, read_count(variables, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"));
  return is_any_set ? std::optional{limits} : std::nullopt;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
