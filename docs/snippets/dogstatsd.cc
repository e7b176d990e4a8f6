// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/dogstatsd.md.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/export/dogstatsd.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace dogstatsd_page {

std::string said;
void report(const std::string& message) { said = message; }
void send(std::string_view packet) { said += packet; }

void export_to_agent(ft::Registry& registry) {
  const auto address = ft::DogStatsdAddress::from_environment();
  if (!address) return report("DD_DOGSTATSD_URL, DD_AGENT_HOST or DD_DOGSTATSD_PORT is no address");
  ft::DogStatsdExporter exporter{registry, {.address = *address, .lines = {.tags = {{"env", "prod"}}}}};
  exporter.export_once(std::chrono::steady_clock::now() + 1s);
  if (const std::error_code error = exporter.report().error) report("kept for the next time: " + error.message());
}

TEST(Snippet, dogstatsd_exporter) {
  ft::Registry registry;
  ::setenv("DD_DOGSTATSD_URL", "unix:///nowhere/at/all", 1);
  export_to_agent(registry);
  EXPECT_EQ(said, "kept for the next time: No such file or directory");
  ::setenv("DD_DOGSTATSD_URL", "agent", 1);
  export_to_agent(registry);
  EXPECT_NE(said.find("is no address"), std::string::npos);
  ::unsetenv("DD_DOGSTATSD_URL");
  said.clear();
}

TEST(Snippet, dogstatsd_encoder) {
  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
  requests.add(2);

  ft::Reader reader{registry, ft::DogStatsdEncoder::reader_options};
  ft::DogStatsdEncoder encoder{{.max_packet_bytes = 8192}};
  reader.collect().visit(encoder);
  for (std::size_t i = 0; i < encoder.packet_count(); ++i) send(encoder.packet(i));
  reader.accept();

  EXPECT_EQ(said, "requests:2|c\n");
  said.clear();
}

}  // namespace dogstatsd_page
