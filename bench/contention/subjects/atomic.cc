// SPDX-License-Identifier: Apache-2.0
//
// One atomic per value, which all threads share.
#include "plain.h"

namespace contention::plain {
namespace {

std::vector<Combination> all_rows() {
  std::vector<Combination> all = rows<Shared>();
  all.insert(all.end(), {
                            row<ByIndex<Gauge<double>>>("labeled_gauge", "handle"),
                            row<ByIndex<Gauge<double>>>("dynamic_gauge", "handle"),
                            row<ByLabels<Gauge<double>>>("dynamic_gauge", "labels"),
                            row<ByIndex<Gauge<std::int64_t>>>("dynamic_gauge_i64", "handle"),
                            row<ByLabels<Gauge<std::int64_t>>>("dynamic_gauge_i64", "labels"),
                        });
  return all;
}

const Registration atomic_subject{
    {"atomic", "C++20",
     "std::atomic with relaxed order, pointers kept, or a map under a shared mutex in each call; "
     "exported by printing"},
    all_rows()};

}  // namespace
}  // namespace contention::plain
