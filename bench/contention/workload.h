// SPDX-License-Identifier: Apache-2.0
//
// Workload: what a subject provides for each kind of metric that it can be measured with; and how it says so.
//
// A subject is a file in subjects/. For each combination of entity and access it derives a class from Workload, whose
// record() hands a lambda to each_operation(), and lists them in a Registration of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace contention {

/// Counters of a set.
inline constexpr std::size_t set_size = 4;

/// Upper bounds of histograms, in nanoseconds and in seconds: what `buckets::latency` has.
inline constexpr std::size_t bound_count = 13;
inline constexpr std::uint64_t bounds_ns[bound_count] = {
    10'000,     50'000,      100'000,     500'000,       1'000'000,     5'000'000,     10'000'000,
    50'000'000, 100'000'000, 500'000'000, 1'000'000'000, 5'000'000'000, 10'000'000'000};

struct LabelPair {
  std::string_view tenant;
  std::string_view route;
};

/// Of dynamic metrics, whose labels are known at run time only.
inline constexpr std::string_view label_keys[2] = {"tenant", "route"};

/// Of labelled metrics: one label, of a set that is known when the program is compiled.
inline constexpr std::string_view enum_key = "command";

struct Setting {
  std::size_t labels;                  ///< label sets in use, 1 … 256
  const LabelPair* texts;              ///< of each label set of dynamic metrics: some 20 characters
  const std::string_view* enum_texts;  ///< of each label of labelled metrics
};

/// Operations of one thread, one after the other. Operation i has label set labels[i] and value values[i].
struct Slice {
  std::size_t thread;
  std::size_t count;
  const std::uint8_t* labels;
  const std::uint64_t* values;  ///< log-uniform over 1 µs … 30 s in nanoseconds
  const double* doubles;        ///< the same values
  std::uint64_t first;          ///< the number of the first; a gauge is set to an operation's number
};

class Workload {
 public:
  Workload() = default;
  virtual ~Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  /// Called by many threads at a time.
  virtual void record(const Slice& slice) = 0;

  /// All that the subject's exporter does but the sending: reads everything, encodes it, forgets it. Returns the size
  /// of the output. One thread at a time, also while others record.
  virtual std::size_t export_all() = 0;

  /// By label set what was recorded, as the subject itself tells: of counters the total, of counter sets that of all
  /// counters, of histograms and distributions the number of values, of gauges the value. One entry if the entity has
  /// no labels. While nobody records.
  virtual std::vector<double> values() = 0;
};

/// A lambda over an operation's index, inlined wherever it is called: whether a compiler would do that to a lambda
/// called eight times says nothing about the one call that a program contains. What it captures it captures by value,
/// so that the compiler knows that recording does not change it: `[counter = &counter_] OPERATION { counter->add(); }`.
#define OPERATION ([[maybe_unused]] std::size_t i) __attribute__((always_inline))

/// Operations per turn of the loop. Eight where an operation costs no more than a turn does, so that it is the
/// operation that is measured; done by hand, since compilers do it differently. One where it is much more than that: of
/// eight copies of a long function, compilers inline some and not others.
inline constexpr std::size_t of_short_operations = 8;
inline constexpr std::size_t of_long_operations = 1;

/// Calls `record(i)` for each operation.
template <std::size_t unrolled = of_short_operations, class Record>
[[gnu::always_inline]] inline void each_operation(std::size_t count, Record record) {
  const auto turn = [&record]<std::size_t... k>(std::size_t i, std::index_sequence<k...>)
                        __attribute__((always_inline)) { (record(i + k), ...); };
  std::size_t i = 0;
  for (; i + unrolled <= count; i += unrolled) turn(i, std::make_index_sequence<unrolled>{});
  if constexpr (unrolled != 1) {
    for (; i < count; ++i) record(i);
  }
}

// ---- which there are ----

struct Subject {
  std::string_view name;
  std::string version;
  std::string_view settings;  ///< how it is used, in a sentence
};

struct Combination {
  const Subject* subject;
  std::string_view entity;
  std::string_view access;  ///< handle or labels
  std::unique_ptr<Workload> (*make)(const Setting& setting);
};

/// All of this build.
inline std::vector<Combination>& combinations() {
  static std::vector<Combination> all;
  return all;
}

/// A row of a subject's list: `row<FastCounter>("counter", "handle")`. The class is constructed from a Setting.
template <class W>
Combination row(std::string_view entity, std::string_view access) {
  return {nullptr, entity, access,
          [](const Setting& setting) -> std::unique_ptr<Workload> { return std::make_unique<W>(setting); }};
}

/// One per subject, at namespace scope of its file. Lives as long as the program.
class Registration {
 public:
  Registration(Subject subject, const std::vector<Combination>& rows) : subject_{std::move(subject)} {
    for (Combination one : rows) {
      one.subject = &subject_;
      combinations().push_back(one);
    }
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  Subject subject_;
};

}  // namespace contention
