// SPDX-License-Identifier: Apache-2.0
//
// contention_bench: threads that record, beside one that exports. One run, one line of JSON; --list says which there
// are. tools/bench.py runs this.
#include <cstdlib>
#include <iostream>
#include <set>

#include "options.h"
#include "sequences.h"
#include "verification.h"
#include "workload.h"

namespace contention {
namespace {

struct Options : RunOptions {
  std::string subject = "fast";
  std::string entity = "counter";
  std::string access = "handle";
  std::string profile = "uniform";
  std::size_t labels = 16;
  bool is_list = false;
};

constexpr std::string_view entities[] = {
    "counter",           "distribution",      "dynamic_counter",    "dynamic_distribution", "dynamic_gauge",
    "dynamic_gauge_i64", "dynamic_histogram", "histogram",          "labeled_counter",      "labeled_gauge",
    "labeled_histogram", "counter_set",       "dynamic_counter_set"};

bool is_gauge(std::string_view entity) { return entity.find("gauge") != std::string_view::npos; }
bool is_set(std::string_view entity) { return entity.find("set") != std::string_view::npos; }

Profile profile_of(std::string_view name) {
  if (name == "uniform") return Profile::uniform;
  return name == "hotspot" ? Profile::hotspot : Profile::churn;
}

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

/// What label sets and labels are called, as a request has it.
class Texts {
 public:
  explicit Texts(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      strings_.push_back(
          {"tenant-" + std::to_string(i / 4), "/v1/route/" + std::to_string(i % 4), "command-" + std::to_string(i)});
    }
    for (const auto& [tenant, route, command] : strings_) {
      pairs_.push_back({tenant, route});
      commands_.push_back(command);
    }
  }
  [[nodiscard]] const LabelPair* pairs() const { return pairs_.data(); }
  [[nodiscard]] const std::string_view* commands() const { return commands_.data(); }

 private:
  std::vector<std::array<std::string, 3>> strings_;
  std::vector<LabelPair> pairs_;
  std::vector<std::string_view> commands_;
};

class MeasuredWorkload final : public Work {
 public:
  MeasuredWorkload(Workload& workload, const Sequences& sequences) : workload_{workload}, sequences_{sequences} {}

  void record(std::size_t thread, std::uint64_t first, std::size_t count) override {
    workload_.record(sequences_.slice(thread, first, count));
  }
  std::size_t export_all() override { return workload_.export_all(); }
  void warmed_up() override { before_ = workload_.values(); }
  [[nodiscard]] const std::vector<double>& values_before() const { return before_; }

 private:
  Workload& workload_;
  const Sequences& sequences_;
  std::vector<double> before_;
};

int measure(const Options& options, const Combination& what) {
  const Sequences sequences{profile_of(options.profile), options.threads, options.labels};
  const Texts texts{options.labels};
  const std::unique_ptr<Workload> workload =
      what.make({options.threads, options.labels, texts.pairs(), texts.commands()});
  MeasuredWorkload measured{*workload, sequences};
  const RunResult result = run(measured, options);
  const Verification verification = is_gauge(what.entity)
                                        ? verify_gauges(sequences, result, workload->values())
                                        : verify_totals(sequences, result, is_set(what.entity) ? set_size : 1,
                                                        measured.values_before(), workload->values());
  JsonLine line;
  line.add("program", "contention")
      .add("subject", what.subject->name)
      .add("entity", what.entity)
      .add("access", what.access)
      .add("profile", options.profile)
      .add("labels", options.labels);
  add_run_result(line, options, result);
  line.add("expected", verification.expected)
      .add("found", verification.found)
      .add("verified", verification.is_right)
      .add("subject_version", what.subject->version)
      .add("compiler", compiler)
      .add("settings", what.subject->settings)
      .print();
  return verification.is_right ? EXIT_SUCCESS : wrong;
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--subject", options.subject, "whose metric")->capture_default_str();
  app.add_option("--entity", options.entity, "which metric")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(entities), std::end(entities))))
      ->capture_default_str();
  app.add_option("--access", options.access, "by a handle, or by labels in each call")
      ->check(CLI::IsMember({"handle", "labels"}))
      ->capture_default_str();
  app.add_option("--profile", options.profile, "how operations are spread over label sets")
      ->check(CLI::IsMember({"uniform", "hotspot", "churn"}))
      ->capture_default_str();
  app.add_option("--labels", options.labels, "label sets in use")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_flag("--list", options.is_list, "print which subjects, entities and accesses there are, and end");
  add_run_options(app, options);
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
    return measure(options, find(options));
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::cerr << "contention_bench: " << error.what() << '\n';
    return wrong;
  }
}
