// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/storage_info.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "dynamic_index.h"
#include "exemplars.h"
#include "own_families.h"
#include "process.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

/// Pages of the arena that were written. 0 where the kernel does not say.
///
/// Not mincore: it counts the pages that a fold only read, which all share the kernel's page of zeros.
std::uint64_t resident_bytes(const detail::Arena& arena, int page_map) {
  // Linux, "pagemap": one entry per page; bit 56 is a page of this process alone (4.2), bit 62 one that is swapped out.
  constexpr std::uint64_t written = std::uint64_t{1} << 56 | std::uint64_t{1} << 62;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> entries(arena.extent_bytes() / page);
  const std::size_t bytes = entries.size() * sizeof(std::uint64_t);
  std::uint64_t resident = 0;
  for (std::size_t i = 0; i < arena.extents(); ++i) {
    const auto first = reinterpret_cast<std::uintptr_t>(arena.extent_base(i)) / page;
    const auto offset = static_cast<off_t>(first * sizeof(std::uint64_t));
    if (pread(page_map, entries.data(), bytes, offset) != static_cast<ssize_t>(bytes)) return 0;
    for (const std::uint64_t entry : entries) resident += (entry & written) != 0 ? page : 0;
  }
  return resident;
}

/// Of all dynamic metrics. Two of one name (in two registries, or with different constant labels) are one: their
/// figures add up, and what the first refused is said.
std::vector<CardinalityReport> reports() {
  std::map<std::string, CardinalityReport> by_name;
  std::vector<std::shared_ptr<detail::Instrument>> dynamic;
  {
    const auto lock = detail::lock_process();
    for (const detail::Instrument* const instrument : detail::process().instruments) {
      if (instrument->has_index()) dynamic.push_back(instrument->self);
    }
  }
  std::sort(dynamic.begin(), dynamic.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  for (const auto& instrument : dynamic) {
    CardinalityReport report = instrument->dynamic->cardinality();
    report.id = instrument->id;
    report.metric = instrument->family->full_name;
    const auto [known, is_new] = by_name.emplace(report.metric, report);
    if (is_new) continue;
    known->second.series += report.series;
    known->second.limit += report.limit;
    known->second.overflow += report.overflow;
  }
  std::vector<CardinalityReport> all;
  for (auto& [name, report] : by_name) all.push_back(std::move(report));
  return all;
}

/// Families with a point per dynamic metric. Ids are above all registered series' and below the library's other ones.
class DynamicFamilies {
 public:
  DynamicFamilies(Visitor& visitor, const std::vector<CardinalityReport>& reports)
      : visitor_{visitor}, reports_{reports} {}

  void visit() {
    family({"series", "fast_telemetry_series", "Series of dynamic metrics, by metric.", Unit::none, Kind::gauge});
    for (const auto& report : reports_) gauge(report, report.series);
    family({"series_limit", "fast_telemetry_series_limit", "What dynamic metrics have room for, by metric.", Unit::none,
            Kind::gauge});
    for (const auto& report : reports_) gauge(report, report.limit);
    family({"overflow_records", "fast_telemetry_overflow_records",
            "Records in the overflow series of dynamic metrics at their limit, by metric.", Unit::none, Kind::counter});
    for (const auto& report : reports_) visitor_.sum(series(report), NumberPoint<std::uint64_t>{report.overflow});
    family({"refused_values", "fast_telemetry_refused_values",
            "Different values of a label that were refused a series: an estimate.", Unit::none, Kind::gauge});
    const std::uint64_t first = number_;
    for (const auto& report : reports_) {
      number_ = first;
      for (const RefusedKey& refused : report.refused) {
        visitor_.gauge(series(report, refused.key), NumberPoint<double>{std::round(refused.distinct_values)});
        ++number_;
      }
    }
  }

 private:
  void family(const detail::OwnFamily& own) {
    visitor_.family({"fast_telemetry", own.name, own.full_name, own.help, own.unit, own.kind});
    ++number_;
  }
  void gauge(const CardinalityReport& report, std::uint64_t value) {
    visitor_.gauge(series(report), NumberPoint<std::int64_t>{static_cast<std::int64_t>(value)});
  }
  Series series(const CardinalityReport& report, Text key = {}) {
    labels_ = {Label{"metric", report.metric}, Label{"label", key}};
    const std::uint64_t id = (std::uint64_t{1} << 63) + report.id * 1024 + number_;
    return {id, began_unix_ns_, std::span{labels_}.first(key.empty() ? 1 : 2)};
  }

  Visitor& visitor_;
  const std::vector<CardinalityReport>& reports_;
  std::int64_t began_unix_ns_ = detail::process_start_unix_ns();
  std::uint64_t number_ = 0;
  std::array<Label, 2> labels_;
};

}  // namespace

StorageInfo storage_info() {
  detail::Process& process = detail::process();
  StorageInfo info{};
  info.path = detail::shards != 0 ? WritePath::restartable_sequence : WritePath::locked;
  info.path_reason = detail::locked_reason();
  info.exact_retirement = detail::barrier_works();
  info.retirement_reason = info.exact_retirement ? "" : detail::barrier_refused;
  info.shards = detail::per_cpu_arena.copies();
  const int page_map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  for (const detail::Arena* const arena : {&detail::per_cpu_arena, &detail::gauge_arena, &detail::exemplar_arena}) {
    info.reserved_bytes += arena->extents() * arena->extent_bytes();
    info.committed_bytes += arena->committed_bytes();
    info.resident_bytes += resident_bytes(*arena, page_map);
  }
  if (page_map >= 0) close(page_map);
  info.dropped_no_metric = detail::drop_count(detail::Drop::no_metric);
  info.dropped_no_memory = detail::drop_count(detail::Drop::no_memory);
  info.dropped_reentrant = detail::drop_count(detail::Drop::reentrant);
  info.dropped_not_finite = detail::drop_count(detail::Drop::not_finite);
  info.dropped_negative = detail::drop_count(detail::Drop::negative);
  info.dropped_no_such_index = detail::drop_count(detail::Drop::no_such_index);

  info.dynamic = reports();
  const auto lock = detail::lock_process();
  info.metrics = process.instruments.size();
  for (const detail::Instrument* const instrument : process.instruments) {
    if (instrument->place.load(std::memory_order_relaxed) != 0) info.cells += instrument->run_cells();
    if (instrument->has_index()) info.cells += instrument->dynamic->live() * instrument->width;
  }
  for (const detail::RegistryState* const registry : process.registries) {
    for (const detail::Instrument* const held : registry->held) info.finals_held += held->points;
  }
  info.finals_dropped = process.finals_dropped;
  info.callbacks_failed = process.callbacks_failed;
  info.callbacks_late = process.callbacks_late;
  info.callbacks_skipped = process.callbacks_skipped;
  return info;
}

void visit_families(const StorageInfo& info, Visitor& visitor) {
  detail::OwnFamilies own{visitor, "fast_telemetry", detail::storage_info_ids};
  own.family({"dropped_records", "fast_telemetry_dropped_records", "Records that could not be kept, by reason.",
              Unit::none, Kind::counter});
  const std::array<std::pair<const char*, std::uint64_t>, detail::drop_reasons> drops{
      {{"no_metric", info.dropped_no_metric},
       {"no_memory", info.dropped_no_memory},
       {"reentrant", info.dropped_reentrant},
       {"not_finite", info.dropped_not_finite},
       {"negative", info.dropped_negative},
       {"no_such_index", info.dropped_no_such_index}}};
  for (const auto& [reason, count] : drops) {
    const Label label{"reason", reason};
    own.sum(count, {&label, 1});
  }
  own.family({"final_values_dropped", "fast_telemetry_final_values_dropped",
              "Series whose final value was given up before every reader had it.", Unit::none, Kind::counter});
  own.sum(info.finals_dropped);
  own.family({"final_values_held", "fast_telemetry_final_values_held",
              "Series of destroyed metrics whose final value is kept for readers.", Unit::none, Kind::gauge});
  own.gauge(info.finals_held);
  own.family({"metrics", "fast_telemetry_metrics", "Metrics alive in the process.", Unit::none, Kind::gauge});
  own.gauge(info.metrics);
  own.family({"cells", "fast_telemetry_cells", "Cells attached to metrics.", Unit::none, Kind::gauge});
  own.gauge(info.cells);
  own.family({"storage", "fast_telemetry_storage_bytes", "Storage of cells, by state.", Unit::bytes, Kind::gauge});
  for (const auto& [state, bytes] :
       {std::pair{"reserved", info.reserved_bytes}, std::pair{"committed", info.committed_bytes},
        std::pair{"resident", info.resident_bytes}}) {
    const Label label{"state", state};
    own.gauge(bytes, {&label, 1});
  }
  own.family({"callback_problems", "fast_telemetry_callback_problems",
              "Callbacks of observable metrics that threw, came late or were not called, by problem.", Unit::none,
              Kind::counter});
  for (const auto& [problem, count] :
       {std::pair{"failed", info.callbacks_failed}, std::pair{"late", info.callbacks_late},
        std::pair{"skipped", info.callbacks_skipped}}) {
    const Label label{"problem", problem};
    own.sum(count, {&label, 1});
  }
  if (!info.dynamic.empty()) DynamicFamilies{visitor, info.dynamic}.visit();
}

FAST_TELEMETRY_END_NAMESPACE
