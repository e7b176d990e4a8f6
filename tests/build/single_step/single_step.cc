// SPDX-License-Identifier: Apache-2.0
//
// Under single-stepping every restartable sequence is aborted, always. An add has to end all the same.
//
// Mutation: with the abort handler jumping back to the start of the sequence instead of to the cold path, the child
// makes no progress and the step limit is reached.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/histogram.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace ft = fast_telemetry;

namespace {

constexpr int adds = 100;

int child() {
  ft::Counter counter;
  ft::Histogram histogram{{10, 100}};
  counter.add();
  histogram.record(1);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(3);
  raise(SIGSTOP);
  for (int i = 0; i < adds; ++i) {
    counter.add();
    histogram.record(i);
  }
  _exit(counter.value() == adds + 1 && histogram.count() == adds + 1 ? 0 : 1);
}

}  // namespace

int main() {
  const pid_t pid = fork();
  if (pid == 0) return child();
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return std::puts("the child did not stop"), 1;
  // 30 000 steps are needed (x86-64, GCC 12), nearly all of them in the cold path; a million take half a minute.
  constexpr long limit = 1'000'000;
  for (long steps = 0; steps < limit; ++steps) {
    if (ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) return std::perror("PTRACE_SINGLESTEP"), 1;
    if (waitpid(pid, &status, 0) != pid) return 1;
    if (WIFEXITED(status)) {
      std::printf("%d adds and observations in %ld steps, exit %d\n", adds, steps, WEXITSTATUS(status));
      return WEXITSTATUS(status);
    }
    if (WIFSIGNALED(status)) return std::printf("the child died of signal %d\n", WTERMSIG(status)), 1;
  }
  kill(pid, SIGKILL);
  return std::puts("the adds did not end"), 1;
}
