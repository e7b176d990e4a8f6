// SPDX-License-Identifier: Apache-2.0
#include "retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::int64_t longest = std::int64_t{365} * 24 * 3600;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Reads a date from its beginning; what does not fit makes it bad for good.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_{text} {}

  void skip(std::string_view expected) noexcept {
    is_good_ = is_good_ && rest_.substr(0, expected.size()) == expected;
    if (is_good_) rest_.remove_prefix(expected.size());
  }

  [[nodiscard]] int number(std::size_t digits) noexcept {
    is_good_ = is_good_ && rest_.size() >= digits && std::all_of(rest_.begin(), rest_.begin() + digits, is_digit);
    if (!is_good_) return 0;
    int value = 0;
    std::from_chars(rest_.data(), rest_.data() + digits, value);
    rest_.remove_prefix(digits);
    return value;
  }

  /// asctime's day of the month has a blank for a leading zero.
  [[nodiscard]] int day_after_blank() noexcept {
    if (rest_.substr(0, 1) != " ") return number(2);
    skip(" ");
    return number(1);
  }

  [[nodiscard]] unsigned month() noexcept {
    constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const std::size_t at = rest_.size() < 3 ? std::string_view::npos : names.find(rest_.substr(0, 3));
    is_good_ = is_good_ && at != std::string_view::npos && at % 3 == 0;
    if (!is_good_) return 1;
    rest_.remove_prefix(3);
    return static_cast<unsigned>(at / 3) + 1;
  }

  [[nodiscard]] bool is_at_end() const noexcept { return is_good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

struct Date {
  int year = 0;
  unsigned month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::optional<std::int64_t> unix_seconds(const Date& date) noexcept {
  const std::chrono::year_month_day day{std::chrono::year{date.year}, std::chrono::month{date.month},
                                        std::chrono::day{static_cast<unsigned>(date.day)}};
  if (!day.ok() || date.hour > 23 || date.minute > 59 || date.second > 60) return {};  // 60: a leap second
  const std::int64_t days = std::chrono::sys_days{day}.time_since_epoch().count();
  return ((days * 24 + date.hour) * 60 + date.minute) * 60 + date.second;
}

void read_time(DateReader& reader, Date& date) noexcept {
  date.hour = reader.number(2);
  reader.skip(":");
  date.minute = reader.number(2);
  reader.skip(":");
  date.second = reader.number(2);
}

/// "Sun, 06 Nov 1994 08:49:37 GMT" behind the comma; with '-' and two digits of a year: "Sunday, 06-Nov-94 08:49:37
/// GMT".
std::optional<std::int64_t> day_first(std::string_view text, std::string_view separator, int this_year) noexcept {
  DateReader reader{text};
  Date date;
  reader.skip(" ");
  date.day = reader.number(2);
  reader.skip(separator);
  date.month = reader.month();
  reader.skip(separator);
  if (separator == " ") {
    date.year = reader.number(4);
  } else {  // one that seems to be more than 50 years ahead is of the century before
    date.year = this_year / 100 * 100 + reader.number(2);
    if (date.year > this_year + 50) date.year -= 100;
  }
  reader.skip(" ");
  read_time(reader, date);
  reader.skip(" GMT");
  return reader.is_at_end() ? unix_seconds(date) : std::nullopt;
}

/// "Sun Nov  6 08:49:37 1994" behind the name of the day.
std::optional<std::int64_t> asctime_date(std::string_view text) noexcept {
  DateReader reader{text};
  Date date;
  reader.skip(" ");
  date.month = reader.month();
  reader.skip(" ");
  date.day = reader.day_after_blank();
  reader.skip(" ");
  read_time(reader, date);
  reader.skip(" ");
  date.year = reader.number(4);
  return reader.is_at_end() ? unix_seconds(date) : std::nullopt;
}

std::optional<std::int64_t> parse_date(std::string_view value, int this_year) noexcept {
  constexpr std::array<std::string_view, 7> days{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                 "Friday", "Saturday", "Sunday"};
  for (const std::string_view day : days) {
    if (value.substr(0, 3) != day.substr(0, 3)) continue;
    if (value.substr(0, day.size()) == day && value.substr(day.size(), 1) == ",") {
      return day_first(value.substr(day.size() + 1), "-", this_year);
    }
    if (value.substr(3, 1) == ",") return day_first(value.substr(4), " ", this_year);
    return asctime_date(value.substr(3));
  }
  return {};
}

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::chrono::seconds unix_now) noexcept {
  if (value.empty()) return {};
  if (std::all_of(value.begin(), value.end(), is_digit)) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    return std::chrono::seconds{error == std::errc{} ? std::min(seconds, longest) : longest};
  }
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{unix_now})};
  const std::optional<std::int64_t> date = parse_date(value, static_cast<int>(today.year()));
  if (!date) return {};
  return std::chrono::seconds{std::min(*date - unix_now.count(), longest)};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
