// Log lines that say which trace and which span they belong to: a flag of one's own in spdlog's pattern.
#include <fast_telemetry/spans/context.h>
#include <fast_telemetry/spans/propagation.h>
#include <fast_telemetry/spans/tracer.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <map>
#include <memory>
#include <string>

namespace ft = fast_telemetry;

namespace {

/// ` trace_id=… span_id=…` of the thread's current span, nothing without one. Allocates nothing. Not for asynchronous
/// loggers, which format on a thread of their own: there the call that logs has to say it.
class SpanIds final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& line) override {
    const ft::SpanContext context = ft::current_context();
    if (!context.is_valid()) return;
    const auto trace_id = context.trace_id.hex();
    const auto span_id = context.span_id.hex();
    fmt::format_to(std::back_inserter(line), " trace_id={} span_id={}", std::string_view{trace_id.chars, 32},
                   std::string_view{span_id.chars, 16});
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<SpanIds>(); }
};

void serve(const ft::Tracer& tracer, const std::map<std::string, std::string>& headers) {
  const ft::Span span = tracer.child(ft::extract_context(headers), "serve");
  const ft::CurrentSpan current{span};
  spdlog::info("serving");
  {
    const ft::Span query = tracer.start("query");
    const ft::CurrentSpan inner{query};
    spdlog::warn("the query is slow");
  }
  spdlog::info("served");
}

}  // namespace

int main() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<SpanIds>('*').set_pattern("[%l] %v%*");
  spdlog::set_default_logger(spdlog::stdout_logger_st("example"));
  spdlog::set_formatter(std::move(formatter));

  const ft::Tracer tracer{"example"};
  spdlog::info("started");
  serve(tracer, {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}});
}
