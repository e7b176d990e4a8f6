// SPDX-License-Identifier: Apache-2.0
//
// What tests of OtlpHttpSender share: a clock that they turn, what was diagnosed, and the accounts that must balance.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/export/otlp_http.h"
#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/scripted_server.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

class SenderTest : public testing::Test {
 protected:
  SenderTest() {
    clock.advance(ahead);
    set_diagnostics(&SenderTest::take, this);
  }
  ~SenderTest() override { set_diagnostics(nullptr); }

  [[nodiscard]] OtlpHttpSender make_sender(const OtlpHttpOptions& options) const {
    return OtlpHttpSender{OtlpSignal::traces, options};
  }
  [[nodiscard]] static OtlpHttpOptions to(const std::string& endpoint) { return {.endpoint = endpoint}; }

  /// Only to turn a hang into a failure.
  [[nodiscard]] static OtlpHttpSender::Time soon() {
    return std::chrono::steady_clock::now() + std::chrono::seconds{30};
  }

  /// Lets the time that the report asks for pass.
  void wait(const DeliveryReport& report) {
    ASSERT_TRUE(report.next_attempt_in.has_value());
    clock.advance(*report.next_attempt_in);
  }

  static void expect_balance(const OtlpHttpSender& sender) {
    const DeliveryInfo info = sender.info();
    EXPECT_EQ(info.items, info.delivered + info.unconfirmed + info.rejected + info.dropped() + info.queued);
    EXPECT_EQ(info.queued == 0, info.queued_bytes == 0);
  }

  [[nodiscard]] std::string diagnosed() const {
    const std::lock_guard lock{mutex_};
    return diagnosed_;
  }

  // Some messages per minute are delivered: each test has minutes of its own, and the same wall-clock time.
  static inline int tests = 0;
  const std::chrono::nanoseconds ahead = std::chrono::hours{++tests};
  VirtualClock clock{VirtualClock::usual_start_unix_ns - ahead.count()};

 private:
  static void take(const Diagnostic& diagnostic, void* context) noexcept {
    auto& test = *static_cast<SenderTest*>(context);
    const std::lock_guard lock{test.mutex_};
    test.diagnosed_ += std::string{diagnostic.component} + ": " + std::string{diagnostic.message} + '\n';
  }

  mutable std::mutex mutex_;
  std::string diagnosed_;
};

FAST_TELEMETRY_END_NAMESPACE
