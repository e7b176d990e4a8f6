// SPDX-License-Identifier: Apache-2.0
//
// One export to an agent, after which the accounts have to balance.
#pragma once

#include <gtest/gtest.h>

#include "fast_telemetry/export/dogstatsd.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

inline void expect_balance(const Exporter& exporter) {
  const DeliveryInfo info = exporter.info();
  EXPECT_EQ(info.items, info.delivered + info.unconfirmed + info.rejected + info.dropped() + info.queued);
  EXPECT_EQ(info.queued == 0, info.queued_bytes == 0);
}

inline DogStatsdReport export_within(DogStatsdExporter& exporter, std::chrono::milliseconds timeout) {
  const DeliveryReport delivery = exporter.export_once(std::chrono::steady_clock::now() + timeout);
  const DogStatsdReport& report = exporter.report();
  expect_balance(exporter);
  EXPECT_EQ(delivery.counts.queued != 0, report.packets_kept != 0);
  EXPECT_EQ(delivery.counts.sent_bytes, report.bytes_sent);
  EXPECT_EQ(delivery.counts.attempts - delivery.counts.unanswered, report.packets_sent + report.packets_dropped);
  if (report.is_complete()) {
    EXPECT_TRUE(delivery.is_complete());
  }
  return report;
}

FAST_TELEMETRY_END_NAMESPACE
