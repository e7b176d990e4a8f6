// SPDX-License-Identifier: Apache-2.0
#include "src/runtime/datadog_variables.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "src/runtime/container_id.h"
#include "tests/unit/runtime/environment_of.h"

namespace ft = fast_telemetry;
using ft::testing_support::environment_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

namespace datadog_variables_test {

std::string url_of(const std::vector<std::string>& variables) {
  const ft::EnvironmentOptions options = environment_of(variables);
  return options.telemetry.dogstatsd ? options.telemetry.dogstatsd->address.url() : "off";
}

// D-15. Mutation seen red: on without an address.
TEST(DatadogVariables, dogstatsd_is_on_when_one_says_where_the_agent_is) {
  EXPECT_EQ(url_of({}), "off");
  EXPECT_EQ(url_of({"DD_SERVICE=proxy", "DD_TAGS=a:b"}), "off");
  EXPECT_EQ(url_of({"DD_DOGSTATSD_URL=unix:///var/run/dsd.socket"}), "unix:///var/run/dsd.socket");
  EXPECT_EQ(url_of({"DD_AGENT_HOST=agent"}), "udp://agent:8125");
  EXPECT_EQ(url_of({"DD_DOGSTATSD_PORT=9125"}), "udp://127.0.0.1:9125");
  EXPECT_EQ(url_of({"DD_AGENT_HOST=agent", "DD_DOGSTATSD_PORT=9125"}), "udp://agent:9125");
  EXPECT_EQ(url_of({"DD_AGENT_HOST=unix:///a"}), "unix:///a");
  EXPECT_EQ(url_of({"DD_DOGSTATSD_URL=udp://x", "DD_AGENT_HOST=agent", "DD_DOGSTATSD_PORT=1"}), "udp://x:8125");
}

TEST(DatadogVariables, an_address_that_is_none_turns_it_off_and_is_named) {
  for (const char* const bad : {"DD_DOGSTATSD_URL=agent", "DD_AGENT_HOST=a b", "DD_DOGSTATSD_PORT=0",
                                "DD_DOGSTATSD_PORT=65536", "DD_DOGSTATSD_PORT=x", "DD_AGENT_HOST=http://agent"}) {
    const ft::EnvironmentOptions options = environment_of({bad});
    EXPECT_FALSE(options.telemetry.dogstatsd) << bad;
    EXPECT_THAT(options.warnings, ElementsAre(HasSubstr(std::string{bad, std::string{bad}.find('=')}))) << bad;
  }
  EXPECT_THAT(environment_of({"DD_AGENT_HOST=agent", "DD_DOGSTATSD_PORT=x"}).warnings,
              ElementsAre(HasSubstr("DD_DOGSTATSD_PORT='x'")));
}

std::vector<std::pair<std::string, std::string>> tags_of(std::vector<std::string> variables) {
  variables.emplace_back("DD_AGENT_HOST=agent");
  return environment_of(variables).telemetry.dogstatsd->lines.tags;
}

// D-15. Mutation seen red: DD_TAGS' own `env` kept beside DD_ENV.
TEST(DatadogVariables, tags_of_every_line_are_the_unified_ones_and_dd_tags) {
  EXPECT_THAT(tags_of({"DD_ENV=prod", "DD_SERVICE=proxy", "DD_VERSION=1.2"}),
              ElementsAre(Pair("env", "prod"), Pair("service", "proxy"), Pair("version", "1.2")));
  EXPECT_THAT(tags_of({"DD_TAGS=a:b, c:d:e ,,f:g"}), ElementsAre(Pair("a", "b"), Pair("c", "d:e"), Pair("f", "g")));
  EXPECT_THAT(tags_of({"DD_TAGS=a:b c:d"}), ElementsAre(Pair("a", "b"), Pair("c", "d")));
  EXPECT_THAT(tags_of({"DD_TAGS=a:b,a:c"}), ElementsAre(Pair("a", "b"), Pair("a", "c")));
  EXPECT_THAT(tags_of({"DD_TAGS=env:x,team:y", "DD_ENV=prod"}), ElementsAre(Pair("env", "prod"), Pair("team", "y")));
  const ft::EnvironmentOptions options = environment_of({"DD_AGENT_HOST=a", "DD_TAGS=bare,a:,:b,c:d"});
  EXPECT_THAT(options.telemetry.dogstatsd->lines.tags, ElementsAre(Pair("c", "d")));
  EXPECT_THAT(options.warnings, SizeIs(3));
}

// D-6, D-15.
TEST(DatadogVariables, say_what_origin_and_cardinality_lines_carry) {
  const ft::EnvironmentOptions options =
      environment_of({"DD_AGENT_HOST=a", "DD_EXTERNAL_ENV=it-false,cn-proxy,pu-75a2", "DD_CARDINALITY=LOW",
                      "DATADOG_CARDINALITY=high", "DD_ENTITY_ID=75a2b6d5"});
  EXPECT_EQ(options.telemetry.dogstatsd->lines.external_data, "it-false,cn-proxy,pu-75a2");
  EXPECT_EQ(options.telemetry.dogstatsd->lines.cardinality, "low");
  EXPECT_EQ(options.telemetry.dogstatsd->lines.entity_id, "75a2b6d5");
  EXPECT_EQ(options.telemetry.dogstatsd->lines.container_id, "");  // D-7: the entity says it already
  EXPECT_THAT(options.warnings, IsEmpty());
  EXPECT_EQ(environment_of({"DD_AGENT_HOST=a", "DATADOG_CARDINALITY=high"}).telemetry.dogstatsd->lines.cardinality,
            "high");
  const ft::EnvironmentOptions bad = environment_of({"DD_AGENT_HOST=a", "DD_CARDINALITY=all"});
  EXPECT_EQ(bad.telemetry.dogstatsd->lines.cardinality, "");
  EXPECT_THAT(bad.warnings, ElementsAre(HasSubstr("DD_CARDINALITY='all'")));
}

/// A machine's files, removed at the end.
class Root {
 public:
  Root() : path_{std::filesystem::temp_directory_path() / ("ft_datadog." + std::to_string(::getpid()))} {
    std::filesystem::create_directories(path_ / "proc/self");
  }
  ~Root() { std::filesystem::remove_all(path_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void write(const char* name, const std::string& text) const { std::ofstream{path_ / name} << text; }
  [[nodiscard]] std::filesystem::path path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string container_of(const Root& root, std::vector<const char*> variables) {
  variables.insert(variables.end(), {"DD_AGENT_HOST=a", nullptr});
  ft::detail::Variables of_test{variables.data()};
  return ft::detail::read_dogstatsd(of_test, root.path())->lines.container_id;
}

// D-7. Mutations seen red: the order of the files; DD_ORIGIN_DETECTION_ENABLED not read.
TEST(DatadogVariables, the_container_is_found_where_linux_tells_of_it) {
  const std::string hex(64, 'a');
  const std::string other(64, 'b');
  const Root root;
  EXPECT_EQ(container_of(root, {}), "");
  root.write("proc/self/mountinfo", "1 2 0:1 /containers/" + other + "/hostname /etc/hostname rw\n");
  EXPECT_EQ(container_of(root, {}), "ci-" + other);
  root.write("proc/self/cgroup", "0::/docker/" + hex + "\n");
  EXPECT_EQ(container_of(root, {}), "ci-" + hex);
  for (const char* const off : {"false", "FALSE", "0", "f", "no", "off"}) {
    EXPECT_EQ(container_of(root, {(std::string{"DD_ORIGIN_DETECTION_ENABLED="} + off).c_str()}), "") << off;
  }
  EXPECT_EQ(container_of(root, {"DD_ORIGIN_DETECTION_ENABLED=true"}), "ci-" + hex);
  EXPECT_EQ(container_of(root, {"DD_ENTITY_ID=x"}), "");
}

// Mutation seen red: the path below the mount left out.
TEST(DatadogVariables, the_inode_is_that_of_the_process_s_cgroup) {
  const Root root;
  const std::filesystem::path cgroup = root.path() / "sys/fs/cgroup/slice";
  std::filesystem::create_directories(cgroup);
  EXPECT_EQ(ft::detail::find_cgroup_inode(root.path()), 0U);
  root.write("proc/self/cgroup", "0::/slice\n");
  root.write("proc/self/mountinfo", "1 2 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
  struct stat status{};
  ASSERT_EQ(::stat(cgroup.c_str(), &status), 0);
  EXPECT_EQ(ft::detail::find_cgroup_inode(root.path()), status.st_ino);
}

}  // namespace datadog_variables_test
