// SPDX-License-Identifier: Apache-2.0
//
// What a run depends on and has no part in.
#pragma once

namespace contention {

/// A virtual machine's CPUs are where its hypervisor puts them: now on cores that share a cache, now on cores that do
/// not, and now and then beside another machine that takes half of a core. What threads contend for, or compute, costs
/// accordingly.
struct Surroundings {
  /// What it takes a cache line to go from the first CPU that the process may use to the second and back. 0 where there
  /// is one CPU only.
  double round_trip_ns = 0;
  /// What a piece of work takes, the same at any time, when both CPUs do it: of the slower one.
  double work_ns = 0;
};

/// Looks for some milliseconds; medians of them.
Surroundings look_around();

}  // namespace contention
