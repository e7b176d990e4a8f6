// SPDX-License-Identifier: Apache-2.0
//
// A coroutine and a fiber that go on in another thread: their adds go through that thread's rseq area, to its CPU's
// copy.
//
// Mutation: with the area's address taken from __builtin_thread_pointer(), Clang 14 keeps it in the coroutine's frame,
// and GCC 12 and Clang keep it in a register of the fiber's loop; the second add then lands in the first thread's copy,
// where nothing protects it.
#include <sched.h>
#include <ucontext.h>

#include <array>
#include <coroutine>
#include <cstdio>
#include <thread>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/storage_info.h"

namespace ft = fast_telemetry;

namespace {

/// Runs `work` in a thread of its own, on one CPU.
template <class Work>
void on_cpu(std::size_t cpu, Work work) {
  std::thread{[&] {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    sched_setaffinity(0, sizeof only, &only);
    work();
  }}.join();
}

struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<promise_type> handle;
};

Task add_in_coroutine(ft::detail::Site& site) {
  for (;;) {
    ft::detail::add(site, 0, std::uint64_t{1});
    co_await std::suspend_always{};
  }
}

ucontext_t caller;
ucontext_t fiber;
ft::detail::Site* site_of_fiber;

void add_in_fiber() {
  for (;;) {
    ft::detail::add(*site_of_fiber, 0, std::uint64_t{1});
    swapcontext(&fiber, &caller);
  }
}

/// Adds once on each CPU, the first thread still alive, and looks where the adds went.
template <class Step>
bool check(const char* what, ft::detail::Site& site, std::size_t first, std::size_t second, Step step) {
  on_cpu(first, [&] {
    step();  // attaches the cells
    step();
    on_cpu(second, step);
  });
  const auto copy = [&](std::size_t cpu) { return *ft::detail::copy_in_shard(site.cells, cpu); };
  const bool locked = ft::storage_info().path == ft::WritePath::locked;
  // At most: an add that is preempted in its few nanoseconds goes to no CPU's copy.
  const bool right = ft::detail::read_integer(site, 0) == 3 && (locked || (copy(first) <= 1 && copy(second) <= 1));
  std::printf("%s: %s\n", what, right ? "every add in the copy of its CPU" : "an add went to another thread's copy");
  return right;
}

}  // namespace

int main() {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  std::array<std::size_t, 2> cpus{};
  std::size_t found = 0;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE && found < cpus.size(); ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus[found++] = cpu;
  }
  if (found < cpus.size()) return std::puts("SKIPPED: needs two CPUs to move between"), 77;

  ft::detail::Registration one{nullptr, nullptr, ft::Counter::declare()};
  const Task task = add_in_coroutine(one.site);
  const bool coroutine = check("coroutine", one.site, cpus[0], cpus[1], [&] { task.handle.resume(); });
  task.handle.destroy();

  ft::detail::Registration other{nullptr, nullptr, ft::Counter::declare()};
  site_of_fiber = &other.site;
  static std::array<char, 65536> stack;
  getcontext(&fiber);
  fiber.uc_stack.ss_sp = stack.data();
  fiber.uc_stack.ss_size = stack.size();
  makecontext(&fiber, add_in_fiber, 0);
  const bool fibers = check("fiber", other.site, cpus[0], cpus[1], [] { swapcontext(&caller, &fiber); });
  return coroutine && fibers ? 0 : 1;
}
