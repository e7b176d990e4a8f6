// SPDX-License-Identifier: Apache-2.0
//
// ft_trace_context_service: a service that W3C's trace-context test harness can be pointed at.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "http_server.h"
#include "service.h"

namespace {

namespace ft = fast_telemetry;

constexpr const char* usage =
    R"(usage: ft_trace_context_service [options]
  --port N                  where to listen on 127.0.0.1 (default 0: any free port)
  --sampler NAME            parentbased_always_on (default), always_on or always_off
  --trace-state KEY=VALUE   a member of the tracestate to set in what is sent; may be repeated
Prints its address when it is ready, then every recorded span as a line of JSON. SIGTERM and SIGINT end it.
)";

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

ft::Sampler sampler(const std::string& name) {
  if (name == "parentbased_always_on") return ft::Sampler::parent_based(ft::Sampler::always_on());
  if (name == "always_on") return ft::Sampler::always_on();
  if (name == "always_off") return ft::Sampler::always_off();
  throw UsageError{"no sampler: " + name};
}

std::uint16_t port_number(const std::string& text) {
  const bool is_number = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
  const int number = is_number ? std::stoi(text) : -1;
  if (number < 0 || number > 65535) throw UsageError{"no port: " + text};
  return static_cast<std::uint16_t>(number);
}

std::pair<std::string, std::string> member(const std::string& text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  std::pair<std::string, std::string> pair{text.substr(0, equals), text.substr(std::min(equals + 1, text.size()))};
  if (ft::TraceState{}.with(pair.first, pair.second).empty()) throw UsageError{"no member of a tracestate: " + text};
  return pair;
}

void run(int argc, char** argv) {
  std::uint16_t port = 0;
  service::ServiceOptions options{.sampler = sampler("parentbased_always_on"), .own_state = {}};
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) throw UsageError{"unknown option, or one without its value: " + name};
    const std::string value = argv[i + 1];
    if (name == "--port") {
      port = port_number(value);
    } else if (name == "--sampler") {
      options.sampler = sampler(value);
    } else if (name == "--trace-state") {
      options.own_state.push_back(member(value));
    } else {
      throw UsageError{"unknown option: " + name};
    }
  }

  // Blocked in all threads, so that they wait for sigwait below.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // peers that hang up

  service::HttpClient client;
  const service::Service service{std::move(options), client};
  const service::HttpServer server{port, [&](const service::HttpRequest& request) { return service.handle(request); }};
  std::cout << "http://127.0.0.1:" << server.port() << "/test" << std::endl;

  int signal = 0;
  sigwait(&ending, &signal);
  client.stop();
}

}  // namespace

int main(int argc, char** argv) try { run(argc, argv); } catch (const UsageError& error) {
  std::cerr << "ft_trace_context_service: " << error.what() << '\n' << usage;
  return 2;
} catch (const std::exception& error) {
  std::cerr << "ft_trace_context_service: " << error.what() << '\n';
  return 1;
}
