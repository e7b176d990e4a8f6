// SPDX-License-Identifier: Apache-2.0
//
// A plugin that holds metrics of its own. Its core is the host's.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/counter_set.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/registry.h>

namespace ft = fast_telemetry;

namespace {

ft::Scope scope{ft::default_registry(), "plugin"};
ft::Counter calls{scope, {.name = "calls", .help = "Calls into the plugin."}};
ft::Histogram sizes{scope, {.name = "sizes"}, {10, 100}};
ft::CounterSet<2> messages{scope, {{.name = "messages"}, {.name = "bytes"}}};

}  // namespace

extern "C" __attribute__((visibility("default"))) void plugin_record() {
  for (int i = 0; i < 1000; ++i) {
    sizes.record(i);
    calls.add();
    messages.add_values({1, 100});  // the last: two writes and one clear
  }
}
