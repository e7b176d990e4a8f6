// SPDX-License-Identifier: Apache-2.0
//
// What Datadog's agents expect clients to tell about themselves: `datadog.dogstatsd.client.…`.
#pragma once

#include <array>
#include <string>

#include "fast_telemetry/build_info.h"
#include "fast_telemetry/export/dogstatsd.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Totals since the exporter was made.
struct DogStatsdClientTotals {
  std::uint64_t metrics = 0;  ///< lines of accepted collections, but for these
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_dropped = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_dropped = 0;
};

/// A source of families for one delta collection.
class DogStatsdClient {
 public:
  explicit DogStatsdClient(DogStatsdAddress::Socket socket) : transport_{transport(socket)} {}

  DogStatsdClientTotals totals = {};

  /// What is shown from here on is what comes in the next window: the collection that was last shown has been accepted.
  void accept() noexcept { accepted_ = shown_; }

  /// For a forked child: what there was is the parent's to tell.
  void forget() noexcept { accepted_ = shown_ = totals; }

  /// How many lines the last collection has of this.
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }

  void show(Visitor& visitor) {
    const Label labels[] = {{"client", "cpp"}, {"client_version", library_version()}, {"client_transport", transport_}};
    shown_ = totals;
    lines_ = 0;
    std::uint64_t id = std::uint64_t{1} << 63U;  // those that are free for sources (FamilySource)
    const auto show = [&](std::string_view name, std::uint64_t increase) {
      visitor.family({.scope = "datadog.dogstatsd.client",
                      .name = name,
                      .full_name = name,
                      .help = {},
                      .unit = Unit::none,
                      .kind = Kind::counter});
      visitor.sum({id++, 0, labels}, NumberPoint<std::uint64_t>{increase});
      lines_ += increase != 0 ? 1 : 0;
    };
    show("metrics", shown_.metrics - accepted_.metrics);
    show("packets_sent", shown_.packets_sent - accepted_.packets_sent);
    show("packets_dropped", shown_.packets_dropped - accepted_.packets_dropped);
    show("bytes_sent", shown_.bytes_sent - accepted_.bytes_sent);
    show("bytes_dropped", shown_.bytes_dropped - accepted_.bytes_dropped);
  }

 private:
  static Text transport(DogStatsdAddress::Socket socket) noexcept {
    switch (socket) {
      case DogStatsdAddress::Socket::udp: return "udp";
      case DogStatsdAddress::Socket::unix_stream: return "uds-stream";
      case DogStatsdAddress::Socket::unix_datagram:
      case DogStatsdAddress::Socket::unix_any: break;
    }
    return "uds";
  }

  Text transport_;
  DogStatsdClientTotals shown_;
  DogStatsdClientTotals accepted_;
  std::uint64_t lines_ = 0;
};

/// Shows it in a visit that takes sources as constants.
struct ShownDogStatsdClient {
  DogStatsdClient* client;  ///< null: nothing
};

inline void visit_families(const ShownDogStatsdClient& shown, Visitor& visitor) {
  if (shown.client != nullptr) shown.client->show(visitor);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
