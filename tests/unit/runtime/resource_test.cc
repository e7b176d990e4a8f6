// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/runtime/resource.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "fast_telemetry/build_info.h"
#include "src/runtime/detect_resource.h"

namespace ft = fast_telemetry;
using testing::ElementsAre;
using testing::MatchesRegex;
using testing::StartsWith;

namespace resource_test {

std::string string_of(ft::Text text) { return {text.data(), text.size()}; }

std::string string_of(const ft::AttributeValue& value) {
  return {static_cast<const char*>(value.data()), value.size()};
}

/// What a key says; "-" when it is not there.
std::string text_at(const ft::Resource& resource, ft::Text key) {
  const ft::AttributeValue* const value = resource.find(key);
  return value == nullptr ? "-" : string_of(*value);
}

std::vector<std::string> keys_of(const ft::Resource& resource) {
  std::vector<std::string> keys;
  for (const ft::ResourceAttribute& attribute : resource.attributes()) keys.push_back(string_of(attribute.key));
  return keys;
}

// Mutation seen red: set() that keeps the borrowed value.
TEST(Resource, has_copies_of_all_that_it_is_given) {
  std::optional<ft::Resource> resource{std::in_place};
  {
    std::string key = "key";
    std::string text = "a text that is too long to lie within a string";
    std::vector<std::int64_t> integers{1, -2};
    std::vector<double> doubles{0.5};
    std::array<bool, 2> booleans{true, false};
    std::vector<ft::Text> texts{"one", "", "three"};
    resource->set(key, text);
    resource->set("bytes", ft::Bytes{text.data(), 2});
    resource->set("integers", integers);
    resource->set("doubles", doubles);
    resource->set("booleans", booleans);
    resource->set("texts", texts);
    resource->set("integer", 7);
    resource->set("boolean", true);
    resource->set("floating", 1.5);
    key.assign(key.size(), '#');
    text.assign(text.size(), '#');
    integers.assign(2, 0);
    doubles.assign(1, 0);
    booleans.fill(false);
    texts.assign(3, "#");
  }
  const ft::Resource copy = *resource;
  resource.reset();  // a copy is its own

  EXPECT_EQ(text_at(copy, "key"), "a text that is too long to lie within a string");
  EXPECT_EQ(copy.find("bytes")->type(), ft::AttributeType::bytes);
  EXPECT_EQ(text_at(copy, "bytes"), "a ");
  EXPECT_EQ(copy.find("integer")->integer(), 7);
  EXPECT_EQ(copy.find("boolean")->type(), ft::AttributeType::boolean);
  EXPECT_EQ(copy.find("floating")->floating(), 1.5);
  const auto* const integers = static_cast<const std::int64_t*>(copy.find("integers")->data());
  EXPECT_EQ(integers[1], -2);
  EXPECT_EQ(copy.find("integers")->size(), 2U);
  EXPECT_EQ(*static_cast<const double*>(copy.find("doubles")->data()), 0.5);
  EXPECT_TRUE(*static_cast<const bool*>(copy.find("booleans")->data()));
  const auto* const texts = static_cast<const ft::Text*>(copy.find("texts")->data());
  EXPECT_EQ(string_of(texts[0]), "one");
  EXPECT_EQ(string_of(texts[1]), "");
  EXPECT_EQ(string_of(texts[2]), "three");
}

TEST(Resource, a_key_stands_once_where_it_was_set_first) {
  ft::Resource resource{{"a", 1}, {"b", 2}, {"", 3}};
  resource.set("a", "new");
  EXPECT_THAT(keys_of(resource), ElementsAre("a", "b"));
  EXPECT_EQ(text_at(resource, "a"), "new");
  EXPECT_EQ(resource.find("c"), nullptr);
}

// O-59. Mutation seen red: merge() that leaves out empty values.
TEST(Resource, what_the_updating_one_says_stands_even_when_it_is_empty) {
  ft::Resource resource{{"a", "old"}, {"b", "old"}, {"c", "old"}};
  resource.merge({{"b", "new"}, {"c", ""}, {"d", "more"}});
  EXPECT_THAT(keys_of(resource), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(text_at(resource, "a"), "old");
  EXPECT_EQ(text_at(resource, "b"), "new");
  EXPECT_EQ(text_at(resource, "c"), "");
  resource.merge(resource);
  EXPECT_EQ(resource.attributes().size(), 4U);
}

/// A folder with files of its own, removed at the end.
class Root {
 public:
  Root() : path_{std::filesystem::temp_directory_path() / ("ft_resource." + std::to_string(::getpid()))} {
    std::filesystem::create_directories(path_);
  }
  ~Root() { std::filesystem::remove_all(path_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void write(const char* name, const char* text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << text;
  }
  void link(const char* name, const char* target) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::create_symlink(target, file);
  }
  [[nodiscard]] std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// O-59: the SDK's own attributes, and a service's default name.
TEST(DetectResource, tells_of_the_library_the_process_and_the_machine) {
  const ft::Resource resource = ft::detect_resource();
  EXPECT_EQ(text_at(resource, "telemetry.sdk.name"), "fast-telemetry");
  EXPECT_EQ(text_at(resource, "telemetry.sdk.language"), "cpp");
  EXPECT_EQ(text_at(resource, "telemetry.sdk.version"), string_of(ft::library_version()));
  EXPECT_EQ(text_at(resource, "service.name"), "unknown_service:environment_test");
  EXPECT_EQ(text_at(resource, "os.type"), "linux");
  EXPECT_EQ(text_at(resource, "process.executable.name"), "environment_test");
  EXPECT_THAT(text_at(resource, "process.executable.path"), StartsWith("/"));
  ASSERT_NE(resource.find("process.pid"), nullptr);
  EXPECT_EQ(resource.find("process.pid")->integer(), ::getpid());
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  EXPECT_EQ(text_at(resource, "host.name"), name.data());
#if defined(__x86_64__)
  EXPECT_EQ(text_at(resource, "host.arch"), "amd64");
#endif
}

// S-11: nothing that may hold a secret. Mutation seen red: process.command_line set as well.
TEST(DetectResource, says_nothing_of_the_command_line_the_user_and_the_environment) {
  const ft::Resource resource = ft::detect_resource();
  EXPECT_THAT(keys_of(resource), testing::Each(testing::AnyOf(
                                     StartsWith("telemetry.sdk."), "service.name", "service.instance.id", "os.type",
                                     "os.description", "host.name", "host.id", "host.arch", "container.id",
                                     "process.pid", "process.executable.name", "process.executable.path")));
}

// Mutation seen red: the version's bits left random.
TEST(DetectResource, gives_each_instance_a_random_uuid) {
  const std::regex uuid{"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"};
  std::vector<std::string> seen;
  for (int i = 0; i < 32; ++i) {
    const std::string id = text_at(ft::detect_resource(), "service.instance.id");
    EXPECT_TRUE(std::regex_match(id, uuid)) << id;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), id), 0);
    seen.push_back(id);
  }
}

TEST(DetectResource, reads_what_linux_keeps_in_files) {
  const Root root;
  root.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  root.write("etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=x\n");
  root.write("proc/self/cgroup", "0::/docker/3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860\n");
  root.link("proc/self/exe", "/opt/a b/server (deleted)");
  const ft::Resource resource = ft::detail::detect_resource_below(root.path());
  EXPECT_EQ(text_at(resource, "host.id"), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(text_at(resource, "os.description"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(text_at(resource, "container.id"), "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860");
  EXPECT_EQ(text_at(resource, "process.executable.path"), "/opt/a b/server");
  EXPECT_EQ(text_at(resource, "service.name"), "unknown_service:server");
}

// O-59: a detector that fails aborts nothing.
TEST(DetectResource, leaves_out_what_cannot_be_read) {
  const Root root;
  root.write("etc/machine-id", "uninitialized\n");
  root.write("etc/os-release", "PRETTY_NAME");
  const ft::Resource resource = ft::detail::detect_resource_below(root.path());
  EXPECT_EQ(text_at(resource, "service.name"), "unknown_service");
  for (const char* const key : {"host.id", "os.description", "container.id", "process.executable.path"}) {
    EXPECT_EQ(resource.find(key), nullptr) << key;
  }
}

}  // namespace resource_test
