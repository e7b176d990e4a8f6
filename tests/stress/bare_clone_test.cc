// SPDX-License-Identifier: Apache-2.0
//
// A child made by the clone system call itself, without libc: no fork handler runs. Not for sanitizers, whose own state
// does not survive it.
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "fast_telemetry/cardinality.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"

namespace bare_clone_test {

namespace ft = fast_telemetry;

/// As stress::in_child, with a bare clone. Other threads must not use the heap: nobody would unlock it in the child.
template <class Body>
std::string in_bare_clone(Body body) {
  int report[2];
  if (pipe(report) != 0) return "no pipe";
  const auto child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child < 0) return "clone failed";
  if (child == 0) {
    alarm(stress::child_deadline_s);
    const std::string wrong = body();
    const ssize_t written = write(report[1], wrong.data(), wrong.size());
    _exit(wrong.empty() && written == 0 ? 0 : 1);
  }
  close(report[1]);
  return stress::outcome_of(child, report[0]);
}

// The parent's other thread holds the library's locks most of the time, and does not exist in the child.
//
// Mutations: the wiped word not looked at (the child waits for the fold lock of a thread that it does not have, or adds
// its cells to the parent's bases); looked at in collect only; not looked at before a
// histogram's bounds are looked up.
TEST(BareClone, is_noticed_by_the_first_collection_or_registration) {
  ft::Registry registry;
  ft::Counter counter{registry, {.name = "counter"}};
  std::optional<ft::Counter> returned;
  returned.emplace(registry, ft::Info{.name = "returned"});
  returned->add(1000);
  returned.reset();
  returned.emplace(registry, ft::Info{.name = "returned"});
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
  counter.add(5);
  static_cast<void>(reader.collect());
  reader.accept();

  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> folds{0};
  std::uint64_t adds = 5;
  {
    // In the steady state a fold allocates nothing.
    ft::Reader busy{registry};
    static_cast<void>(busy.collect());
    std::jthread folder{[&] {
      for (; !done.load(std::memory_order_acquire); folds.fetch_add(1)) static_cast<void>(busy.collect());
    }};
    while (folds.load() == 0) sched_yield();

    for (int round = 0; round < 100 && !HasFailure(); ++round) {
      const std::string wrong = in_bare_clone([&] {
        stress::Findings findings;
        counter.add(2);
        returned->add(3);
        // What the child does first takes a lock in each case; the histogram's bounds are new in every round.
        if (round % 3 == 1) {
          ft::FloatHistogram mine{{0.5, 1.0 + round}};
          mine.record(0.25);
          findings.expect_equal("the child's own histogram", mine.count(), 1U);
        }
        if (round % 3 == 0) {
          ft::Counter mine{registry, {.name = "mine"}};
          mine.add(4);
          findings.expect_equal("the child's own counter", mine.value(), 4U);
        }
        const ft::RecordingVisitor seen{reader};
        findings.expect_equal("counter in the child", seen.counter("counter"), 2U);
        findings.expect_equal("returned counter in the child", seen.counter("returned"), 3U);
        findings.expect_equal("counter's value in the child", counter.value(), 2U);
        findings.expect_equal("returned counter's value in the child", returned->value(), 3U);
        reader.accept();
        counter.add(7);
        findings.expect_equal("the child's second window", ft::RecordingVisitor{reader}.counter("counter"), 7U);
        return findings.text();
      });
      EXPECT_EQ(wrong, "") << "in round " << round;
      counter.add();
      ++adds;
    }
    done.store(true, std::memory_order_release);
  }
  EXPECT_EQ(counter.value(), adds);
  EXPECT_EQ(returned->value(), 1000U);
}

// The parent's other thread is refused series, and holds the sketch of what is refused most of the time.
//
// Mutation: the locks of indexes not made anew (the child waits for ever).
TEST(BareClone, can_use_dynamic_metrics) {
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 1> requests{ft::Scope{registry}, {.name = "requests"}, {"x"}, {.max_series = 2}};
  ft::Reader reader{registry};
  requests.at("a").add(5);
  requests.at("b").add(5);
  requests.at("c").add(5);  // the sketch has what it needs
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> refused{0};
  {
    std::jthread other{[&] {
      for (std::uint64_t n = 0; !done.load(std::memory_order_acquire); n = refused.fetch_add(1)) requests.at(n).add();
    }};
    while (refused.load() < 100) sched_yield();
    for (int round = 0; round < 50 && !HasFailure(); ++round) {
      const std::string wrong = in_bare_clone([&] {
        stress::Findings findings;
        static_cast<void>(reader.collect());
        findings.expect_equal("overflows in the child", requests.overflow_count(), 0U);
        findings.expect_equal("lookups refused in the child", requests.cardinality().lookups, 0U);
        requests.at("a").add(1);
        requests.at("c").add(2);
        findings.expect_equal("what the child counts", ft::RecordingVisitor{reader}.sum("requests"), 3U);
        return findings.text();
      });
      EXPECT_EQ(wrong, "") << "in round " << round;
    }
    done.store(true, std::memory_order_release);
  }
  EXPECT_EQ(requests.find("a").value(), 5U);
}

}  // namespace bare_clone_test
