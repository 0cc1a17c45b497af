// Stops a director after every single store into the memory that outlives it, and looks at one that takes over what
// lies there then.
//
// A scene says what the director does:
//   open(outside, isOld, now)  returns a director with its services
//   begin(t)                   what it has from a predecessor
//   prepare(t), operate(t)     what it does; it is stopped in the second
//   wrongAfter(t)              says what is wrong with one that has taken over, or ""
#pragma once

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "support/outside_memory.h"

namespace tunvs::testing {

inline constexpr Tick kKilledAt = 100;

// The part of the memory that a director of a test changes: all tables and notes, and the directory's first servers.
inline std::span<std::byte> changing(const Outside& outside) {
  return outside.bytes().first(outside.connectionBytes() + 32 * 128);
}

// Steps through the operation in a child process. Returns how many different states of the memory it went through, all
// of which were taken over; 0 where a process can't be stepped through.
template <typename Scene>
size_t killEverywhere(Scene& scene, const DirectorOptions& options) {
  const Outside outside(options), copy(options), probe(options);
  scene.begin(*scene.open(outside, false, kKilledAt));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto t = scene.open(outside, true, kKilledAt);
    scene.prepare(*t);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    scene.operate(*t);
    ::_exit(0);
  }
  const std::span<std::byte> memory = changing(outside), seen = changing(copy);
  int status = 0;
  size_t states = 0;
  bool isFirst = true;
  for (;;) {
    if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) break;
    if (isFirst || std::memcmp(memory.data(), seen.data(), memory.size()) != 0) {
      isFirst = false;
      states++;
      std::memcpy(seen.data(), memory.data(), memory.size());
      std::memcpy(changing(probe).data(), memory.data(), memory.size());
      if (!CHECK_EQ(scene.wrongAfter(*scene.open(probe, true, kKilledAt + 10)), "")) break;
    }
    if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
  }
  if (WIFSTOPPED(status)) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return states;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return 0;
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return states;
}

// `least` is how many states there are for sure.
template <typename Scene>
void checkKilledEverywhere(Scene&& scene, size_t least,
                           const DirectorOptions& options = TestDirector::defaultOptions()) {
  // Instrumented code takes a hundred times as many instructions, and stores the same.
  if (kFewer != 1) SKIP("it steps through the program as it is shipped");
  const size_t states = killEverywhere(scene, options);
  if (states == 0) SKIP("no process can be traced here");
  CHECK(states >= least);
}

}  // namespace tunvs::testing
