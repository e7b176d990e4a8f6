// SPDX-License-Identifier: Apache-2.0
//
// More CPUs than the machine has, as the library sees them: its cells have a copy for each, and one thread writes to
// them in turn. For what depends on how many copies there are: reading and memory. Not for what recording costs.
#pragma once

#include <cstddef>

namespace curves {

/// Lets this process have so many CPUs. Before its first metric, while it has one thread, which stays on one CPU from
/// now on and is the only one to record.
void simulate_cpus(unsigned count);

/// What this thread records next is recorded on that CPU. Once the kernel has interrupted it, on the real one again: to
/// be called before each record.
void move_to_cpu(unsigned cpu);

/// The real one again. Throws when the library does not have so many CPUs, or less was recorded on them all than
/// `cells` on each.
void move_back(unsigned count, std::size_t cells);

}  // namespace curves
