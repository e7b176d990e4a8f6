// A sink of one's own: anything that can take a value per series. This one prints what changed since the last look.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/snapshot.h>

#include <cstdio>

namespace ft = fast_telemetry;

class PrintDeltas final : public ft::Visitor {
 public:
  void begin(const ft::Collection& collection) override {
    seconds_ = static_cast<double>(collection.time_unix_ns - collection.since_unix_ns) / 1e9;
  }
  void family(const ft::Family& family) override { name_ = family.full_name; }
  void sum(const ft::Series&, const ft::NumberPoint<std::uint64_t>& point) override {
    line(static_cast<double>(point.value));
  }
  void sum(const ft::Series&, const ft::NumberPoint<std::int64_t>& point) override {
    line(static_cast<double>(point.value));
  }
  void sum(const ft::Series&, const ft::NumberPoint<double>& point) override { line(point.value); }
  void gauge(const ft::Series&, const ft::NumberPoint<std::int64_t>&) override {}
  void gauge(const ft::Series&, const ft::NumberPoint<double>&) override {}
  void histogram(const ft::Series&, const ft::HistogramPoint&) override {}
  void histogram(const ft::Series&, const ft::ExponentialPoint&) override {}
  void info(const ft::Series&) override {}
  void state_set(const ft::Series&, std::span<const ft::State>) override {}
  void end() override {}

 private:
  void line(double value) {
    std::printf("%.*s +%.0f in %.3f s\n", static_cast<int>(name_.size()), name_.data(), value, seconds_);
  }

  std::string_view name_;
  double seconds_ = 0;
};

int main() {
  ft::Registry registry;
  ft::Counter jobs{registry, {.name = "jobs", .help = "Jobs done."}};
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
  PrintDeltas sink;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    jobs.add(round * 10);
    reader.collect().visit(sink);
    reader.accept();  // delivered: the next deltas start here
  }
}
