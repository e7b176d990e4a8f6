// SPDX-License-Identifier: Apache-2.0
//
// TC-31, TC-32: environment variables as a carrier, to a real child process.
#include "fast_telemetry/spans/environment.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "fast_telemetry/spans/b3.h"
#include "fast_telemetry/spans/tracer.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace environment_test {

const std::string base = "00-12345678901234567890123456789012-1234567890123456-01";

std::string text(ft::Text of) { return {of.data(), of.size()}; }

ft::Environment environment(const std::vector<std::string>& variables) {
  std::vector<const char*> pointers;
  for (const std::string& variable : variables) pointers.push_back(variable.c_str());
  pointers.push_back(nullptr);
  return ft::Environment{pointers.data()};
}

std::vector<std::string> all(ft::Environment& of) {
  std::vector<std::string> variables;
  for (char* const* variable = of.data(); *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

// Mutations: `-` stays; a digit may be first; nothing stays nothing; lower case stays.
TEST(Environment, has_names_of_upper_case_letters_digits_and_underscores) {
  for (const auto& [header, name] : std::vector<std::pair<std::string, std::string>>{{"traceparent", "TRACEPARENT"},
                                                                                     {"tracestate", "TRACESTATE"},
                                                                                     {"baggage", "BAGGAGE"},
                                                                                     {"x-b3-traceid", "X_B3_TRACEID"},
                                                                                     {"X-B3-TraceId", "X_B3_TRACEID"},
                                                                                     {"b3", "B3"},
                                                                                     {"9lives", "_9LIVES"},
                                                                                     {"", "_"},
                                                                                     {"_", "_"},
                                                                                     {"a.b c=d", "A_B_C_D"},
                                                                                     {"\xC3\xA9", "__"},
                                                                                     {"A_1", "A_1"}}) {
    EXPECT_EQ(ft::environment_name(header), name) << header;
  }
}

// Mutations: names are taken as they are; the last of two is read.
TEST(Environment, is_read_by_normalised_names_only) {
  const ft::Environment read = environment(
      {"x-b3-traceid=bad", "X_B3_TRACEID= a=b ", "traceparent=" + base, "no_equals", "EMPTY=", "TWICE=1", "TWICE=2"});
  EXPECT_EQ(text(read.get("x-b3-traceid")), " a=b ");
  EXPECT_EQ(text(read.get("X_B3_TRACEID")), " a=b ");
  EXPECT_EQ(text(read.get("traceparent")), "");
  EXPECT_EQ(text(read.get("empty")), "");
  EXPECT_EQ(text(read.get("twice")), "1");
  std::string names;
  for (const auto& [name, value] : read) names += name + ' ';
  EXPECT_EQ(names, "X_B3_TRACEID EMPTY TWICE ");
  EXPECT_FALSE(ft::extract_context(read).is_valid());
}

TEST(Environment, is_a_carrier_of_context_and_baggage) {
  const ft::Environment read = environment(
      {"PATH=/bin", "BAGGAGE=k=v", "TRACESTATE=foo=1", "TRACEPARENT=" + base, "B3=" + base.substr(3, 49) + "-d"});
  const ft::SpanContext context = ft::extract_context(read);
  EXPECT_EQ(text(ft::format_traceparent(context).text()), base);
  EXPECT_EQ(text(context.trace_state.text()), "foo=1");
  EXPECT_TRUE(context.is_remote);
  EXPECT_EQ(ft::extract_baggage(read).header(), "k=v");
  EXPECT_EQ(ft::extract_b3(read).sampling, ft::B3Sampling::debug);
}

TEST(Environment, gives_a_child_what_was_set_and_all_the_rest_as_it_was) {
  ft::Environment child = environment({"PATH=/bin", "lower-case=x", "no_equals", "KEEP=1", "GO=1"});
  child.set("x-new", "any\tvalue=\xFF");
  child.set("keep", "2");
  child.remove("go");
  child.remove("lower-case");  // it is not this one
  EXPECT_EQ(all(child),
            (std::vector<std::string>{"lower-case=x", "no_equals", "PATH=/bin", "KEEP=2", "X_NEW=any\tvalue=\xFF"}));
  EXPECT_EQ(text(child.get("x-new")), "any\tvalue=\xFF");
}

// A trace's state does not belong to another trace. Mutation: nothing is removed first.
TEST(Environment, keeps_nothing_of_another_context) {
  ft::Environment child = environment({"TRACEPARENT=old", "TRACESTATE=old=1", "BAGGAGE=old=1", "HOME=/"});
  ft::inject_context(ft::parse_traceparent(base), child);
  ft::inject_baggage(ft::Baggage{}, child);
  EXPECT_EQ(all(child), (std::vector<std::string>{"HOME=/", "TRACEPARENT=" + base}));
  ft::inject_context(ft::SpanContext{}, child);
  EXPECT_EQ(all(child), (std::vector<std::string>{"HOME=/"}));
}

/// What a program prints that is run in this environment.
std::string output_of(const char* program, ft::Environment& in) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  char* const* const variables = in.data();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], 1);
    ::close(ends[0]);
    ::execle(program, program, nullptr, variables);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string output;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    output.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return output;
}

TEST(Environment, reaches_a_child_and_not_this_process) {
  const ft::Tracer tracer{"test"};
  ft::SpanContext context = tracer.root("job").context();
  context.trace_state = context.trace_state.with("own", "1");
  ft::Baggage baggage;
  baggage.set("user", "Am\xC3\xA9lie");
  ft::Environment child{environ};
  const std::size_t before = all(child).size();
  ft::inject_context(context, child);
  ft::inject_baggage(baggage, child);

  const std::string output = "\n" + output_of("/usr/bin/env", child);
  const std::string traceparent = text(ft::format_traceparent(context).text());
  EXPECT_NE(output.find("\nTRACEPARENT=" + traceparent + '\n'), std::string::npos) << output;
  EXPECT_NE(output.find("\nTRACESTATE=own=1\n"), std::string::npos) << output;
  EXPECT_NE(output.find("\nBAGGAGE=user=Am%C3%A9lie\n"), std::string::npos) << output;
  EXPECT_EQ(::getenv("TRACEPARENT"), nullptr);
  EXPECT_EQ(all(child).size(), before + 3);
  ft::forget_spans();
}

// TC-32: what is set is what the extractor knows, each header once.
TEST(Carrier, is_given_the_headers_that_are_announced) {
  std::vector<std::string> names;
  ft::SpanContext context = ft::parse_traceparent(base);
  context.trace_state = ft::TraceState::parse("foo=1,bar=2");
  ft::inject_context(context, [&](ft::Text name, ft::Text) { names.push_back(text(name)); });
  std::vector<std::string> announced;
  for (const ft::Text name : ft::context_headers) announced.push_back(text(name));
  EXPECT_EQ(names, announced);
  EXPECT_EQ(announced, (std::vector<std::string>{"traceparent", "tracestate"}));
  EXPECT_EQ(text(ft::baggage_header), "baggage");
}

}  // namespace environment_test
