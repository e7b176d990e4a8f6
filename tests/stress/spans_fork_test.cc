// SPDX-License-Identifier: Apache-2.0
//
// Spans and fork: a child has none of its parent's spans and none of its ids, and goes on for itself.
//
// Parity: W-46.
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <cstring>
#include <set>

#include "fast_telemetry/spans/context.h"
#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/spans/propagation.h"
#include "tests/stress/stress.h"

namespace spans_fork_test {

namespace ft = fast_telemetry;

class NameSink final : public ft::SpanSink {
 public:
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    names += std::string{record.name()} + ' ';
    return ft::SinkAnswer::taken;
  }
  std::string names;
};

std::string drained() {
  NameSink sink;
  ft::drain_spans(sink);
  return sink.names;
}

void expect_sum(stress::Findings& findings, const ft::SpanInfo& info) {
  findings.expect_equal("recorded", info.recorded, info.drained + info.dropped() + info.buffered);
}

/// Everything a child may do, from its first moment on. `open` was begun in the parent.
std::string live_as_child(const ft::Tracer& tracer, ft::Span& open, const std::string& next_id) {
  stress::Findings findings;
  findings.expect(std::string{ft::random_trace_id().hex().chars, 32} != next_id, "the child repeats the parent's ids");
  const ft::SpanInfo at_first = ft::span_info();
  findings.expect_equal("recorded in the new child", at_first.recorded, 0U);
  findings.expect_equal("buffered in the new child", at_first.buffered, 0U);
  findings.expect(drained().empty(), "the child has the parent's spans");
  {
    const ft::Span mine = tracer.root("child");
  }
  findings.expect(open.context().is_valid(), "what was begun in the parent does not propagate");
  {
    const ft::Span below = open.child("below");
  }
  open.set_attribute("large", std::string(10'000, 'x'));
  open.end();
  const std::string names = drained();
  findings.expect(names == "child below ", "the child drained: " + names);
  const ft::SpanInfo info = ft::span_info();
  findings.expect_equal("dropped as the parent's", info.dropped_forked, 1U);
  expect_sum(findings, info);
  for (int i = 0; i < 2000; ++i) const ft::Span more = tracer.root("more");
  findings.expect_equal("buffered", ft::span_info().buffered, 2000U);
  static_cast<void>(drained());
  expect_sum(findings, ft::span_info());
  return findings.text();
}

// Mutations: the pool not begun anew; the drain's lock not released in the child; spans begun in the parent recorded in
// the child.
TEST(SpansFork, gives_the_child_a_fresh_start_whatever_other_threads_are_doing) {
  const ft::Tracer tracer{"fork"};
  std::atomic<bool> done{false};
  std::uint64_t ended = 0;
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      while (!done.load(std::memory_order_acquire)) {
        const ft::Span span = tracer.root("other");
        // Without drops: this is not about them.
        while (++ended % 64 == 0 && ft::span_info().used_bytes > std::uint64_t{32} << 20U) std::this_thread::yield();
      }
    });
    threads.emplace_back([&] {
      while (!done.load(std::memory_order_acquire)) static_cast<void>(drained());
    });
    threads.emplace_back([&] {
      while (!done.load(std::memory_order_acquire))
        std::thread{[&] { const ft::Span span = tracer.root("short"); }}.join();
    });
    for (std::uint64_t round = 0; round < stress::scaled(100) && !testing::Test::HasFailure(); ++round) {
      ft::Span open = tracer.root("open");
      {
        const ft::Span buffered = tracer.root("buffered");
      }
      const std::string wrong = stress::in_child([&] { return live_as_child(tracer, open, ""); });
      EXPECT_EQ(wrong, "") << "in round " << round;
    }
    done.store(true, std::memory_order_release);
  }
  static_cast<void>(drained());
  const ft::SpanInfo info = ft::span_info();
  EXPECT_GE(info.recorded, ended);
  EXPECT_EQ(info.recorded, info.drained);
  EXPECT_EQ(info.dropped(), 0U);
}

/// What a child says its next ids are, made by fork or by a bare clone.
template <class Fork>
std::vector<std::string> ids_of_children(Fork make_child, int children) {
  std::vector<std::string> ids;
  for (int i = 0; i < children; ++i) {
    int report[2];
    if (pipe(report) != 0) break;
    const long child = make_child();
    if (child == 0) {
      const auto id = ft::random_trace_id().hex();
      const ssize_t written = write(report[1], id.chars, sizeof id.chars);
      _exit(written == sizeof id.chars ? 0 : 1);
    }
    close(report[1]);
    ids.push_back(stress::outcome_of(static_cast<pid_t>(child), report[0]));
  }
  return ids;
}

// Mutation: generators are not seeded anew in a child.
TEST(SpansFork, children_draw_ids_that_neither_their_parent_nor_their_siblings_have) {
  static_cast<void>(ft::random_trace_id());
  std::vector<std::string> ids = ids_of_children([] { return static_cast<long>(fork()); }, 8);
  const std::vector<std::string> more = ids_of_children([] { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }, 8);
  ids.insert(ids.end(), more.begin(), more.end());
  for (int i = 0; i < 16; ++i) ids.emplace_back(ft::random_trace_id().hex().chars, 32);
  for (const std::string& id : ids) EXPECT_EQ(id.size(), 32U) << id;
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 32U);
}

TEST(SpansFork, a_child_of_a_bare_clone_starts_afresh_at_its_first_span) {
  const ft::Tracer tracer{"clone"};
  {
    const ft::Span span = tracer.root("parents");
  }
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    {
      const ft::Span span = tracer.root("mine");
    }
    const std::string names = drained();
    const ssize_t written = names == "mine " ? 0 : write(report[1], names.data(), names.size());
    _exit(written == 0 ? 0 : 1);
  }
  close(report[1]);
  EXPECT_EQ(stress::outcome_of(static_cast<pid_t>(child), report[0]), "");
  EXPECT_EQ(drained(), "parents ");
}

struct ForkInHandler {
  volatile sig_atomic_t is_child = 0;
  volatile sig_atomic_t forks = 0;
  volatile sig_atomic_t failed = 0;
  int status = 0;
} in_handler;

void fork_in_handler(int) {
  if (in_handler.is_child != 0) return;
  const pid_t child = fork();
  if (child == 0) {
    in_handler.is_child = 1;
    alarm(stress::child_deadline_s);
    return;
  }
  in_handler.forks = in_handler.forks + 1;
  if (child < 0 || waitpid(child, &in_handler.status, 0) != child || in_handler.status != 0) in_handler.failed = 1;
}

/// Not on top of a sink: what it was reading is gone in the child (SpanRecord).
void drain_undisturbed() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  static_cast<void>(drained());
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

// A handler forks on top of whatever this thread does to its spans; the child goes on from there.
//
// Seen red before a record looked at the epoch at its end: it went on in a chunk that was no longer its own.
TEST(SpansFork, in_a_signal_handler_leaves_a_child_that_can_go_on) {
  const ft::Tracer tracer{"handler"};
  static_cast<void>(drained());
  in_handler = {};
  const ft::SpanInfo before = ft::span_info();
  std::uint64_t ended = 0;
  {
    const stress::Handler handler{SIGUSR1, fork_in_handler};
    stress::ThreadTimer timer{SIGUSR1};
    for (std::uint64_t round = 0; round < stress::scaled(300) && in_handler.is_child == 0 && in_handler.failed == 0;
         ++round) {
      timer.send_after(1 + static_cast<long>(round % 64) * 1000);
      while (in_handler.forks == static_cast<sig_atomic_t>(round) && in_handler.is_child == 0) {
        ft::Span span = tracer.root("work");
        span.set_attribute("number", ended);
        span.end();
        ++ended;
        if (ended % 4096 == 0) drain_undisturbed();
      }
    }
  }
  if (in_handler.is_child != 0) {
    static_cast<void>(drained());
    for (int i = 0; i < 3; ++i) const ft::Span mine = tracer.root("mine");
    _exit(drained() == "mine mine mine " ? 0 : 1);
  }
  EXPECT_EQ(in_handler.failed, 0) << "a child ended with status " << in_handler.status
                                  << (WIFSIGNALED(in_handler.status) ? ": it hung or crashed" : "");
  EXPECT_EQ(ft::span_info().recorded - before.recorded, ended);
  EXPECT_EQ(ft::span_info().dropped(), before.dropped());
}

}  // namespace spans_fork_test
