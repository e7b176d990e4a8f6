// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/label.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "fast_telemetry/visitor.h"

namespace ft = fast_telemetry;
using ft::detail::label_count;
using ft::detail::labels_of;

namespace label_test {

// Written as a switch, with one value spelled unlike its enumerator.
enum class Method : std::uint8_t { get, post, put, remove };

constexpr ft::Label label(Method method) {
  switch (method) {
    case Method::get: return {"method", "get"};
    case Method::post: return {"method", "post"};
    case Method::put: return {"method", "put"};
    case Method::remove: return {"method", "delete"};
  }
  return {};
}

// Written as one line.
enum class Phase : std::uint8_t { parse, execute2, reply_to_peer, _hidden };
constexpr ft::Label label(Phase phase) { return ft::from_enumerator("phase", phase); }

enum class Signed : std::int8_t { low, high };
constexpr ft::Label label(Signed level) { return ft::from_enumerator("level", level); }

enum Unscoped : std::uint8_t { unscoped_first, unscoped_second };
constexpr ft::Label label(Unscoped value) { return ft::from_enumerator("unscoped", value); }

enum class One : std::uint8_t { only };
constexpr ft::Label label(One value) { return ft::from_enumerator("one", value); }

struct Holder {
  enum class Inner : std::uint8_t { left, right };
  friend constexpr ft::Label label(Inner value) { return ft::from_enumerator("inner", value); }
};

// Written by hand: all 256 values are labels, so no byte is invalid.
enum class Byte : std::uint8_t {};
constexpr char digits[] = "0123456789abcdef";
constexpr auto byte_texts = [] {
  std::array<std::array<char, 2>, 256> texts{};
  for (unsigned i = 0; i < 256; ++i) texts[i] = {digits[i / 16], digits[i % 16]};
  return texts;
}();
constexpr ft::Label label(Byte byte) { return {"byte", {byte_texts[static_cast<unsigned char>(byte)].data(), 2}}; }

// LAB-1: number of labels, key, value of each index. What is no label is no error at run time (labeled_test.cc).
TEST(LabelCount, is_the_number_of_enumerators) {
  static_assert(label_count<Method>() == 4);
  static_assert(label_count<Phase>() == 4);
  static_assert(label_count<Signed>() == 2);
  static_assert(label_count<Unscoped>() == 2);
  static_assert(label_count<One>() == 1);
  static_assert(label_count<Holder::Inner>() == 2);
  static_assert(label_count<Byte>() == 256);
}

std::string value_of(const ft::Label& label) { return std::string{ft::view(label.value)}; }
std::string key_of(const ft::Label& label) { return std::string{ft::view(label.key)}; }

TEST(FromEnumerator, gives_the_enumerators_own_name) {
  EXPECT_EQ(value_of(label(Phase::parse)), "parse");
  EXPECT_EQ(value_of(label(Phase::execute2)), "execute2");
  EXPECT_EQ(value_of(label(Phase::reply_to_peer)), "reply_to_peer");
  EXPECT_EQ(value_of(label(Phase::_hidden)), "_hidden");
  EXPECT_EQ(value_of(label(Signed::high)), "high");
  EXPECT_EQ(value_of(label(unscoped_second)), "unscoped_second");
  EXPECT_EQ(value_of(label(Holder::Inner::right)), "right");
  EXPECT_EQ(key_of(label(Phase::parse)), "phase");
}

TEST(FromEnumerator, gives_nothing_for_a_value_without_a_name) {
  for (const int value : {4, 63, 64, 100, 255}) {
    const ft::Label found = label(static_cast<Phase>(value));
    EXPECT_TRUE(found.value.empty()) << value;
    EXPECT_TRUE(found.key.empty()) << value;
  }
  EXPECT_TRUE(label(static_cast<Signed>(-1)).value.empty());
}

TEST(LabelsOf, holds_the_labels_in_the_order_of_the_enumerators) {
  const auto& methods = labels_of<Method>.labels;
  ASSERT_EQ(std::size(methods), 4u);
  const char* const values[] = {"get", "post", "put", "delete"};  // a switch may spell a value as it likes
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(key_of(methods[i]), "method");
    EXPECT_EQ(value_of(methods[i]), values[i]);
  }
  EXPECT_EQ(value_of(labels_of<Byte>.labels[0xa5]), "a5");
}

// from_enumerator tries 64 values.
// clang-format off
enum class SixtyFour : std::uint8_t {
  e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12, e13, e14, e15,
  e16, e17, e18, e19, e20, e21, e22, e23, e24, e25, e26, e27, e28, e29, e30, e31,
  e32, e33, e34, e35, e36, e37, e38, e39, e40, e41, e42, e43, e44, e45, e46, e47,
  e48, e49, e50, e51, e52, e53, e54, e55, e56, e57, e58, e59, e60, e61, e62, e63,
};
// clang-format on
constexpr ft::Label label(SixtyFour value) { return ft::from_enumerator("n", value); }
static_assert(label_count<SixtyFour>() == 64);
static_assert(labels_of<SixtyFour>.labels[63].value == ft::Text{"e63"});

// ── enums that are refused ─────────────────────────────────────────────────────────────────────────────────────────

enum class Gap : std::uint8_t { zero, two = 2 };
constexpr ft::Label label(Gap value) { return ft::from_enumerator("gap", value); }
static_assert(label_count<Gap>() == 0);

enum class NotFromZero : std::uint8_t { one = 1, two };
constexpr ft::Label label(NotFromZero value) { return ft::from_enumerator("n", value); }
static_assert(label_count<NotFromZero>() == 0);

enum class Forgotten : std::uint8_t { first, forgotten, last };
constexpr ft::Label label(Forgotten value) {
  switch (value) {
    case Forgotten::first: return {"f", "first"};
    case Forgotten::forgotten: return {};
    case Forgotten::last: return {"f", "last"};
  }
  return {};
}
static_assert(label_count<Forgotten>() == 0);

enum class TwoKeys : std::uint8_t { first, second };
constexpr ft::Label label(TwoKeys value) {
  switch (value) {
    case TwoKeys::first: return {"a", "first"};
    case TwoKeys::second: return {"b", "second"};
  }
  return {};
}
static_assert(label_count<TwoKeys>() == 0);

enum class NoKey : std::uint8_t { first };
constexpr ft::Label label(NoKey) { return {"", "first"}; }
static_assert(label_count<NoKey>() == 0);

enum class NoLabels : std::uint8_t { first };
constexpr ft::Label label(NoLabels) { return {}; }
static_assert(label_count<NoLabels>() == 0);

// The same far past the last enumerator: every one of the 256 values is tried.
enum class FarAway : std::uint8_t { first, far = 255 };
constexpr ft::Label label(FarAway value) {
  switch (value) {
    case FarAway::first: return {"far", "first"};
    case FarAway::far: return {"far", "far"};
  }
  return {};
}
static_assert(label_count<FarAway>() == 0);

// ── enumerators that were forgotten at the end ─────────────────────────────────────────────────────────────────────

enum class LastForgotten : std::uint8_t { get, set, del };
constexpr ft::Label label(LastForgotten value) {
  switch (value) {
    case LastForgotten::get: return {"f", "get"};
    case LastForgotten::set: return {"f", "set"};
    case LastForgotten::del: return {};
  }
  return {};
}

// Seen at the edges of what is looked at, and named so that its text ends like a number's.
enum class SixteenthForgotten : std::uint8_t { first, n16 = 16 };
constexpr ft::Label label(SixteenthForgotten value) { return {"f", value == SixteenthForgotten::first ? "first" : ""}; }
enum class LowOfHighForgotten : std::uint8_t { first, n240 = 240 };
constexpr ft::Label label(LowOfHighForgotten value) { return ft::from_enumerator("f", value); }

enum class NegativeForgotten : std::int8_t { first, none = -1 };
constexpr ft::Label label(NegativeForgotten value) { return ft::from_enumerator("f", value); }

enum ForgottenUnscoped : std::uint8_t { forgotten_first, forgotten_count };
constexpr ft::Label label(ForgottenUnscoped value) { return {"f", value == forgotten_first ? "first" : ""}; }

struct ForgottenHolder {
  enum class Inner : std::uint8_t { left, right };
  friend constexpr ft::Label label(Inner value) { return {"f", value == Inner::left ? "left" : ""}; }
};

static_assert(!ft::LabelEnum<LastForgotten> && !ft::LabelEnum<SixteenthForgotten> &&
              !ft::LabelEnum<LowOfHighForgotten>);
static_assert(!ft::LabelEnum<NegativeForgotten> && !ft::LabelEnum<ForgottenUnscoped>);
static_assert(!ft::LabelEnum<ForgottenHolder::Inner>);

// As many labels as leave less than sixteen values behind them.
enum class NearlyAll : std::uint8_t {};
constexpr ft::Label label(NearlyAll value) {
  return static_cast<unsigned char>(value) < 250 ? ft::Label{"n", label(static_cast<Byte>(value)).value} : ft::Label{};
}
static_assert(ft::LabelEnum<NearlyAll>);

enum class Flag : bool { no, yes };
[[maybe_unused]] constexpr ft::Label label(Flag flag) { return {"flag", flag == Flag::yes ? "yes" : "no"}; }
static_assert(!ft::LabelEnum<Flag>, "every byte but 0 is its second enumerator");

// ── what is no label enum at all ───────────────────────────────────────────────────────────────────────────────────

enum class Wide { first };
[[maybe_unused]] constexpr ft::Label label(Wide value) { return {"wide", value == Wide::first ? "first" : ""}; }

enum class Unlabelled : std::uint8_t { first };

enum class WrongResult : std::uint8_t { first };
[[maybe_unused]] constexpr int label(WrongResult) { return 0; }

static_assert(ft::LabelEnum<Method> && ft::LabelEnum<Phase> && ft::LabelEnum<Signed> && ft::LabelEnum<Unscoped>);
static_assert(ft::LabelEnum<One> && ft::LabelEnum<Holder::Inner> && ft::LabelEnum<Byte> && ft::LabelEnum<SixtyFour>);
static_assert(!ft::LabelEnum<Gap> && !ft::LabelEnum<NotFromZero> && !ft::LabelEnum<Forgotten> &&
              !ft::LabelEnum<TwoKeys>);
static_assert(!ft::LabelEnum<NoKey> && !ft::LabelEnum<NoLabels> && !ft::LabelEnum<FarAway>);
static_assert(!ft::LabelEnum<Wide>, "an enum wider than a byte can index past the cells");
static_assert(!ft::LabelEnum<Unlabelled> && !ft::LabelEnum<WrongResult> && !ft::LabelEnum<int> && !ft::LabelEnum<char>);

}  // namespace label_test
