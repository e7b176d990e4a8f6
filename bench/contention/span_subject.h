// SPDX-License-Identifier: Apache-2.0
//
// SpanSubject: whose spans are recorded, and how a file says that it has some.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "span_flow.h"

namespace contention {

/// What one operation is.
enum class Scenario : std::uint8_t {
  root,       ///< one span
  lifecycle,  ///< a root, and a child with two attributes, an event and a status
  pipeline,   ///< a root with three children, one after the other
};
inline constexpr std::string_view scenario_names[] = {"root", "lifecycle", "pipeline"};
inline constexpr std::uint64_t spans_of[] = {1, 2, 4};

inline std::uint64_t spans_per_operation(Scenario scenario) { return spans_of[static_cast<std::size_t>(scenario)]; }

/// Spans that may be on their way in burst mode: below what any subject's buffers hold, and a few MiB, so that what is
/// measured is recording and not a processor's cache.
inline constexpr std::uint64_t span_room = 16384;

/// Since the subject was made.
struct SpanTotals {
  std::uint64_t recorded = 0;  ///< ended and sampled
  std::uint64_t dropped = 0;   ///< of them, for want of room
};

/// Made with its exporter running, which hands what it has encoded to SpanFlow::deliver.
class SpanSubject {
 public:
  SpanSubject() = default;
  virtual ~SpanSubject() = default;
  SpanSubject(const SpanSubject&) = delete;
  SpanSubject& operator=(const SpanSubject&) = delete;

  /// Operations `first` … of one thread. Called by many threads at a time.
  virtual void record(std::uint64_t first, std::size_t count) = 0;

  /// While nobody records.
  [[nodiscard]] virtual SpanTotals totals() const = 0;

  /// About how many spans of the scenario the buffers hold.
  [[nodiscard]] virtual std::uint64_t capacity() const = 0;
};

struct SpanSetting {
  Scenario scenario;
  SpanFlow& flow;
  std::chrono::milliseconds export_interval;
};

struct SpanSubjectKind {
  std::string_view name;
  std::string version;
  std::string_view settings;  ///< how it is used, in a sentence
  std::unique_ptr<SpanSubject> (*make)(const SpanSetting& setting);
};

/// All of this build.
inline std::vector<SpanSubjectKind>& span_subjects() {
  static std::vector<SpanSubjectKind> all;
  return all;
}

/// One per subject, at namespace scope of its file.
struct SpanRegistration {
  explicit SpanRegistration(SpanSubjectKind kind) { span_subjects().push_back(std::move(kind)); }
};

}  // namespace contention
