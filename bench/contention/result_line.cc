// SPDX-License-Identifier: Apache-2.0
#include "result_line.h"

namespace contention {

void add_run_result(JsonLine& line, const RunOptions& options, const RunResult& result) {
  const auto operations = static_cast<double>(result.operations);
  const double cpu_s = result.cpu_user_s + result.cpu_system_s;
  line.add("threads", options.threads)
      .add("iters", result.iters)
      .add("affinity", options.is_pinned ? "round_robin" : "off")
      .add("export_interval_ms", options.export_interval.count())
      .add("operations", result.operations)
      .add("record_s", result.record_s)
      .add("total_s", result.total_s)
      .add("ops_per_s", operations / result.record_s)
      .add("writer_ns_per_op", result.writer_cpu_s * 1e9 / operations)
      .add("wall_ns_per_op", result.record_s * 1e9 * static_cast<double>(options.threads) / operations)
      .add("cpu_user_s", result.cpu_user_s)
      .add("cpu_system_s", result.cpu_system_s)
      .add("cpu_ns_per_op", cpu_s * 1e9 / operations)
      .add("average_cores", cpu_s / result.total_s)
      .add("ops_per_cpu_s", operations / cpu_s)
      .add("exports", result.exports)
      .add("export_ms", result.exports == 0 ? 0 : result.export_s * 1e3 / static_cast<double>(result.exports))
      .add("export_bytes", result.export_bytes)
      .add("round_trip_before_ns", result.before.round_trip_ns)
      .add("round_trip_after_ns", result.after.round_trip_ns)
      .add("work_before_ns", result.before.work_ns)
      .add("work_after_ns", result.after.work_ns);
}

}  // namespace contention
