// SPDX-License-Identifier: Apache-2.0
//
// How far two CPUs are from each other.
#pragma once

namespace contention {

/// What it takes a cache line to go from the first CPU that the process may use to the second and back: the median of
/// some milliseconds. 0 where there is one CPU only.
///
/// A virtual machine's CPUs are where its hypervisor puts them: now on cores that share a cache, now on cores that do
/// not. What threads contend for costs accordingly, so each run says where it was made.
double line_round_trip_ns();

}  // namespace contention
