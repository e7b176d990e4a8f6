// SPDX-License-Identifier: Apache-2.0
//
// What the encoder does besides the bytes of each rule of the format, which are in tests/golden.
#include "fast_telemetry/encoding/prometheus_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <locale>
#include <string>

#include "fast_telemetry/distribution.h"
#include "fast_telemetry/sampled_timer.h"
#include "fast_telemetry/snapshot.h"
#include "tests/support/shown_collection.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using ft::Kind;

namespace prometheus_text_test {

/// A program whose decimal separator is a comma, in C and in C++, for as long as this lives. The C library's own locale
/// with one byte changed: locales with a comma are installed almost nowhere that tests run.
class CommaLocale {
 public:
  CommaLocale() : folder_{testing::TempDir() + "comma-locale-" + std::to_string(::getpid())} {
    std::filesystem::create_directories(folder_ / "xx_XX");
    std::ifstream original{"/usr/lib/locale/C.utf8/LC_NUMERIC", std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{original}, {}};
    std::replace(bytes.begin(), bytes.end(), '.', ',');
    std::ofstream{folder_ / "xx_XX" / "LC_NUMERIC", std::ios::binary} << bytes;
    ::setenv("LOCPATH", folder_.c_str(), 1);
    installed_ = std::setlocale(LC_NUMERIC, "xx_XX") != nullptr;
    global_ = std::locale::global(std::locale{std::locale::classic(), new Comma});
    std::setlocale(LC_NUMERIC, "xx_XX");  // std::locale::global has just replaced the C locale
  }
  ~CommaLocale() {
    std::locale::global(global_);
    std::setlocale(LC_ALL, "C");
    ::unsetenv("LOCPATH");
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] bool installed() const { return installed_; }

 private:
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };

  std::filesystem::path folder_;
  bool installed_ = false;
  std::locale global_;
};

std::string text_of(ft::Registry& registry) {
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};
  ft::Reader reader{registry};
  reader.collect().visit(encoder);
  return std::string{out.view()};
}

TEST(PrometheusText, appends_to_what_the_buffer_holds) {
  ft::ByteBuffer out;
  out.append("before\n");
  ft::PrometheusTextEncoder encoder{out};
  ft::ShownCollection{encoder}.family("x", Kind::gauge).gauge(1);
  EXPECT_EQ(out.view(), "before\n# TYPE x gauge\nx 1\n");
}

// PRM-2, PRM-5: a distribution is a histogram, not a summary that has no quantiles.
TEST(PrometheusText, shows_a_distribution_as_a_histogram_with_a_bound_per_power_of_two) {
  ft::Registry registry;
  ft::Distribution size{registry, {.name = "size", .unit = ft::Unit::bytes}, ft::Range{1, 1024}, {.scale = 2}};
  for (const int value : {3, 4, 5, 20}) size.record(value);
  EXPECT_EQ(text_of(registry),
            "# TYPE size_bytes histogram\n"
            "size_bytes_bucket{le=\"2.0\"} 0\n"
            "size_bytes_bucket{le=\"4.0\"} 2\n"
            "size_bytes_bucket{le=\"8.0\"} 3\n"
            "size_bytes_bucket{le=\"16.0\"} 3\n"
            "size_bytes_bucket{le=\"32.0\"} 4\n"
            "size_bytes_bucket{le=\"+Inf\"} 4\n"
            "size_bytes_sum 32\n"
            "size_bytes_count 4\n");
}

// PRM-6, W-37
TEST(PrometheusText, shows_a_sampled_timer_as_calls_samples_and_stride) {
  ft::Registry registry;
  ft::SampledTimer lookup{registry, {.name = "lookup", .help = "Look-ups."}, ft::buckets::durations(1us, 1ms), 1};
  lookup.record_elapsed(500us);
  EXPECT_EQ(text_of(registry),
            "# HELP lookup_calls_total Look-ups.\n"
            "# TYPE lookup_calls_total counter\n"
            "lookup_calls_total 1\n"
            "# HELP lookup_samples_seconds Look-ups.\n"
            "# TYPE lookup_samples_seconds histogram\n"
            "lookup_samples_seconds_bucket{le=\"1e-06\"} 0\n"
            "lookup_samples_seconds_bucket{le=\"0.001\"} 1\n"
            "lookup_samples_seconds_bucket{le=\"+Inf\"} 1\n"
            "lookup_samples_seconds_sum 5e-04\n"
            "lookup_samples_seconds_count 1\n"
            "# HELP lookup_sample_stride Look-ups.\n"
            "# TYPE lookup_sample_stride gauge\n"
            "lookup_sample_stride 1\n");
}

TEST(PrometheusText, an_empty_collection_is_no_bytes) {
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};
  {
    ft::ShownCollection shown{encoder};
  }
  EXPECT_EQ(out.view(), "");
}

// Names and labels of any length reach the output whole: copies are made in steps.
TEST(PrometheusText, lines_of_every_length_are_whole) {
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};
  for (int round = 0; round < 2; ++round) {
    out.clear();
    std::string expected;
    {
      ft::ShownCollection shown{encoder};
      shown.family("x", Kind::counter);
      expected += "# TYPE x_total counter\n";
      for (std::size_t length = 1; length < 200; ++length) {
        const std::string value(length, 'v');
        shown.counter(length, {{"k", value}});
        expected += "x_total{k=\"" + value + "\"} " + std::to_string(length) + "\n";
      }
    }
    EXPECT_EQ(out.view(), expected);
  }
}

// P-11. Mutation seen red: std::to_chars replaced by snprintf.
TEST(PrometheusText, numbers_do_not_depend_on_the_locale) {
  const CommaLocale locale;
  ASSERT_TRUE(locale.installed()) << "/usr/lib/locale/C.utf8/LC_NUMERIC could not be made into a locale with a comma";
  char printed[16];
  std::snprintf(printed, sizeof printed, "%.1f", 1.5);
  ASSERT_STREQ(printed, "1,5") << "the locale is not what this test needs";

  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};
  ft::ShownCollection{encoder}
      .family("x", Kind::gauge)
      .float_gauge(1234567.5)
      .family("y", Kind::histogram)
      .histogram({0.5}, {1234567, 1}, 0.25);
  EXPECT_EQ(out.view(),
            "# TYPE x gauge\nx 1234567.5\n"
            "# TYPE y histogram\ny_bucket{le=\"0.5\"} 1234567\ny_bucket{le=\"+Inf\"} 1234568\ny_sum 0.25\n"
            "y_count 1234568\n");
}

TEST(PrometheusTextDeathTest, a_delta_collection_is_refused_in_debug_builds) {
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};
  EXPECT_DEBUG_DEATH(encoder.begin({.time_unix_ns = 0, .since_unix_ns = 0, .temporality = ft::Temporality::delta}),
                     "use a cumulative reader");
}

}  // namespace prometheus_text_test
