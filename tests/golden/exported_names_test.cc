// SPDX-License-Identifier: Apache-2.0
//
// Every name, label and help text that the library exports about itself. Dashboards and alerts hang on them: a
// difference is a change of interface.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "fast_telemetry/export/exposer.h"
#include "tests/golden/golden.h"
#include "tests/support/http_client.h"

namespace ft = fast_telemetry;

TEST(ExportedNames, are_as_reviewed) {
  ft::Registry registry;
  ft::Exposer exposer{registry, {.port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});

  // Everything but the values, and the port.
  const std::string port = ":" + std::to_string(exposer.port()) + "\"";
  std::istringstream body{ft::http_get(exposer.port(), "/metrics").body};
  std::string names;
  for (std::string line; std::getline(body, line);) {
    if (line[0] != '#') line.erase(line.rfind(' '));
    if (const std::size_t at = line.find(port); at != std::string::npos) line.replace(at, port.size(), ":PORT\"");
    names += line + "\n";
  }
  EXPECT_TRUE(ft::golden_matches("exported_names/exposition.txt", names));
}
