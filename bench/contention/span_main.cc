// SPDX-License-Identifier: Apache-2.0
//
// span_contention_bench: threads that record spans, beside an exporter that encodes them.
#include <cstdlib>
#include <iostream>

#include "options.h"
#include "span_modes.h"

namespace contention {
namespace {

struct Options : RunOptions {
  std::string subject = "fast";
  std::string scenario = "root";
  std::string mode = "burst";
  bool is_list = false;
};

void list() {
  for (const SpanSubjectKind& kind : span_subjects()) {
    for (const std::string_view scenario : scenario_names) {
      for (const char* const mode : {"burst", "sustained"}) {
        JsonLine{}
            .add("subject", kind.name)
            .add("scenario", scenario)
            .add("mode", mode)
            .add("subject_version", kind.version)
            .print();
      }
    }
  }
}

/// Throws CLI::ValidationError.
const SpanSubjectKind& find(const std::string& subject) {
  std::string names;
  for (const SpanSubjectKind& kind : span_subjects()) {
    if (kind.name == subject) return kind;
    (names += ' ') += kind.name;
  }
  throw CLI::ValidationError{"--subject", "this build has no " + subject + ", but" + names};
}

int measure(const Options& options, const SpanSubjectKind& kind) {
  const auto* const name = std::find(std::begin(scenario_names), std::end(scenario_names), options.scenario);
  const auto scenario = static_cast<Scenario>(name - scenario_names);
  const bool is_burst = options.mode == "burst";
  const SpanResult result = is_burst ? run_burst(kind, scenario, options) : search_sustained(kind, scenario, options);
  const bool is_right = result.is_accounted && result.totals.dropped == 0;
  JsonLine line;
  line.add("program", "span_contention")
      .add("subject", kind.name)
      .add("scenario", options.scenario)
      .add("mode", options.mode)
      .add("spans_per_op", spans_per_operation(scenario));
  add_run_result(line, options, result.run);
  line.add("recorded", result.totals.recorded)
      .add("sampled_out", result.begun - result.totals.recorded)
      .add("dropped", result.totals.dropped)
      .add("delivered", result.delivered);
  if (!is_burst) line.add("sustained_spans_per_s", result.delivered_per_s).add("tries", result.tries);
  line.add("expected", result.begun)
      .add("found", result.delivered)
      .add("verified", is_right)
      .add("subject_version", kind.version)
      .add("compiler", compiler)
      .add("settings", kind.settings)
      .print();
  return is_right ? EXIT_SUCCESS : wrong;
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--subject", options.subject, "whose spans")->capture_default_str();
  app.add_option("--scenario", options.scenario, "what an operation is")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(scenario_names), std::end(scenario_names))))
      ->capture_default_str();
  app.add_option("--mode", options.mode,
                 "burst: what writers pay; sustained: the highest rate at which nothing is dropped, searched, "
                 "each try being as long as --iters or --seconds say")
      ->check(CLI::IsMember({"burst", "sustained"}))
      ->capture_default_str();
  app.add_flag("--list", options.is_list, "print which subjects, scenarios and modes there are, and end");
  add_run_options(app, options);
}

}  // namespace
}  // namespace contention

int main(int argc, char** argv) {
  using namespace contention;
  Options options;
  CLI::App app{"Threads that record spans, beside one that exports: one run, one line of JSON.",
               "span_contention_bench"};
  add_options(app, options);
  try {
    app.parse(argc, argv);
    if (options.is_list) {
      list();
      return EXIT_SUCCESS;
    }
    if (options.export_interval.count() == 0) {
      throw CLI::ValidationError{"--export-interval-ms", "spans that nobody exports would be dropped"};
    }
    return measure(options, find(options.subject));
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::cerr << "span_contention_bench: " << error.what() << '\n';
    return wrong;
  }
}
