// A director is stopped after every single store into the memory that outlives it, and what lies there then is taken
// over: whatever it was doing, everything that it was not doing goes on.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>

#include "support/outside_memory.h"

namespace tunvs::takeover_stores_test {
namespace {

using testing::addServices;
using testing::exchanged;
using testing::kNat;
using testing::Outside;
using testing::TestDirector;
using testing::toNat;
using testing::wrongWith;

const ServiceKey kWeb = TestDirector::kWeb;
constexpr uint32_t kBystanders = 20;
constexpr Tick kBegin = 100;

// What the director has before the operation, and what must be there after it, unless the operation is about it.
struct Scene {
  std::function<void(TestDirector&)> prepare = [](TestDirector&) {};
  std::function<void(TestDirector&)> operate;
  // Which connections it is not about.
  bool sparesTcp = true, sparesUdp = true, sparesTranslated = true;
};

// The part of the memory that a director of a test changes: all tables, and the directory's first servers.
std::span<std::byte> changing(const Outside& outside) { return outside.bytes().first(outside.tableBytes() + 32 * 128); }

std::vector<std::string> openBystanders(TestDirector& t) {
  std::vector<std::string> servers;
  for (uint32_t i = 0; i < kBystanders; i++) servers.push_back(t.establish(i));
  for (uint32_t i = 0; i < kBystanders; i++) servers.push_back(t.udp(i * 60000));
  for (uint16_t i = 0; i < kBystanders; i++) {
    servers.push_back(t.send(toNat(static_cast<uint16_t>(20000 + i), kTcpSyn)));
    t.send(exchanged(t.sent));
  }
  return servers;
}

// Returns what is wrong with those that the operation is not about, or "".
std::string wrongWithBystanders(TestDirector& t, const Scene& scene, const std::vector<std::string>& servers) {
  std::string wrong;
  const auto look = [&](size_t at, const std::string& now) {
    if (now != servers[at].substr(0, 2))
      wrong = "bystander " + std::to_string(at) + " went to " + now + ", not " + servers[at];
  };
  for (uint32_t i = 0; i < kBystanders && wrong.empty(); i++) {
    if (scene.sparesTcp) look(i, t.tcp(i, kTcpAck));
    if (scene.sparesUdp) look(kBystanders + i, t.udp(i * 60000));
    if (scene.sparesTranslated) look(2 * kBystanders + i, t.send(toNat(static_cast<uint16_t>(20000 + i), kTcpAck)));
  }
  return wrong;
}

// Steps through the operation in a child process. Returns how many different states of the memory it went through, all
// of which were taken over; 0 where a process can't be stepped through.
size_t killEverywhere(const Scene& scene) {
  const Outside outside, copy, probe;
  std::vector<std::string> servers;
  {
    const auto t = outside.open(false, kBegin);
    addServices(*t);
    servers = openBystanders(*t);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    const auto t = outside.open(true, kBegin);
    addServices(*t);
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
      const auto t = probe.open(true, kBegin + 10);
      addServices(*t);
      std::string wrong = wrongWith(*t);
      if (wrong.empty()) wrong = wrongWithBystanders(*t, scene, servers);
      if (!CHECK_EQ(wrong, "")) break;
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

void check(const Scene& scene, size_t least) {
  // Instrumented code takes a hundred times as many instructions, and stores the same.
  if (testing::kFewer != 1) SKIP("it steps through the program as it is shipped");
  const size_t states = killEverywhere(scene);
  if (states == 0) SKIP("no process can be traced here");
  CHECK(states >= least);
}

TEST("killed at every store while it opens a connection") {
  check({.operate = [](TestDirector& t) { t.tcp(5000, kTcpSyn); }}, 10);
}

TEST("killed at every store while it opens a connection with a template") {
  check({.operate = [](TestDirector& t) { t.udp(5000 * 60000u); }}, 20);
}

TEST("killed at every store while it opens a translated connection, which is two entries") {
  check({.operate = [](TestDirector& t) { t.send(toNat(31000, kTcpSyn)); }}, 20);
}

TEST("killed at every store while connections change their states") {
  check({.prepare = [](TestDirector& t) { t.tcp(5000, kTcpSyn); },
         .operate =
             [](TestDirector& t) {
               for (const uint8_t flags : {kTcpAck, kTcpFin, kTcpRst}) t.tcp(5000, flags);
             }},
        5);
}

TEST("killed at every store while connections expire") {
  check({.prepare =
             [](TestDirector& t) {
               for (const uint8_t flags : {kTcpSyn, kTcpRst}) {
                 for (uint32_t i = 5000; i < 5003; i++) t.tcp(i, flags);
                 t.send(toNat(31000, flags));
               }
             },
         .operate =
             [](TestDirector& t) {
               t.now += ticksFromSeconds(15);
               while (!t.director.expire(0, t.now, true, 1000)) continue;
             }},
        40);
}

TEST("killed at every store while a connection gives way in a full table") {
  check({.prepare =
             [](TestDirector& t) {
               for (uint32_t i = 5000; i < 5000 + 2 * ConnTable::kMinCapacity; i++) t.tcp(i, kTcpSyn);
               t.now += ticksFromSeconds(20);
             },
         .operate = [](TestDirector& t) { t.tcp(4000, kTcpSyn); },
         .sparesUdp = false},
        25);
}

TEST("killed at every store while a server's connections are ended") {
  check({.prepare = [](TestDirector& t) { t.tcp(5000, kTcpSyn); },
         .operate =
             [](TestDirector& t) {
               static_cast<void>(t.director.endConnections(kNat, {IpAddress::v4(10, 0, 0, 11), 8080}));
             },
         .sparesTranslated = false},
        20);
}

TEST("killed at every store while servers come and go") {
  check({.operate =
             [](TestDirector& t) {
               t.addServer(77, {}, kWeb);
               t.deleteServer(77, kWeb);
               for (int i = 0; i < 4; i++) {
                 t.now += ticksFromSeconds(61);
                 t.director.collect(t.now);
               }
               t.addServer(78, {}, kWeb);
             }},
        5);
}

}  // namespace
}  // namespace tunvs::takeover_stores_test
