// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/diagnostics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/testing/virtual_clock.h"
#include "src/core/diagnose.h"
#include "src/core/process.h"

namespace ft = fast_telemetry;
using namespace std::string_literals;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;

namespace diagnostics_test {

struct Heard {
  std::string component;
  std::string message;
  std::uint64_t suppressed;
};

/// Listens while it lives. Rates are kept per component for the whole process, so each test uses components of its own.
class Diagnostics : public testing::Test {
 protected:
  Diagnostics() { ft::set_diagnostics(hear, &heard_); }
  ~Diagnostics() override { ft::set_diagnostics(nullptr); }

  static void hear(const ft::Diagnostic& diagnostic, void* context) noexcept {
    if (diagnostic.component == "storage") return;  // said to each new callback where writes are locked
    static_cast<std::vector<Heard>*>(context)->push_back(
        {std::string{diagnostic.component}, std::string{diagnostic.message}, diagnostic.suppressed});
  }
  void pass(std::chrono::nanoseconds time) { clock_.advance(time); }

  ft::VirtualClock clock_;
  std::vector<Heard> heard_;
};

TEST_F(Diagnostics, reach_the_callback_with_its_context) {
  ft::detail::diagnose("test-reach", "A sentence.");
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_EQ(heard_[0].component, "test-reach");
  EXPECT_EQ(heard_[0].message, "A sentence.");
  EXPECT_EQ(heard_[0].suppressed, 0u);
}

TEST_F(Diagnostics, are_silent_without_a_callback) {
  ft::set_diagnostics(nullptr);
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  ft::detail::diagnose("test-silent", "A sentence.");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_TRUE(heard_.empty());
}

TEST_F(Diagnostics, go_to_the_callback_set_last) {
  std::vector<Heard> other;
  ft::set_diagnostics(hear, &other);
  ft::detail::diagnose("test-last", "A sentence.");
  EXPECT_EQ(other.size(), 1u);
  EXPECT_TRUE(heard_.empty());
}

TEST_F(Diagnostics, are_ten_per_component_and_minute) {
  for (int i = 0; i < 25; ++i) ft::detail::diagnose("test-ten", std::to_string(i));
  ASSERT_EQ(heard_.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(heard_[static_cast<std::size_t>(i)].message, std::to_string(i));
  pass(59s);
  ft::detail::diagnose("test-ten", "held back");
  EXPECT_EQ(heard_.size(), 10u);
  pass(1s);
  ft::detail::diagnose("test-ten", "delivered");
  EXPECT_EQ(heard_.size(), 11u);
}

TEST_F(Diagnostics, say_how_many_were_held_back_and_then_start_anew) {
  for (int i = 0; i < 25; ++i) ft::detail::diagnose("test-suppressed", "x");
  pass(61s);
  for (int i = 0; i < 11; ++i) ft::detail::diagnose("test-suppressed", "y");
  ASSERT_EQ(heard_.size(), 20u);
  EXPECT_EQ(heard_[9].suppressed, 0u);
  EXPECT_EQ(heard_[10].suppressed, 15u);
  EXPECT_EQ(heard_[11].suppressed, 0u);
  pass(61s);
  ft::detail::diagnose("test-suppressed", "z");
  EXPECT_EQ(heard_.back().suppressed, 1u);
}

TEST_F(Diagnostics, of_one_component_do_not_hold_back_anothers) {
  for (int i = 0; i < 20; ++i) ft::detail::diagnose("test-noisy", "x");
  ft::detail::diagnose("test-quiet", "heard");
  EXPECT_EQ(heard_.back().message, "heard");
}

TEST_F(Diagnostics, count_nothing_as_held_back_while_nobody_listens) {
  ft::set_diagnostics(nullptr);
  for (int i = 0; i < 100; ++i) ft::detail::diagnose("test-nobody", "x");
  ft::set_diagnostics(hear, &heard_);
  ft::detail::diagnose("test-nobody", "y");
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_EQ(heard_[0].suppressed, 0u);
}

TEST_F(Diagnostics, have_no_control_characters_and_a_bounded_length) {
  ft::detail::diagnose("test-hostile", "a\nb\r\t\x1b[31m\0\x7f\xc3\xa4~ "s);
  EXPECT_EQ(heard_.back().message, "a?b???[31m????~ ");
  ft::detail::diagnose("test-hostile", std::string(100'000, 'x'));
  EXPECT_EQ(heard_.back().message, std::string(256, 'x'));
}

// No lock is held during the call, so a callback may call the library, even to speak again.
TEST_F(Diagnostics, may_be_answered_from_inside_the_callback) {
  static int depth;
  depth = 0;
  ft::set_diagnostics([](const ft::Diagnostic&, void*) noexcept {
    if (++depth < 3) ft::detail::diagnose("test-again", "x");
    ft::set_diagnostics(nullptr);
  });
  ft::detail::diagnose("test-again", "x");
  EXPECT_EQ(depth, 3);
}

TEST_F(Diagnostics, from_many_threads_are_delivered_or_counted_as_held_back) {
  static std::atomic<std::uint64_t> delivered;
  static std::atomic<std::uint64_t> suppressed;
  delivered = 0;
  suppressed = 0;
  ft::set_diagnostics([](const ft::Diagnostic& diagnostic, void*) noexcept {
    delivered.fetch_add(1);
    suppressed.fetch_add(diagnostic.suppressed);
  });
  delivered = 0;  // as above: where writes are locked, that was one
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 1000; ++n) ft::detail::diagnose("test-threads", "x");
      });
    }
  }
  EXPECT_EQ(delivered.load(), 10u);
  pass(61s);
  ft::detail::diagnose("test-threads", "x");
  EXPECT_EQ(delivered.load() + suppressed.load(), 4001u);
}

TEST(Printable, keeps_what_can_be_printed_and_nothing_else) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool fine = byte >= ' ' && byte <= '~';
    EXPECT_EQ(ft::detail::printable(std::string(1, c)), std::string(1, fine ? c : '?')) << byte;
  }
  EXPECT_EQ(ft::detail::printable(""), "");
}

}  // namespace diagnostics_test
