// SPDX-License-Identifier: Apache-2.0
//
// contention_bench: threads that record, beside one that exports. One run, one line of JSON; --list says which there
// are. tools/bench.py runs this.
#include <cstdlib>
#include <iostream>
#include <set>

#include "measure.h"
#include "options.h"

namespace contention {
namespace {

struct Options {
  std::string subject = "fast";
  std::string entity = "counter";
  std::string access = "handle";
  MeasureOptions measure;
  bool is_list = false;
};

constexpr std::string_view entities[] = {
    "counter",           "distribution",      "dynamic_counter",    "dynamic_distribution", "dynamic_gauge",
    "dynamic_gauge_i64", "dynamic_histogram", "histogram",          "labeled_counter",      "labeled_gauge",
    "labeled_histogram", "counter_set",       "dynamic_counter_set"};

/// Throws CLI::ValidationError.
const Combination& find(const Options& options) {
  std::set<std::string_view> subjects;
  for (const Combination& one : combinations()) {
    subjects.insert(one.subject->name);
    if (one.subject->name == options.subject && one.entity == options.entity && one.access == options.access) {
      return one;
    }
  }
  if (!subjects.contains(options.subject)) {
    std::string names;
    for (const std::string_view name : subjects) (names += ' ') += name;
    throw CLI::ValidationError{"--subject", "this build has no " + options.subject + ", but" + names};
  }
  throw CLI::ValidationError{"--entity", options.subject + " has no " + options.entity + " by " + options.access +
                                             "; --list shows what there is"};
}

void list() {
  for (const Combination& one : combinations()) {
    JsonLine{}
        .add("subject", one.subject->name)
        .add("entity", one.entity)
        .add("access", one.access)
        .add("subject_version", one.subject->version)
        .print();
  }
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--subject", options.subject, "whose metric")->capture_default_str();
  app.add_option("--entity", options.entity, "which metric")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(entities), std::end(entities))))
      ->capture_default_str();
  app.add_option("--access", options.access, "by a handle, or by labels in each call")
      ->check(CLI::IsMember({"handle", "labels"}))
      ->capture_default_str();
  app.add_option("--profile", options.measure.profile, "how operations are spread over label sets")
      ->check(CLI::IsMember({"uniform", "hotspot", "churn"}))
      ->capture_default_str();
  app.add_option("--labels", options.measure.labels, "label sets in use")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_flag("--list", options.is_list, "print which subjects, entities and accesses there are, and end");
  add_run_options(app, options.measure.run);
}

}  // namespace
}  // namespace contention

int main(int argc, char** argv) {
  using namespace contention;
  Options options;
  CLI::App app{"Threads that record metrics, beside one that exports: one run, one line of JSON.", "contention_bench"};
  add_options(app, options);
  try {
    app.parse(argc, argv);
    if (options.is_list) {
      list();
      return EXIT_SUCCESS;
    }
    return measure(find(options), options.measure) ? EXIT_SUCCESS : wrong;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::cerr << "contention_bench: " << error.what() << '\n';
    return wrong;
  }
}
