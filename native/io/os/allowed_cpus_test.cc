#include "io/os/allowed_cpus.h"

#include <sched.h>

#include <atomic>

#include "io/os/thread.h"
#include "support/testing.h"

namespace tunvs::allowed_cpus_test {
namespace {

TEST("CPUs are written as ranges") {
  const std::pair<std::vector<unsigned>, const char*> cases[] = {
      {{}, ""}, {{3}, "3"}, {{0, 1}, "0-1"}, {{0, 2, 3, 4, 9}, "0,2-4,9"}};
  for (const auto& [cpus, text] : cases) CHECK_EQ(cpuList(cpus), text);
}

TEST("a CPU outside the process's affinity is refused with those inside") {
  const std::vector<unsigned> allowed = allowedCpus();
  REQUIRE(!allowed.empty());
  CHECK(checkCpus({}).ok());
  CHECK(checkCpus(allowed).ok());
  const std::vector<unsigned> beyond = {allowed.front(), allowed.back() + 1};
  const auto refused = checkCpus(beyond);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::invalidArgument);
  CHECK(refused.error().message.find("CPU " + std::to_string(beyond[1])) == 0);
  CHECK(refused.error().message.find(cpuList(allowed)) != std::string::npos);
}

TEST("a pinned thread runs on its CPU, and one that does not exist is refused") {
  const unsigned cpu = allowedCpus().back();
  std::atomic<bool> isPinned{false};
  std::vector<unsigned> seen;
  Thread thread;
  REQUIRE(thread
              .start("pinned",
                     [&] {
                       while (!isPinned.load()) sched_yield();
                       seen = allowedCpus();
                     })
              .ok());
  const auto refused = thread.pin(CPU_SETSIZE - 1);
  CHECK(!refused.ok());
  CHECK(thread.pin(cpu).ok());
  isPinned = true;
  thread.join();
  CHECK_EQ(cpuList(seen), std::to_string(cpu));
}

}  // namespace
}  // namespace tunvs::allowed_cpus_test
