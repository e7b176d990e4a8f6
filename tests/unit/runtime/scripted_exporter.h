// SPDX-License-Identifier: Apache-2.0
//
// ScriptedExporter: an exporter that notes what is asked of it and does what a test says. For tests of who drives.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fast_telemetry/export/exporter.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// What it noted, and what it is to do. Outlives the exporter, so that a test can look after the end.
struct Script {
  std::vector<std::string> calls;  ///< "export", "deliver", "flush", "close"
  std::vector<Exporter::Time> untils;
  std::vector<Exporter::Time> ends;
  /// Called in each call; its report is the call's.
  std::function<DeliveryReport(const std::string& call, DeliveryInfo& info)> act;
};

class ScriptedExporter : public Exporter {
 public:
  ScriptedExporter(std::string name, Script& script) : name_{std::move(name)}, script_{script} {}

  [[nodiscard]] Text name() const noexcept override { return name_; }
  DeliveryReport export_once(Time until) noexcept override { return note("export", until); }
  DeliveryReport deliver(Time until) noexcept override { return note("deliver", until); }
  DeliveryReport flush(Time until) noexcept override { return note("flush", until); }
  DeliveryReport close(Time until) noexcept override { return note("close", until); }
  void end_by(Time deadline) noexcept override { script_.ends.push_back(deadline); }
  [[nodiscard]] DeliveryInfo info() const noexcept override { return info_; }

 private:
  DeliveryReport note(const std::string& call, Time until) {
    script_.calls.push_back(call);
    script_.untils.push_back(until);
    return script_.act ? script_.act(call, info_) : DeliveryReport{};
  }

  std::string name_;
  Script& script_;
  DeliveryInfo info_;
};

FAST_TELEMETRY_END_NAMESPACE
