// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/environment.md.
#include <fast_telemetry/runtime/environment.h>
#include <gtest/gtest.h>

#include <cstdio>

namespace ft = fast_telemetry;

namespace environment_page {

ft::TelemetryOptions telemetry_options() {
  auto [options, warnings] = ft::options_from_environment();
  for (const std::string& warning : warnings) std::fprintf(stderr, "%s\n", warning.c_str());
  if (options.resource.find("service.name") == nullptr) options.resource.set("service.name", "shop");
  options.metrics.at_start = true;
  return std::move(options);
}

std::string service_name(const ft::Resource& configured) {
  ft::Resource resource = ft::detect_resource();
  resource.merge(configured);
  const ft::AttributeValue& name = *resource.find("service.name");
  return {static_cast<const char*>(name.data()), name.size()};
}

TEST(EnvironmentGuide, the_program_s_own_options_stand_over_the_variables) {
  const ft::TelemetryOptions options = telemetry_options();
  EXPECT_TRUE(options.metrics.at_start);
  EXPECT_EQ(service_name(options.resource), "shop");
  EXPECT_EQ(service_name({}), "unknown_service:snippet_test");
}

}  // namespace environment_page
