// SPDX-License-Identifier: Apache-2.0
#include "src/export/retry_after.h"

#include <gtest/gtest.h>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace retry_after_test {

constexpr std::chrono::seconds now{1'792'567'678};  // Wed, 21 Oct 2026 07:27:58 GMT, as `date -u -d` says it
constexpr std::chrono::seconds year = 24h * 365;

struct Case {
  const char* what;
  std::string_view value;
  std::optional<std::chrono::seconds> expected;
};

class RetryAfter : public testing::TestWithParam<Case> {};

TEST_P(RetryAfter, is_read) { EXPECT_EQ(ft::detail::parse_retry_after(GetParam().value, now), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    rfc_9110, RetryAfter,
    testing::Values(Case{"seconds", "2", 2s}, Case{"no_seconds", "0", 0s}, Case{"more_than_a_year", "31536001", year},
                    Case{"more_than_64_bits", "99999999999999999999", year},
                    Case{"imf_fixdate", "Wed, 21 Oct 2026 07:28:00 GMT", 2s},
                    Case{"imf_fixdate_past", "Wed, 21 Oct 2026 07:27:00 GMT", -58s},
                    Case{"imf_fixdate_of_the_next_month", "Sun, 01 Nov 2026 00:00:00 GMT", 923'522s},
                    Case{"imf_fixdate_far_away", "Wed, 21 Oct 2099 07:28:00 GMT", year},
                    Case{"leap_day", "Tue, 29 Feb 2028 00:00:00 GMT", year},
                    Case{"rfc_850", "Wednesday, 21-Oct-26 07:28:00 GMT", 2s},
                    Case{"rfc_850_of_the_last_century", "Sunday, 06-Nov-94 08:49:37 GMT", 784'111'777s - now},
                    Case{"asctime", "Wed Oct 21 07:28:00 2026", 2s},
                    Case{"asctime_with_one_digit", "Sun Nov  1 00:00:00 2026", 923'522s}),
    [](const auto& test) { return test.param.what; });

INSTANTIATE_TEST_SUITE_P(garbage, RetryAfter,
                         testing::Values(Case{"empty", "", {}}, Case{"negative", "-1", {}}, Case{"fraction", "1.5", {}},
                                         Case{"with_unit", "2s", {}}, Case{"word", "soon", {}},
                                         Case{"day_only", "Wed", {}},
                                         Case{"other_zone", "Wed, 21 Oct 2026 07:28:00 CET", {}},
                                         Case{"more_behind", "Wed, 21 Oct 2026 07:28:00 GMT.", {}},
                                         Case{"no_such_day", "Wed, 31 Feb 2026 07:28:00 GMT", {}},
                                         Case{"no_such_month", "Wed, 21 ctN 2026 07:28:00 GMT", {}},
                                         Case{"no_such_hour", "Wed, 21 Oct 2026 24:28:00 GMT", {}},
                                         Case{"no_such_minute", "Wed, 21 Oct 2026 07:60:00 GMT", {}},
                                         Case{"no_such_second", "Wed, 21 Oct 2026 07:28:61 GMT", {}},
                                         Case{"cut", "Wed, 21 Oct 2026 07:28", {}},
                                         Case{"short_year", "Wed, 21 Oct 26 07:28:00 GMT", {}}),
                         [](const auto& test) { return test.param.what; });

}  // namespace retry_after_test
