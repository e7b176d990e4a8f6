// SPDX-License-Identifier: Apache-2.0
//
// An atomic per value and thread, a thread's on cache lines of their own.
#include "plain.h"

namespace contention::plain {
namespace {

const Registration sharded{
    {"sharded", "C++20",
     "std::atomic with relaxed order, per thread and padded to 128 bytes, no two threads in one "
     "shard as long as there are CPUs; pointers kept, or a map under a shared mutex in each call; "
     "exported by adding up and printing"},
    rows<Sharded>()};

}  // namespace
}  // namespace contention::plain
