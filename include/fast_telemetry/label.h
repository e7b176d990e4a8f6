// SPDX-License-Identifier: Apache-2.0
//
// Labels, and enums as labels: one function `label(E)` per enum. For code that declares metrics.
#pragma once

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// One label: a key and a value. Keys are `[a-zA-Z][a-zA-Z0-9_]*` and neither `le` nor `quantile`; registration throws
/// otherwise. (An underscore first is Prometheus's and OpenMetrics's own.) Values are any text: each format escapes it.
/// An empty value means that the label is absent.
struct Label {
  Text key;
  Text value;
};

namespace detail {

// The enumerator's own name as the compiler spells it, or empty for a value that has none.
template <auto value>
consteval Text enumerator_name() {
  const Text pretty{__PRETTY_FUNCTION__};
  // Both compilers end with "value = ns::Enum::name]" (GCC may add "; ..." for aliases, not here), and write a value
  // without a name as "(ns::Enum)7".
  std::size_t end = pretty.size() - 1;
  std::size_t begin = end;
  while (begin > 0) {
    const char c = pretty.data()[begin - 1];
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!word) break;
    --begin;
  }
  const bool named =
      begin < end && pretty.data()[begin - 1] != ')' && !(pretty.data()[begin] >= '0' && pretty.data()[begin] <= '9');
  return named ? Text{pretty.data() + begin, end - begin} : Text{};
}

// Enumerators 0 … 63 are tried, and 64 to notice that there are more: each costs the compiler about half a millisecond.
template <class E>
struct EnumeratorNames {
  Text text[65];

  template <unsigned... values>
  static consteval EnumeratorNames make() {
    return {{enumerator_name<static_cast<E>(values)>()...}};
  }
};

template <class E>
consteval EnumeratorNames<E> enumerator_names() {
  return EnumeratorNames<E>::template make<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                           22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
                                           41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
                                           60, 61, 62, 63, 64>();
}

template <class E>
inline constexpr EnumeratorNames<E> names_of = enumerator_names<E>();

// Whether any of the values has a name. One instantiation for all of them: 2.5 ms for 32 values with GCC 12, 7 with
// Clang 14.
template <auto... values>
consteval bool any_is_enumerator() {
  // Ends with "…(ns::E)7, (ns::E)8}]" where none has one (Clang: ">]"): a type in parentheses, and a number.
  const char* const pretty = __PRETTY_FUNCTION__;
  std::size_t end = sizeof(__PRETTY_FUNCTION__) - sizeof("}]");
  std::size_t type = 0;  // its length, parentheses included
  for (std::size_t i = 0; i < sizeof...(values); ++i) {
    while (pretty[end - 1] == '-' || (pretty[end - 1] >= '0' && pretty[end - 1] <= '9')) --end;
    if (pretty[end - 1] != ')') return true;
    if (type == 0) {
      int depth = 0;  // "((anonymous namespace)::E)"
      do {
        ++type;
        depth += (pretty[end - type] == ')') - (pretty[end - type] == '(');
      } while (depth != 0);
    }
    end -= type + (sizeof(", ") - 1);
  }
  return false;
}

}  // namespace detail

/// The label whose value is the enumerator's own name:
/// `constexpr ft::Label label(Phase p) { return ft::from_enumerator("phase", p); }`.
///
/// For enums whose identifiers nobody outside reads: renaming an enumerator renames the exported value. Where the
/// strings are a contract with dashboards, write a `switch`. Works for enumerators 0 … 63; an enum with more is
/// refused.
template <class E>
constexpr Label from_enumerator(const char* key, E value) noexcept {
  static_assert(detail::names_of<E>.text[64].empty(),
                "from_enumerator knows 64 enumerators; write label(E) as a switch");
  const auto index = static_cast<unsigned char>(value);
  if (index >= 64 || detail::names_of<E>.text[index].empty()) return {};
  return {key, detail::names_of<E>.text[index]};
}

namespace detail {

template <class E>
concept HasLabel = requires(E e) { Label{label(e)}; };

// Every byte but 0 is the one enumerator of an enum of bool: which of them is a label cannot be told.
template <class E>
consteval bool is_enum_of_bool() {
  if constexpr (__is_enum(E)) return __is_same(__underlying_type(E), bool);
  return false;
}

template <class E>
inline constexpr bool is_byte_enum = __is_enum(E) && sizeof(E) == 1 && !is_enum_of_bool<E>();

/// How many labels an enum has; 0 if its labelled values are not exactly 0, 1, 2, … with one key.
///
/// All 256 values are tried. That is why label enums have an 8-bit underlying type: what is not found here does not
/// exist, so an enumerator can never index past the cells.
template <class E>
consteval std::size_t label_count() {
  std::size_t count = 0;
  for (unsigned value = 0; value < 256; ++value) {
    const Label found = label(static_cast<E>(value));
    if (found.value.empty()) continue;
    if (value != count || found.key.empty() || !(found.key == label(static_cast<E>(0)).key)) return 0;
    ++count;
  }
  return count;
}

// Looks at the sixteen values after the labelled ones, where a forgotten enumerator stands, and at the sixteen highest,
// where `unknown = 255` or `none = -1` does.
template <class E, unsigned count, unsigned... i>
consteval bool any_unlabelled() {
  constexpr auto at = [](unsigned value) { return static_cast<E>(value); };
  return any_is_enumerator<at(count + i < 255 ? count + i : 255)..., at(count > 240 + i ? count : 240 + i)...>();
}

/// Whether an enumerator has no label. Only what stands near the labelled values or near the end of the byte is looked
/// at: each name costs compile time.
template <class E>
consteval bool forgets_an_enumerator() {
  constexpr std::size_t count = label_count<E>();
  if constexpr (count == 0 || count == 256) return false;
  return any_unlabelled<E, count % 256, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>();
}

template <class E, std::size_t count>
struct LabelTable {
  Label labels[count];
};

template <class E>
consteval auto label_table() {
  constexpr std::size_t count = label_count<E>();  // once: Clang allows one evaluation a million steps
  LabelTable<E, count> table{};
  for (std::size_t i = 0; i < count; ++i) table.labels[i] = label(static_cast<E>(i));
  return table;
}

template <class E>
inline constexpr auto labels_of = label_table<E>();

}  // namespace detail

/// An enum that can label a metric: 8-bit underlying type, and a `constexpr ft::Label label(E)` in its own namespace
/// that returns `{"key", "value"}` for the enumerators 0, 1, 2, … without a gap and `{}` for anything else. An
/// enumerator without a label is refused when it is among the sixteen values after the labelled ones or the sixteen
/// highest.
template <class E>
concept LabelEnum = detail::is_byte_enum<E> && detail::HasLabel<E> && (detail::label_count<E>() > 0) &&
                    !detail::forgets_an_enumerator<E>();

FAST_TELEMETRY_END_NAMESPACE
