// SPDX-License-Identifier: Apache-2.0
//
// What the stress tests share: how much work, where threads run, what interrupts them, and children that report.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fast_telemetry/detail/abi.h"
#include "tests/support/sanitized.h"

namespace stress {

/// The work of a loop that was sized by its mutation; a tenth of it where a sanitizer makes every access slow and finds
/// races by reasoning instead of by luck.
constexpr std::uint64_t scaled(std::uint64_t iterations) {
  return fast_telemetry::is_sanitized ? iterations / 10 : iterations;
}

/// Whether this run is meant to record by restartable sequences: the build has them and no libc tunable is set.
inline bool is_rseq_run() {
  const char* const tunables = std::getenv("GLIBC_TUNABLES");
  const bool off =
      tunables != nullptr && std::string_view{tunables}.find("glibc.pthread.rseq=0") != std::string_view::npos;
  return FAST_TELEMETRY_RSEQ != 0 && !off;
}

/// Numbers of the CPUs this process may use, ascending.
inline std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

inline void run_on_all(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

/// Moves the calling thread to a CPU and keeps it there.
inline void run_on(int cpu) { run_on_all({cpu}); }

/// Sends a signal to the thread that made it, a while after it was asked to. Once: a timer that repeats by itself sends
/// faster than a slow build can handle, and the thread that it interrupts makes no progress.
class ThreadTimer {
 public:
  explicit ThreadTimer(int signal) {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));  // glibc 2.36 has no sigev_notify_thread_id
    made_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  ~ThreadTimer() {
    if (made_) timer_delete(timer_);
  }
  ThreadTimer(const ThreadTimer&) = delete;
  ThreadTimer& operator=(const ThreadTimer&) = delete;

  void send_after(long ns) {
    const itimerspec times{{0, 0}, {0, ns}};
    if (made_) timer_settime(timer_, 0, &times, nullptr);
  }

 private:
  timer_t timer_{};
  bool made_ = false;
};

/// Installs a handler and puts the previous one back.
class Handler {
 public:
  Handler(int signal, void (*handler)(int)) : signal_{signal} {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, &previous_);
  }
  ~Handler() { sigaction(signal_, &previous_, nullptr); }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  int signal_;
  struct sigaction previous_{};
};

/// From here on, membarrier is refused to this thread and to all it starts, as some container runtimes do.
/// False: this system has no filters.
inline bool refuse_membarrier() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof program / sizeof program[0], program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// Whether the kernel answers to membarrier at all.
inline bool membarrier_answers() { return syscall(SYS_membarrier, 0, 0, 0) >= 0; }

/// Seconds after which a child is taken as hung and killed. Generous: a loaded machine must not look like a hang.
inline constexpr unsigned child_deadline_s = 60;

/// What came of a child: empty when all was well, otherwise what it said or how it died.
inline std::string outcome_of(pid_t child, int report) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t size = read(report, buffer, sizeof buffer);
    if (size > 0) text.append(buffer, static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EINTR)) break;
  }
  close(report);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    text += "the child was killed by " + std::string{strsignal(WTERMSIG(status))};
    if (WTERMSIG(status) == SIGALRM) text += ": it hung";
  } else if (WEXITSTATUS(status) != 0 && text.empty()) {
    text = "the child ended with status " + std::to_string(WEXITSTATUS(status));
  }
  return text;
}

/// Runs `body` in a forked child; it returns what is wrong, or an empty string. A child that hangs is killed.
template <class Body>
std::string in_child(Body body) {
  int report[2];
  if (pipe(report) != 0) return "no pipe";
  const pid_t child = fork();
  if (child < 0) return "fork failed";
  if (child == 0) {
    alarm(child_deadline_s);
    std::string wrong;
    try {
      wrong = body();
    } catch (const std::exception& error) {
      wrong = std::string{"exception: "} + error.what();
    }
    const ssize_t written = write(report[1], wrong.data(), wrong.size());
    // No exit handlers: they belong to the parent.
    _exit(wrong.empty() && written == 0 ? 0 : 1);
  }
  close(report[1]);
  return outcome_of(child, report[0]);
}

/// Collects what is wrong, for children: what `EXPECT_EQ` is to a test.
class Findings {
 public:
  template <class A, class B>
  void expect_equal(std::string_view what, const A& found, const B& expected) {
    if (found == static_cast<A>(expected)) return;
    text_ += std::string{what} + " is " + std::to_string(found) + ", expected " + std::to_string(expected) + "\n";
  }
  void expect(bool condition, std::string_view otherwise) {
    if (!condition) text_ += std::string{otherwise} + "\n";
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace stress
