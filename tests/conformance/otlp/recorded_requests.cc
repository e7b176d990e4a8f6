// SPDX-License-Identifier: Apache-2.0
//
// Records random spans with hostile content, drains them into OTLP requests and into JSON, and writes all into a
// folder: `request-<n>` as it would be sent, `spans.jsonl`, `trace.json`, and `span-<id>` as text that says what was
// recorded.
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "fast_telemetry/encoding/json_spans.h"
#include "fast_telemetry/encoding/otlp_spans.h"
#include "tests/support/otlp_expected.h"
#include "tests/support/random_spans.h"

namespace ft = fast_telemetry;

namespace {

class RecordingSink final : public ft::SpanSink {
 public:
  RecordingSink(ft::OtlpSpanEncoder& encoder, std::filesystem::path folder)
      : encoder_{encoder}, folder_{std::move(folder)} {}

  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    const ft::SinkAnswer answer = encoder_.span(record);
    if (answer == ft::SinkAnswer::taken) {
      append_json_line(json_lines, record);
      append_chrome_event(chrome_events, record, chrome);
      const auto id = record.span_id().hex();
      std::ofstream{folder_ / ("span-" + std::string{id.chars, 16}), std::ios::binary} << record.scope_name() << '\n'
                                                                                       << record.scope_version() << '\n'
                                                                                       << ft::ExpectedOtlp::of(record);
    }
    return answer;
  }

  static constexpr ft::ChromeTrace chrome{.process_id = 7, .base_unix_ns = 1'600'000'000'000'000'000};
  ft::ByteBuffer json_lines;
  ft::ByteBuffer chrome_events;

 private:
  ft::OtlpSpanEncoder& encoder_;
  std::filesystem::path folder_;
};

void run(const std::filesystem::path& folder) {
  const ft::Tracer tracers[] = {
      ft::Tracer{"http"}, ft::Tracer{"http", {.version = "2.0"}},
      ft::Tracer{
          "limited",
          {.limits = {.attributes = 3, .events = 2, .links = 1, .attributes_per_event = 1, .value_characters = 9}}}};
  const std::vector<std::int64_t> numbers{1, -1};
  ft::OtlpSpanEncoder encoder{{{"service.name", "größe\xFF"}, {"numbers", numbers}, {"id", ft::Bytes{"\xFF\x00", 2}}},
                              {.max_request_bytes = 60'000}};
  RecordingSink sink{encoder, folder};
  ft::RandomSpans random{11};
  for (std::size_t i = 0; i < 1500; ++i) random.record(tracers[i * i % 7 % 3]);
  std::size_t requests = 0;
  for (bool is_complete = false; !is_complete;) {
    is_complete = ft::drain_spans(sink).is_complete;
    const ft::OtlpSpanEncoder::Request request = encoder.finish();
    if (request.count == 0) continue;
    std::ofstream{folder / ("request-" + std::to_string(requests++)), std::ios::binary} << request.bytes;
  }
  append_chrome_end(sink.chrome_events, "recorded \"requests\"", RecordingSink::chrome);
  std::ofstream{folder / "spans.jsonl", std::ios::binary} << sink.json_lines.view();
  std::ofstream{folder / "trace.json", std::ios::binary} << "[\n" << sink.chrome_events.view();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: recorded_requests FOLDER\n";
    return 2;
  }
  run(argv[1]);
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
