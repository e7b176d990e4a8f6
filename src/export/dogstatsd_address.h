// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fast_telemetry/export/dogstatsd.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What Datadog's variables about the agent say; empty: not set.
struct DogStatsdVariables {
  std::string_view url;   ///< DD_DOGSTATSD_URL: stands for the others
  std::string_view host;  ///< DD_AGENT_HOST
  std::string_view port;  ///< DD_DOGSTATSD_PORT
};

/// Nothing if one of them says what is no address.
[[nodiscard]] std::optional<DogStatsdAddress> dogstatsd_address_of(const DogStatsdVariables& variables);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
