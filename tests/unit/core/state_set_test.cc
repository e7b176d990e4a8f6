// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/state_set.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <stdexcept>
#include <string>

#include "fast_telemetry/testing/recording_visitor.h"

namespace state_set_test {

namespace ft = fast_telemetry;

enum class Breaker : std::uint8_t { closed, open, half_open };
constexpr ft::Label label(Breaker state) { return ft::from_enumerator("state", state); }

enum class Upstream : std::uint8_t { a, b };
constexpr ft::Label label(Upstream upstream) { return ft::from_enumerator("upstream", upstream); }

enum class Twins : std::uint8_t { one, other };
constexpr ft::Label label(Twins twin) {
  switch (twin) {
    case Twins::one: return {"twin", "same\xff"};
    case Twins::other: return {"twin", "same\xfe"};
  }
  return {};
}

using States = ft::RecordedStates;

// Mutations seen red: Cells::state_set as Kind::gauge; the enabled state off by one; ReaderState::states not assigned
// anew, so that two states are on.
TEST(StateSet, is_in_one_of_its_states) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::StateSet<Breaker> breaker{registry, {.name = "breaker"}};
  EXPECT_EQ(breaker.get(), Breaker::closed);
  EXPECT_EQ(ft::RecordingVisitor{reader}.states("breaker"),
            (States{{"closed", true}, {"open", false}, {"half_open", false}}));
  breaker.set(Breaker::half_open);
  EXPECT_EQ(breaker.get(), Breaker::half_open);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.family("breaker").kind, ft::Kind::state_set);
  EXPECT_EQ(seen.states("breaker"), (States{{"closed", false}, {"open", false}, {"half_open", true}}));
}

// Mutation seen red: `on % states.size()` in visit_state_sets.
TEST(StateSet, is_in_no_state_after_a_value_that_is_none) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::StateSet<Breaker> breaker{registry, {.name = "breaker"}};
  breaker.set(static_cast<Breaker>(200));
  EXPECT_EQ(ft::RecordingVisitor{reader}.states("breaker"),
            (States{{"closed", false}, {"open", false}, {"half_open", false}}));
}

// Mutation seen red: point() without its index.
TEST(LabeledStateSet, has_a_state_per_point) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Labeled<ft::StateSet<Breaker>, Upstream> breakers{registry, {.name = "breaker"}};
  breakers.with(Upstream::b).set(Breaker::open);
  EXPECT_EQ(breakers.with(Upstream::a).get(), Breaker::closed);
  EXPECT_EQ(breakers.with(Upstream::b).get(), Breaker::open);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.point_count("breaker"), 2u);
  EXPECT_EQ(seen.states("breaker", {{"upstream", "a"}}),
            (States{{"closed", true}, {"open", false}, {"half_open", false}}));
  EXPECT_EQ(seen.states("breaker", {{"upstream", "b"}}),
            (States{{"closed", false}, {"open", true}, {"half_open", false}}));
}

TEST(StateSet, can_be_set_in_a_signal_handler) {
  static ft::StateSet<Breaker> breaker;
  const auto before = signal(SIGUSR1, [](int) { breaker.set(Breaker::open); });
  raise(SIGUSR1);
  signal(SIGUSR1, before);
  EXPECT_EQ(breaker.get(), Breaker::open);
}

// P-27, P-36: each would be an exposition that is not legal. Mutation seen red: no check of the unit.
// Mutations seen red: check_state_set without its loop over states, or comparing them as they are; without its loop
// over labels.
TEST(StateSet, refuses_what_no_format_can_show) {
  ft::Registry registry;
  EXPECT_THROW((ft::StateSet<Twins>{registry, {.name = "twins"}}), std::invalid_argument);
  EXPECT_THROW((ft::StateSet<Breaker>{registry, {.name = "breaker", .unit = ft::Unit::ratio}}), std::invalid_argument);
  EXPECT_THROW((ft::StateSet<Breaker>{{registry, "", {{"breaker", "x"}}}, {.name = "breaker"}}), std::invalid_argument);
  EXPECT_THROW((ft::Labeled<ft::StateSet<Breaker>, Upstream>{registry, {.name = "upstream"}}), std::invalid_argument);
  ft::StateSet<Breaker> legal{{registry, "a", {{"breaker", "x"}}}, {.name = "breaker"}};
}

// P-49. Mutation to try: Instrument::is_gauge without Cells::state_set.
TEST(StateSet, is_gone_when_it_is_destroyed) {
  ft::Registry registry;
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  {
    ft::StateSet<Breaker> breaker{registry, {.name = "breaker"}};
    breaker.set(Breaker::open);
  }
  EXPECT_FALSE(ft::RecordingVisitor{reader}.has("breaker"));
}

}  // namespace state_set_test
