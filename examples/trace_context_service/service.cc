// SPDX-License-Identifier: Apache-2.0
#include "service.h"

#include <fast_telemetry/spans/drain.h>
#include <fast_telemetry/spans/propagation.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace service {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds time_limit{5};  // as long as the harness waits, unless it is told to wait longer
constexpr int most_nesting = 100;              // writing JSON takes stack for each level

struct BadRequest : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <std::size_t size>
std::string text(const ft::HexText<size>& hex) {
  return {hex.chars, size};
}

std::string json_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

const char* name_of(ft::SpanKind kind) {
  switch (kind) {
    case ft::SpanKind::internal: return "internal";
    case ft::SpanKind::server: return "server";
    case ft::SpanKind::client: return "client";
    case ft::SpanKind::producer: return "producer";
    case ft::SpanKind::consumer: return "consumer";
  }
  return "";
}

/// Where this service's spans go: to standard output, a line of JSON each.
class SpanPrinter final : public ft::SpanSink {
 public:
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    const Json line{{"span", record.name()},
                    {"kind", name_of(record.kind())},
                    {"trace_id", text(record.trace_id().hex())},
                    {"span_id", text(record.span_id().hex())},
                    {"parent_id", record.parent_id().is_valid() ? Json(text(record.parent_id().hex())) : Json{}},
                    {"parent_is_remote", record.parent_is_remote()},
                    {"status", record.status() == ft::SpanStatus::error ? "error" : "unset"},
                    {"error", record.status_description()}};
    std::cout << json_text(line) << std::endl;
    return ft::SinkAnswer::taken;
  }
};

}  // namespace

struct Service::Call {
  std::string url;
  std::string arguments;
};

Service::Service(ServiceOptions options, const HttpClient& client)
    : options_{std::move(options)}, client_{client}, tracer_{"trace_context_service", {.sampler = options_.sampler}} {}

HttpReply Service::handle(const HttpRequest& request) const {
  if (request.path != "/test") return {404, R"({"error":"there is only /test"})"};
  if (request.method != "POST") return {405, R"({"error":"POST only"})"};
  HttpReply reply;
  {
    const ft::SpanContext caller = ft::extract_context(request.headers);
    ft::Span span = tracer_.child(caller, "POST /test", {.kind = ft::SpanKind::server});
    reply = run(request, span);
    span.set_attribute("http.response.status_code", static_cast<std::int64_t>(reply.status));
    if (reply.status >= 500) span.set_status(ft::SpanStatus::error);
  }
  SpanPrinter printer;
  ft::drain_spans(printer);
  return reply;
}

HttpReply Service::run(const HttpRequest& request, ft::Span& span) const try {
  const auto deadline = std::chrono::steady_clock::now() + time_limit;
  const ft::Baggage baggage = ft::extract_baggage(request.headers);
  unsigned status = 200;
  Json results = Json::array();
  for (const Call& call : calls_of(request.body)) {
    const PostResult result = post(call, span, baggage, deadline);
    if (result.status != 0) {
      results.push_back({{"url", call.url}, {"status", result.status}});
    } else {
      results.push_back({{"url", call.url}, {"error", result.error}});
      status = 502;
    }
  }
  return {status, json_text(results)};
} catch (const BadRequest& bad) {
  return {400, json_text({{"error", bad.what()}})};
}

PostResult Service::post(const Call& call, const ft::Span& parent, const ft::Baggage& baggage,
                         std::chrono::steady_clock::time_point deadline) const {
  ft::Span span = parent.child("POST", {.kind = ft::SpanKind::client});
  span.set_attribute("url.full", call.url);

  HttpHeaders headers;
  const auto set = [&headers](ft::Text name, ft::Text value) {
    headers.emplace_back(std::string{name.data(), name.size()}, std::string{value.data(), value.size()});
  };
  ft::SpanContext context = span.context();
  for (const auto& [key, value] : options_.own_state) context.trace_state = context.trace_state.with(key, value);
  ft::inject_context(context, set);
  ft::inject_baggage(baggage, set);

  PostResult result = client_.post(call.url, headers, call.arguments, deadline);
  if (result.status != 0) span.set_attribute("http.response.status_code", static_cast<std::int64_t>(result.status));
  if (result.status == 0 || result.status >= 400) span.set_status(ft::SpanStatus::error, result.error);
  return result;
}

std::vector<Service::Call> Service::calls_of(const std::string& body) try {
  const Json array = Json::parse(body, [](int depth, Json::parse_event_t, const Json&) {
    if (depth > most_nesting) throw BadRequest{"the JSON is nested too deeply"};
    return true;
  });
  if (!array.is_array()) throw BadRequest{"the body is no JSON array"};
  std::vector<Call> calls;
  for (const Json& element : array) {
    if (!element.is_object() || !element.contains("url") || !element["url"].is_string() ||
        !element.contains("arguments")) {
      throw BadRequest{"an element has no \"url\", or no \"arguments\""};
    }
    calls.push_back({element["url"].get<std::string>(), json_text(element["arguments"])});
  }
  return calls;
} catch (const Json::exception& bad) {
  throw BadRequest{bad.what()};
}

}  // namespace service
