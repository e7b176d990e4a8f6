// SPDX-License-Identifier: Apache-2.0
//
// The current span: nested, out of order, on other threads, in fibers and coroutines.
//
// Parity: SPN-10, W-44 (both differ: docs/parity.md).
#include "fast_telemetry/spans/context.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <deque>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace context_test {

class CurrentSpanTest : public testing::Test {
 protected:
  ~CurrentSpanTest() override { ft::forget_spans(); }

  ft::Tracer tracer{"test"};
  ft::Span a = tracer.root("a");
  ft::Span b = tracer.root("b");
  ft::Span c = tracer.root("c");

  static bool is_current(const ft::Span& span) { return ft::current_context().span_id == span.context().span_id; }
};

TEST_F(CurrentSpanTest, is_the_innermost_scope_and_the_parent_of_what_starts) {
  EXPECT_FALSE(ft::current_context().is_valid());
  {
    const ft::CurrentSpan outer{a};
    EXPECT_TRUE(is_current(a));
    {
      const ft::CurrentSpan inner{b};
      EXPECT_TRUE(is_current(b));
      EXPECT_EQ(tracer.start("child").context().trace_id, b.context().trace_id);
    }
    EXPECT_TRUE(is_current(a));
  }
  EXPECT_FALSE(ft::current_context().is_valid());
  EXPECT_NE(tracer.start("root").context().trace_id, a.context().trace_id);
}

// W-44. Mutation: slots of scopes that ended below others stay.
TEST_F(CurrentSpanTest, survives_scopes_that_end_out_of_order) {
  std::optional<ft::CurrentSpan> first{std::in_place, a};
  std::optional<ft::CurrentSpan> second{std::in_place, b};
  std::optional<ft::CurrentSpan> third{std::in_place, c};
  second.reset();
  EXPECT_TRUE(is_current(c));
  first.reset();
  EXPECT_TRUE(is_current(c));
  third.reset();
  EXPECT_FALSE(ft::current_context().is_valid());
}

TEST_F(CurrentSpanTest, outlives_the_span_and_its_moves) {
  const ft::SpanId id = a.context().span_id;
  const ft::CurrentSpan scope{a};
  const ft::Span moved = std::move(a);
  EXPECT_EQ(ft::current_context().span_id, id);
  a = ft::Span{};
  EXPECT_EQ(ft::current_context().span_id, id);
}

TEST_F(CurrentSpanTest, is_each_threads_own) {
  const ft::CurrentSpan scope{a};
  std::thread{[&] {
    EXPECT_FALSE(ft::current_context().is_valid());
    const ft::CurrentSpan own{b};
    EXPECT_TRUE(is_current(b));
  }}.join();
  EXPECT_TRUE(is_current(a));
}

// W-44. Mutation: a scope ends on the thread that it is destroyed on.
TEST_F(CurrentSpanTest, changes_on_its_own_thread_when_a_scope_ends_on_another) {
  const ft::CurrentSpan outer{a};
  std::optional<ft::CurrentSpan> inner{std::in_place, b};
  std::thread{[&] {
    const ft::CurrentSpan other{c};
    inner.reset();
    EXPECT_TRUE(is_current(c));
  }}.join();
  EXPECT_TRUE(is_current(a));
}

TEST_F(CurrentSpanTest, may_outlive_its_thread) {
  const std::uint64_t used = ft::span_info().used_bytes;
  std::optional<ft::CurrentSpan> first;
  std::optional<ft::CurrentSpan> second;
  std::thread{[&] {
    first.emplace(a);
    second.emplace(b);
  }}.join();
  EXPECT_FALSE(ft::current_context().is_valid());
  first.reset();
  second.reset();
  EXPECT_EQ(ft::span_info().used_bytes, used);
}

TEST_F(CurrentSpanTest, beyond_the_room_of_a_thread_is_refused_and_counted) {
  const std::uint64_t refused = ft::span_info().scopes_refused;
  std::deque<ft::CurrentSpan> scopes;
  for (int i = 0; i < 83; ++i) scopes.emplace_back(a);
  scopes.emplace_back(b);
  scopes.emplace_back(c);
  EXPECT_TRUE(is_current(b));
  EXPECT_EQ(ft::span_info().scopes_refused, refused + 1);
  scopes.clear();
  EXPECT_FALSE(ft::current_context().is_valid());
}

TEST_F(CurrentSpanTest, of_what_is_not_sampled_is_passed_on_too) {
  const ft::Tracer off{"off", {.sampler = ft::Sampler::always_off()}};
  const ft::Span unsampled = off.root("root");
  const ft::CurrentSpan scope{unsampled};
  const ft::Span child = tracer.start("child");
  EXPECT_FALSE(child.is_recording());
  EXPECT_EQ(child.context().trace_id, unsampled.context().trace_id);
}

// ---- fibers ----

TEST_F(CurrentSpanTest, goes_with_a_fiber_to_another_thread) {
  const ft::CurrentSpan of_thread{a};
  ft::Scopes thread_scopes = ft::leave_scopes();
  EXPECT_FALSE(ft::current_context().is_valid());
  std::optional<ft::CurrentSpan> in_fiber{std::in_place, b};
  ft::Scopes fiber = ft::leave_scopes();
  ft::enter_scopes(std::move(thread_scopes));
  EXPECT_TRUE(is_current(a));

  std::thread{[&] {
    const ft::CurrentSpan of_other_thread{c};
    ft::Scopes others = ft::leave_scopes();
    ft::enter_scopes(std::move(fiber));
    EXPECT_TRUE(is_current(b));
    in_fiber.reset();
    EXPECT_FALSE(ft::current_context().is_valid());
    ft::enter_scopes(std::move(others));
    EXPECT_TRUE(is_current(c));
  }}.join();
  EXPECT_TRUE(is_current(a));
}

TEST_F(CurrentSpanTest, of_a_fiber_that_is_given_up_leaves_nothing_behind) {
  {
    const ft::CurrentSpan warm{a};
  }
  const std::uint64_t used = ft::span_info().used_bytes;
  std::optional<ft::CurrentSpan> scope;
  {
    ft::Scopes mine = ft::leave_scopes();
    scope.emplace(b);
    {
      const ft::Scopes given_up = ft::leave_scopes();
    }
    ft::enter_scopes(std::move(mine));
  }
  EXPECT_FALSE(ft::current_context().is_valid());
  scope.reset();
  EXPECT_EQ(ft::span_info().used_bytes, used);
}

// ---- coroutines ----

/// A task whose scopes go with it: every suspension takes them off the thread, every resumption puts them back.
class Task {
 public:
  struct promise_type {
    ft::Scopes own;
    ft::Scopes callers;

    Task get_return_object() { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() { throw; }
  };

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_{handle} {}
  ~Task() { handle_.destroy(); }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  void resume() {
    ft::Scopes callers = ft::leave_scopes();
    ft::enter_scopes(std::move(handle_.promise().own));
    handle_.resume();
    handle_.promise().own = ft::leave_scopes();
    ft::enter_scopes(std::move(callers));
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

Task work(const ft::Span& span, std::vector<bool>& found) {
  const ft::CurrentSpan scope{span};
  found.push_back(ft::current_context().span_id == span.context().span_id);
  co_await std::suspend_always{};
  found.push_back(ft::current_context().span_id == span.context().span_id);
}

TEST_F(CurrentSpanTest, goes_with_coroutines_that_take_turns_on_several_threads) {
  std::vector<bool> found;
  Task first = work(a, found);
  Task second = work(b, found);
  const ft::CurrentSpan of_thread{c};
  first.resume();
  EXPECT_TRUE(is_current(c));
  second.resume();
  std::thread{[&] {
    first.resume();
    EXPECT_FALSE(ft::current_context().is_valid());
  }}.join();
  second.resume();
  EXPECT_TRUE(is_current(c));
  EXPECT_EQ(found, (std::vector<bool>{true, true, true, true}));
}

}  // namespace context_test
