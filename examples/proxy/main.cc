// SPDX-License-Identifier: Apache-2.0
//
// ft_proxy: a Redis proxy that measures and traces what it does. ft_proxy_bare is the same source without telemetry.

#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "server.h"
#include "telemetry.h"

namespace {

constexpr const char* usage =
    R"(usage: ft_proxy [options]
  --listen HOST:PORT      where clients connect (default 127.0.0.1:6380); port 0 takes any free one
  --upstream HOST:PORT    the Redis server; without it an embedded key-value store answers
  --metrics HOST:PORT     where /metrics is served (default 127.0.0.1:9464); port 0 takes any free one
  --threads N             event loops, 1 to 64 (default 2)
  --max-clients N         more are refused (default 4096)
  --drain-seconds N       how long clients may take to end after SIGTERM, at most 3600 (default 5)
  --upstream-seconds N    how long the Redis server may take to answer, 1 to 3600 (default 10)
  --max-tenants N         with metrics of their own at a time, 1 to 1000000 (default 1000); the others share one series
  --tenant-seconds N      how long a tenant that sends nothing keeps its place, 1 to 86400 (default 180)
  --trace-file FILE       every request is traced into it; JSON lines if it ends in .jsonl, otherwise a Chrome trace
  --trace-mib N           how large that file may become, 1 to 1048576 (default 64); the rest is dropped and counted
  --port-file FILE        the ports are written there once both are open: "PORT METRICS_PORT"
Hosts are IP addresses: 127.0.0.1, [::1]. A key's tenant is what stands before its first ':', at most 64 bytes.
)";

struct Options {
  proxy::ServerOptions server{.listen = {asio::ip::make_address("127.0.0.1"), 6380}, .upstream = {}};
  proxy::Endpoint metrics{asio::ip::make_address("127.0.0.1"), 9464};
  std::uint32_t max_tenants = 1000;  // arbitrary
  std::string trace_file;            ///< empty: nothing is traced
  std::uint64_t trace_bytes = 64 << 20;
  std::string port_file;
};

[[noreturn]] void refuse(const std::string& reason) {
  std::fprintf(stderr, "ft_proxy: %s\n%s", reason.c_str(), usage);
  std::exit(2);
}

std::size_t number(const std::string& option, std::string_view text, std::size_t min, std::size_t max) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max) {
    refuse(option + " takes a number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return value;
}

proxy::Endpoint endpoint(const std::string& option, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(option + " takes HOST:PORT");
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::error_code error;
  const auto address = asio::ip::make_address(std::string{host}, error);
  if (error) refuse(option + ": '" + std::string{host} + "' is not an IP address");
  return {address, static_cast<std::uint16_t>(number(option, text.substr(colon + 1), 0, 65535))};
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help" || name == "-h") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (i + 1 == argc) refuse("unknown option, or one without its value: " + name);
    const std::string value = argv[++i];
    if (name == "--listen") {
      options.server.listen = endpoint(name, value);
    } else if (name == "--upstream") {
      options.server.upstream = endpoint(name, value);
    } else if (name == "--metrics") {
      options.metrics = endpoint(name, value);
    } else if (name == "--threads") {
      options.server.threads = number(name, value, 1, 64);
    } else if (name == "--max-clients") {
      options.server.max_clients = number(name, value, 1, 1'000'000);
    } else if (name == "--drain-seconds") {
      options.server.drain_deadline = std::chrono::seconds{number(name, value, 0, 3600)};
    } else if (name == "--upstream-seconds") {
      options.server.upstream_deadline = std::chrono::seconds{number(name, value, 1, 3600)};
    } else if (name == "--max-tenants") {
      options.max_tenants = static_cast<std::uint32_t>(number(name, value, 1, 1'000'000));
    } else if (name == "--tenant-seconds") {
      options.server.tenant_idle = std::chrono::seconds{number(name, value, 1, 86400)};
    } else if (name == "--trace-file") {
      options.trace_file = value;
    } else if (name == "--trace-mib") {
      options.trace_bytes = std::uint64_t{number(name, value, 1, 1 << 20)} << 20;
    } else if (name == "--port-file") {
      options.port_file = value;
    } else {
      refuse("unknown option: " + name);
    }
  }
  return options;
}

std::string text(const proxy::Endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

/// Clients take up to two file descriptors each, and the usual limit is 1024. Without more the proxy works still.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Under another name first: whoever waits for the file never reads half of it.
bool write_port_file(const std::string& path, std::uint16_t port, std::uint16_t metrics_port) {
  const std::string unfinished = path + ".new";
  std::FILE* file = std::fopen(unfinished.c_str(), "w");
  if (file == nullptr) return false;
  const bool written = std::fprintf(file, "%u %u\n", unsigned{port}, unsigned{metrics_port}) > 0;
  return std::fclose(file) == 0 && written && std::rename(unfinished.c_str(), path.c_str()) == 0;
}

int run(const Options& options) {
  proxy::report_diagnostics();
  proxy::Registry registry;
  proxy::ProxyMetrics metrics{registry, options.max_tenants};
  proxy::Tracing tracing{registry};
  if (!options.trace_file.empty()) {
    if (const std::error_code error = tracing.start(options.trace_file, options.trace_bytes)) {
      std::fprintf(stderr, "ft_proxy: cannot write %s: %s\n", options.trace_file.c_str(), error.message().c_str());
      return 1;
    }
  }
  proxy::Server server{options.server, metrics, tracing};
  if (const std::error_code error = server.listen()) {
    std::fprintf(stderr, "ft_proxy: cannot listen on %s: %s\n", text(options.server.listen).c_str(),
                 error.message().c_str());
    return 1;
  }
  proxy::Exposer exposer{registry, proxy::ExposerOptions{.address = options.metrics.address().to_string(),
                                                         .port = options.metrics.port()}};
  if (const std::error_code error = exposer.start()) {
    std::fprintf(stderr, "ft_proxy: cannot serve metrics on %s: %s\n", text(options.metrics).c_str(),
                 error.message().c_str());
    return 1;
  }

  const proxy::Endpoint clients = server.endpoint();
  const proxy::Endpoint scrapes{options.metrics.address(), exposer.port()};
  if (scrapes.port() == 0) {
    std::printf("listening on %s, no metrics\n", text(clients).c_str());
  } else {
    std::printf("listening on %s, metrics on http://%s/metrics\n", text(clients).c_str(), text(scrapes).c_str());
  }
  std::fflush(stdout);
  if (!options.port_file.empty() && !write_port_file(options.port_file, clients.port(), scrapes.port())) {
    std::fprintf(stderr, "ft_proxy: cannot write %s\n", options.port_file.c_str());
    return 1;
  }

  const std::size_t cut_off = server.run();
  if (cut_off > 0) std::fprintf(stderr, "ft_proxy: %zu clients were cut off at the drain deadline\n", cut_off);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  raise_descriptor_limit();
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ft_proxy: %s\n", error.what());
    return 1;
  }
}
