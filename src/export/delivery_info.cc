// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "core/own_families.h"
#include "fast_telemetry/export/delivery.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using Figure = std::uint64_t DeliveryInfo::*;

/// The families of all exporters, one after the other.
class Families {
 public:
  Families(std::span<const ExporterDelivery> exporters, Visitor& visitor)
      : exporters_{exporters}, own_{visitor, "fast_telemetry", detail::delivery_info_ids} {}

  void counter(const detail::OwnFamily& family, Figure figure) {
    own_.family(family);
    for (const ExporterDelivery& one : exporters_) {
      const Label label{"exporter", one.exporter};
      own_.sum(one.info.*figure, {&label, 1});
    }
  }

  void gauge(const detail::OwnFamily& family, Figure figure) {
    own_.family(family);
    for (const ExporterDelivery& one : exporters_) {
      const Label label{"exporter", one.exporter};
      own_.gauge(one.info.*figure, {&label, 1});
    }
  }

  void durations(const detail::OwnFamily& family) {
    own_.family(family);
    for (const ExporterDelivery& one : exporters_) {
      const Label label{"exporter", one.exporter};
      own_.histogram({.bounds = DeliveryInfo::attempt_bounds,
                      .buckets = one.info.attempt_buckets,
                      .sum = static_cast<double>(one.info.attempt_ns) / 1e9},
                     {&label, 1});
    }
  }

  template <std::size_t N>
  void counter_by(const detail::OwnFamily& family, const char* key,
                  const std::array<std::pair<const char*, Figure>, N>& figures) {
    own_.family(family);
    for (const ExporterDelivery& one : exporters_) {
      for (const auto& [value, figure] : figures) {
        const std::array<Label, 2> labels{Label{"exporter", one.exporter}, Label{key, value}};
        own_.sum(one.info.*figure, labels);
      }
    }
  }

 private:
  std::span<const ExporterDelivery> exporters_;
  detail::OwnFamilies own_;
};

}  // namespace

void visit_families(std::span<const ExporterDelivery> exporters, Visitor& visitor) {
  using Delivery = DeliveryInfo;
  constexpr std::array<std::pair<const char*, Figure>, 3> outcomes{{{"delivered", &Delivery::delivered},
                                                                    {"unconfirmed", &Delivery::unconfirmed},
                                                                    {"rejected", &Delivery::rejected}}};
  constexpr std::array<std::pair<const char*, Figure>, 6> reasons{{{"refused", &Delivery::dropped_refused},
                                                                   {"too_large", &Delivery::dropped_too_large},
                                                                   {"too_old", &Delivery::dropped_too_old},
                                                                   {"queue_full", &Delivery::dropped_queue_full},
                                                                   {"shutdown", &Delivery::dropped_shutdown},
                                                                   {"no_memory", &Delivery::dropped_no_memory}}};
  Families families{exporters, visitor};
  families.counter_by({"delivery_items", "fast_telemetry_delivery_items",
                       "Spans or data points that a receiver took or rejected, by outcome.", Unit::none, Kind::counter},
                      "outcome", outcomes);
  families.counter_by({"delivery_dropped_items", "fast_telemetry_delivery_dropped_items",
                       "Spans or data points that were given up, by reason.", Unit::none, Kind::counter},
                      "reason", reasons);
  families.counter(
      {"delivery_attempts", "fast_telemetry_delivery_attempts", "Requests begun.", Unit::none, Kind::counter},
      &Delivery::attempts);
  families.counter({"delivery_retries", "fast_telemetry_delivery_retries",
                    "Of them, those with what had been tried before.", Unit::none, Kind::counter},
                   &Delivery::retries);
  families.counter({"delivery_unanswered", "fast_telemetry_delivery_unanswered",
                    "Of them, those that ended without an answer.", Unit::none, Kind::counter},
                   &Delivery::unanswered);
  families.counter({"delivery_timed_out", "fast_telemetry_delivery_timed_out", "Of these, those that took too long.",
                    Unit::none, Kind::counter},
                   &Delivery::timed_out);
  families.counter(
      {"delivery_replies_unreadable", "fast_telemetry_delivery_replies_unreadable",
       "Answers that were too large, broke off or were not what the protocol says.", Unit::none, Kind::counter},
      &Delivery::replies_unreadable);
  families.durations({"delivery_attempt", "fast_telemetry_delivery_attempt_seconds", "How long attempts took.",
                      Unit::seconds, Kind::histogram});
  families.counter({"delivery_sent", "fast_telemetry_delivery_sent_bytes", "Bodies of requests, of all attempts.",
                    Unit::bytes, Kind::counter},
                   &Delivery::sent_bytes);
  families.gauge({"delivery_queued_items", "fast_telemetry_delivery_queued_items", "Spans or data points that wait.",
                  Unit::none, Kind::gauge},
                 &Delivery::queued);
  families.gauge(
      {"delivery_queue", "fast_telemetry_delivery_queue_bytes", "What the queue takes.", Unit::bytes, Kind::gauge},
      &Delivery::queued_bytes);
}

FAST_TELEMETRY_END_NAMESPACE
