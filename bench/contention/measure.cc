// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include <array>

#include "result_line.h"
#include "sequences.h"
#include "verification.h"

namespace contention {
namespace {

bool is_gauge(std::string_view entity) { return entity.find("gauge") != std::string_view::npos; }
bool is_set(std::string_view entity) { return entity.find("set") != std::string_view::npos; }

Profile profile_of(std::string_view name) {
  if (name == "uniform") return Profile::uniform;
  return name == "hotspot" ? Profile::hotspot : Profile::churn;
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

}  // namespace

bool measure(const Combination& what, const MeasureOptions& options) {
  const Sequences sequences{profile_of(options.profile), options.run.threads, options.labels};
  const Texts texts{options.labels};
  const std::unique_ptr<Workload> workload = what.make({options.labels, texts.pairs(), texts.commands()});
  MeasuredWorkload measured{*workload, sequences};
  const RunResult result = run(measured, options.run);
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
  add_run_result(line, options.run, result);
  line.add("expected", verification.expected)
      .add("found", verification.found)
      .add("verified", verification.is_right)
      .add("subject_version", what.subject->version)
      .add("compiler", compiler)
      .add("settings", what.subject->settings)
      .print();
  return verification.is_right;
}

}  // namespace contention
