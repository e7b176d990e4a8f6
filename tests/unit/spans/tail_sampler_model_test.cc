// SPDX-License-Identifier: Apache-2.0
//
// TailSampler against a plain model of itself, in random programs; and its memory, when much more comes than it may
// hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <latch>
#include <map>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/spans/tail_sampler.h"
#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/sink_with_room.h"

namespace ft = fast_telemetry;

namespace tail_sampler_model_test {

std::string text(const ft::SpanId& id) { return std::string{id.hex().chars, 16}; }
std::string text(const ft::TraceId& id) { return std::string{id.hex().chars, 32}; }

/// What a TailSampler promises, with containers and without limits of bytes.
class Model {
 public:
  struct Span {
    std::string id;
    std::string trace;
    bool is_root;
    bool has_error;
    std::int64_t duration_ns;
    bool is_chosen;  ///< its trace, by the ratio
  };

  explicit Model(const ft::TailSamplerOptions& options) : options_{options} {}

  bool take(const Span& span, std::int64_t now) {
    while (true) {
      if (!pass_on()) return false;
      const auto found = traces_.find(span.trace);
      if (found != traces_.end() && found->second.is_decided) return take_late(found->second, span);
      if (found != traces_.end() || undecided() < options_.max_traces) break;
      decide(oldest());
      ++info.decided_early;
    }
    hold(span, now);
    return true;
  }

  bool decide_all(bool due_only, std::int64_t now) {
    while (pass_on()) {
      const std::string next = due_only ? due(now) : oldest();
      if (next.empty()) return true;
      decide(next);
    }
    return false;
  }

  ft::TailSamplerInfo info{};
  std::vector<std::string> kept;
  std::size_t room = 0;

 private:
  struct Trace {
    std::int64_t since_ns = 0;
    std::uint64_t number = 0;  ///< tells which is older
    std::int64_t longest_ns = 0;
    bool has_root = false;
    bool has_error = false;
    bool is_slow = false;
    bool is_chosen = false;
    bool is_decided = false;
    bool is_kept = false;
    std::deque<std::string> spans;
    std::size_t count = 0;
  };

  [[nodiscard]] std::size_t undecided() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(traces_, [](const auto& each) { return !each.second.is_decided; }));
  }

  template <class Where>
  [[nodiscard]] std::string first(Where where) const {
    std::string best;
    for (const auto& [id, trace] : traces_) {
      if (where(trace) && (best.empty() || trace.number < traces_.at(best).number)) best = id;
    }
    return best;
  }
  [[nodiscard]] std::string oldest() const {
    const std::string ended = first([](const Trace& trace) { return !trace.is_decided && trace.has_root; });
    return !ended.empty() ? ended : first([](const Trace& trace) { return !trace.is_decided; });
  }
  [[nodiscard]] std::string due(std::int64_t now) const {
    const std::string ended = first([&](const Trace& trace) {
      return !trace.is_decided && trace.has_root && now - trace.since_ns >= options_.wait_after_root_ns;
    });
    if (!ended.empty()) return ended;
    return first([&](const Trace& trace) {
      return !trace.is_decided && !trace.has_root && now - trace.since_ns >= options_.longest_wait_ns;
    });
  }

  void hold(const Span& span, std::int64_t now) {
    Trace& trace = traces_[span.trace];
    if (trace.number == 0) {
      trace.number = ++number_;
      trace.since_ns = now;
      trace.is_chosen = span.is_chosen;
    }
    ++info.received;
    trace.has_error |= span.has_error;
    trace.is_slow |= span.is_root && span.duration_ns > options_.slower_than_ns;
    trace.longest_ns = std::max(trace.longest_ns, span.duration_ns);
    const bool is_first_root = span.is_root && !trace.has_root;
    if (is_first_root) {
      trace.has_root = true;
      trace.number = ++number_;
      trace.since_ns = now;
    }
    if (!is_first_root && trace.count >= options_.max_spans_per_trace) {
      ++info.dropped_trace_limit;
      return;
    }
    ++trace.count;
    trace.spans.push_back(span.id);
    ++info.held;
  }

  bool take_late(Trace& trace, const Span& span) {
    const bool is_wanted =
        trace.is_kept || span.has_error || (span.is_root && span.duration_ns > options_.slower_than_ns);
    if (is_wanted && room == 0) return false;
    ++info.received;
    ++info.late_spans;
    if (!is_wanted) {
      ++info.dropped_sampled_out;
      return true;
    }
    if (!trace.is_kept) ++info.revised;
    trace.is_kept = true;
    give(span.id);
    return true;
  }

  void decide(const std::string& id) {
    Trace& trace = traces_[id];
    if (!trace.has_root) {
      ++info.decided_rootless;
      trace.is_slow |= trace.longest_ns > options_.slower_than_ns;
    }
    trace.is_kept = trace.has_error || trace.is_slow || trace.is_chosen;
    ++(trace.has_error   ? info.traces_error
       : trace.is_slow   ? info.traces_slow
       : trace.is_chosen ? info.traces_ratio
                         : info.traces_sampled_out);
    trace.is_decided = true;
    decided_.push_back(id);
    if (decided_.size() > options_.max_decisions) {
      traces_.erase(decided_.front());
      decided_.pop_front();
    }
    if (trace.is_kept) {
      passing_ = id;
      return;
    }
    info.dropped_sampled_out += trace.spans.size();
    info.held -= trace.spans.size();
    trace.spans.clear();
  }

  bool pass_on() {
    if (passing_.empty()) return true;
    std::deque<std::string>& spans = traces_[passing_].spans;
    for (; !spans.empty(); spans.pop_front()) {
      if (room == 0) return false;
      give(spans.front());
      --info.held;
    }
    passing_.clear();
    return true;
  }

  void give(const std::string& id) {
    --room;
    ++info.kept;
    kept.push_back(id);
  }

  ft::TailSamplerOptions options_;
  std::map<std::string, Trace> traces_;
  std::deque<std::string> decided_;
  std::string passing_;
  std::uint64_t number_ = 0;
};

/// A program of random steps, done to both.
class Program final : private ft::SpanSink {
 public:
  explicit Program(unsigned seed) : random_{seed} { next_.room = model_.room = 1000; }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      compare();
    }
    next_.room = model_.room = 1'000'000;
    drain();
    EXPECT_TRUE(tail_.flush());
    EXPECT_TRUE(model_.decide_all(false, 0));
    compare();
    EXPECT_EQ(tail_.info().held, 0U);
    EXPECT_EQ(tail_.info().held_bytes, 0U);
    EXPECT_TRUE(waiting_.empty());
  }

  [[nodiscard]] ft::TailSamplerInfo info() const { return tail_.info(); }

 private:
  unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>{0, n - 1}(random_); }

  void step() {
    const unsigned what = below(20);
    if (what < 12) {
      record();
    } else if (what < 15) {
      advance(static_cast<std::int64_t>(below(4)) * 1'000'000'000);
    } else if (what < 17) {
      drain();
    } else if (what < 19) {
      EXPECT_EQ(tail_.decide(), model_.decide_all(true, now_ns_));
    } else {
      next_.room = model_.room = below(3) == 0 ? 2 : 1000;
    }
  }

  void record() {
    const ft::TraceId trace = trace_id();
    const bool is_root = below(4) == 0;
    const ft::SpanContext parent{trace, ft::random_span_id(), ft::sampled_flag, is_root, {}};
    const auto duration = static_cast<std::int64_t>(below(12)) * 1'000'000;
    ft::Span span = tracer_.child(parent, "span", {.start_unix_ns = 1'000'000'000'000'000});
    const bool has_error = below(25) == 0;
    if (has_error) span.set_status(ft::SpanStatus::error);
    span.set_attribute("text", std::string(below(200), 'x'));
    span.end_at(1'000'000'000'000'000 + duration);
    const ft::Span head = head_.child(parent, "head");
    const std::string id = text(span.context().span_id);
    waiting_[id] = {id, text(trace), is_root, has_error, duration, head.is_recording()};
  }

  /// One of the last twelve traces, or a new one.
  ft::TraceId trace_id() {
    if (traces_.size() < 12 || below(6) == 0) traces_.push_back(ft::random_trace_id());
    if (traces_.size() > 12) traces_.pop_front();
    return traces_[below(static_cast<unsigned>(traces_.size()))];
  }

  void advance(std::int64_t ns) {
    now_ns_ += ns;
    clock_.advance(std::chrono::nanoseconds{ns});
  }

  void drain() {
    const bool is_complete = ft::drain_spans(*this).is_complete;
    EXPECT_EQ(is_complete, waiting_.empty());
  }

  /// Each to both, in the order of the drain. Leaves out what only asked the head sampler.
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    if (record.name() == "head") return ft::SinkAnswer::taken;
    const auto found = waiting_.find(text(record.span_id()));
    const ft::SinkAnswer answer = tail_.span(record);
    EXPECT_EQ(answer == ft::SinkAnswer::taken, model_.take(found->second, now_ns_));
    if (answer == ft::SinkAnswer::taken) waiting_.erase(found);
    return answer;
  }

  void compare() const {
    const ft::TailSamplerInfo ours = tail_.info();
    EXPECT_EQ(ours.received, ours.kept + ours.dropped() + ours.held);
    const ft::TailSamplerInfo& other = model_.info;
    EXPECT_EQ(ours.received, other.received);
    EXPECT_EQ(ours.kept, other.kept);
    EXPECT_EQ(ours.held, other.held);
    EXPECT_EQ(ours.dropped_sampled_out, other.dropped_sampled_out);
    EXPECT_EQ(ours.dropped_trace_limit, other.dropped_trace_limit);
    EXPECT_EQ(ours.traces_error, other.traces_error);
    EXPECT_EQ(ours.traces_slow, other.traces_slow);
    EXPECT_EQ(ours.traces_ratio, other.traces_ratio);
    EXPECT_EQ(ours.traces_sampled_out, other.traces_sampled_out);
    EXPECT_EQ(ours.decided_early, other.decided_early);
    EXPECT_EQ(ours.decided_rootless, other.decided_rootless);
    EXPECT_EQ(ours.late_spans, other.late_spans);
    EXPECT_EQ(ours.revised, other.revised);
    ASSERT_EQ(next_.spans.size(), model_.kept.size());
    if (!model_.kept.empty()) {
      EXPECT_EQ(text(next_.spans.back().span_id), model_.kept.back());
    }
  }

  static constexpr double ratio = 0.2;
  static constexpr ft::TailSamplerOptions options{.slower_than_ns = 10'000'000,
                                                  .ratio = ratio,
                                                  .wait_after_root_ns = 2'000'000'000,
                                                  .longest_wait_ns = 9'000'000'000,
                                                  .max_traces = 7,
                                                  .max_spans_per_trace = 5,
                                                  .max_decisions = 6};

  std::mt19937 random_;
  ft::VirtualClock clock_;
  std::int64_t now_ns_ = 0;
  ft::Tracer tracer_{"test"};
  ft::Tracer head_{"test", {.sampler = ft::Sampler::trace_id_ratio(ratio)}};
  ft::SinkWithRoom next_;
  ft::TailSampler tail_{options, next_};
  Model model_{options};
  std::deque<ft::TraceId> traces_;
  std::map<std::string, Model::Span> waiting_;  ///< in the buffer, by their ids
};

// Mutations: the table's gap is not closed up; a late span of a kept trace is counted before the sink has taken it; a
// decision that is forgotten is not the oldest.
TEST(TailSamplerModel, does_and_counts_what_a_plain_model_does) {
  ft::TailSamplerInfo sum{};
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    ft::forget_spans();
    Program program{seed};
    program.run(2000);
    const ft::TailSamplerInfo info = program.info();
    sum.dropped_trace_limit += info.dropped_trace_limit;
    sum.decided_early += info.decided_early;
    sum.decided_rootless += info.decided_rootless;
    sum.late_spans += info.late_spans;
    sum.revised += info.revised;
    sum.traces_ratio += info.traces_ratio;
    if (HasFailure()) return;
  }
  // That each way was gone.
  EXPECT_GT(sum.dropped_trace_limit, 50U);
  EXPECT_GT(sum.decided_early, 50U);
  EXPECT_GT(sum.decided_rootless, 50U);
  EXPECT_GT(sum.late_spans, 50U);
  EXPECT_GT(sum.revised, 50U);
  EXPECT_GT(sum.traces_ratio, 50U);
}

/// Whether a span is what `fill` made.
std::string content(std::uint64_t number) { return std::to_string(number) + std::string(number * 7919 % 9000, 'z'); }

// Mutations: gaps are closed without the chains (content); the limit is not looked at (bytes).
TEST(TailSamplerMemory, is_bounded_and_what_is_held_stays_whole_when_much_more_comes) {
  ft::forget_spans();
  constexpr std::size_t most = 3U << 20U;
  const ft::Tracer tracer{"test"};
  ft::SinkWithRoom next;
  ft::TailSampler tail{{.max_bytes = most}, next};
  std::mt19937 random{7};
  std::vector<ft::Span> roots;  // open for a while, in any order
  std::set<std::string> wanted;
  std::uint64_t number = 0;
  const auto end_one = [&] {
    const std::size_t i = random() % roots.size();
    if (random() % 8 == 0) {
      roots[i].set_status(ft::SpanStatus::error);
      wanted.insert(text(roots[i].context().trace_id));
    }
    std::swap(roots[i], roots.back());
    roots.pop_back();
  };
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < 20; ++i) {
      roots.push_back(tracer.root("root"));
      for (std::uint32_t spans = random() % 4; spans != 0; --spans) {
        ft::Span child = roots[random() % roots.size()].child("child");
        child.set_attribute("number", number);
        child.set_attribute("content", content(number));
        ++number;
      }
      if (roots.size() > 200) end_one();
    }
    ASSERT_TRUE(ft::drain_spans(tail).is_complete);
    if (round % 50 == 49) {
      ASSERT_TRUE(tail.flush());
    }
    const ft::TailSamplerInfo info = tail.info();
    ASSERT_EQ(info.received, info.kept + info.dropped() + info.held);
    ASSERT_LE(info.held_bytes, most);
  }
  while (!roots.empty()) end_one();
  ft::drain_spans(tail);
  ASSERT_TRUE(tail.flush());
  const ft::TailSamplerInfo info = tail.info();
  EXPECT_EQ(info.received, info.kept + info.dropped());
  EXPECT_EQ(info.held_bytes, 0U);
  EXPECT_GT(info.decided_early, 100U);
  EXPECT_GT(info.most_held_bytes, most / 8 * 7 - 65'536);
  EXPECT_EQ(info.kept, next.spans.size());

  std::set<std::string> ids;
  std::set<std::string> kept_roots;
  for (const ft::RecordedSpan& span : next.spans) {
    EXPECT_TRUE(ids.insert(text(span.span_id)).second);
    EXPECT_TRUE(wanted.contains(text(span.trace_id)));
    if (span.name == "root") {
      kept_roots.insert(text(span.trace_id));
      continue;
    }
    const std::uint64_t of = std::stoull(span.attributes.substr(std::string{"number="}.size()));
    EXPECT_EQ(span.attributes, "number=" + std::to_string(of) + " content=\"" + content(of) + '"');
  }
  EXPECT_EQ(kept_roots, wanted);  // also where the trace was decided before its root came
}

// Mutation: gaps are never closed.
TEST(TailSamplerMemory, of_traces_that_are_decided_is_used_again_beside_one_that_waits) {
  ft::forget_spans();
  ft::VirtualClock clock;
  const ft::Tracer tracer{"test"};
  ft::SinkWithRoom next;
  ft::TailSampler tail{{.max_bytes = 1U << 20U}, next};
  const ft::Span waiting = tracer.root("waiting");
  waiting.child("child").end();
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 20; ++i) tracer.root("root").set_attribute("content", std::string(10'000, 'x'));
    ASSERT_TRUE(ft::drain_spans(tail).is_complete);
    clock.advance(std::chrono::seconds{1});
    ASSERT_TRUE(tail.decide());
  }
  EXPECT_EQ(tail.info().decided_early, 0U);
  EXPECT_EQ(tail.info().held, 1U);
  ft::forget_spans();
}

// Mutation: late spans are judged one by one.
TEST(TailSamplerThreads, keeps_traces_whole_while_others_record_and_read_the_accounting) {
  ft::forget_spans();
  const ft::Tracer tracer{"test"};
  ft::SinkWithRoom next;
  ft::TailSampler tail{{.ratio = 0.5, .wait_after_root_ns = 0}, next};
  constexpr int traces = 1000;
  std::latch halfway{2};
  std::latch are_decided{1};  // so that some spans are late
  const auto record = [&] {
    std::deque<ft::Span> late;  // end some time after their roots
    for (int i = 0; i < traces; ++i) {
      const ft::Span root = tracer.root("root");
      root.child("first").end();
      late.push_back(root.child("late"));
      if (late.size() > 100) late.pop_front();
      if (i != traces / 2) continue;
      halfway.count_down();
      are_decided.wait();
    }
  };
  const std::jthread first{record};
  const std::jthread second{record};
  const std::jthread reader{[&](const std::stop_token& stop) {
    while (!stop.stop_requested()) EXPECT_LE(tail.info().held_traces, 2U * traces);
  }};
  halfway.wait();
  EXPECT_TRUE(ft::drain_spans(tail).is_complete);
  EXPECT_TRUE(tail.decide());
  are_decided.count_down();
  while (tail.info().received != 2U * 3 * traces) {
    ASSERT_TRUE(ft::drain_spans(tail).is_complete);
    ASSERT_TRUE(tail.decide());
  }
  ASSERT_TRUE(tail.flush());
  const ft::TailSamplerInfo info = tail.info();
  EXPECT_EQ(info.received, info.kept + info.dropped());
  EXPECT_GT(info.late_spans, 0U);
  std::map<std::string, int> spans;
  for (const ft::RecordedSpan& span : next.spans) ++spans[text(span.trace_id)];
  EXPECT_EQ(spans.size(), info.traces_ratio);
  for (const auto& [trace, count] : spans) EXPECT_EQ(count, 3) << trace;
}

}  // namespace tail_sampler_model_test
