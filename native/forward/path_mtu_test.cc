#include "forward/path_mtu.h"

#include <thread>
#include <vector>

#include "support/testing.h"

namespace tunvs::path_mtu_test {
namespace {

constexpr Tick kStart = 0xffffff00;  // the clock wraps within each test

MtuReport v4(uint32_t bytes) { return {Family::ipv4, bytes}; }
MtuReport v6(uint32_t bytes) { return {Family::ipv6, bytes}; }

}  // namespace

TEST("the configured MTU holds until something is learned") {
  const PathMtu path;
  CHECK_EQ(path.effective(1500, kStart), 1500u);
  CHECK_EQ(path.effective(9000, 0), 9000u);
}

TEST("a report lowers the MTU for ten minutes and not a tick longer") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(1400), kStart), MtuOutcome::lowered);
  CHECK_EQ(path.effective(1500, kStart), 1400u);
  CHECK_EQ(path.effective(1500, kStart + kPathMtuLifeTicks - 1), 1400u);
  CHECK_EQ(path.effective(1500, kStart + kPathMtuLifeTicks), 1500u);
  CHECK_EQ(path.effective(1500, kStart + 0x7fffffff), 1500u);
  CHECK_EQ(path.effective(1500, kStart + 0x80000001), 1500u);
}

TEST("a worker whose clock is a little behind uses a value that another has just learned") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  CHECK_EQ(path.effective(1500, kStart - 3), 1400u);
}

TEST("only a lower report changes a living value; the same one prolongs its life") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(1500), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learn(1500, v4(1600), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learned().bytes, 0);
  CHECK_EQ(path.learn(1500, v4(1400), kStart), MtuOutcome::lowered);
  CHECK_EQ(path.learn(1500, v4(1450), kStart + 10), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learned().learnedAt, kStart);
  CHECK_EQ(path.learn(1500, v4(1300), kStart + 20), MtuOutcome::lowered);
  CHECK_EQ(path.learn(1500, v4(1300), kStart + 50), MtuOutcome::refreshed);
  CHECK_EQ(path.effective(1500, kStart + 49 + kPathMtuLifeTicks), 1300u);
  CHECK_EQ(path.effective(1500, kStart + 50 + kPathMtuLifeTicks), 1500u);
}

TEST("a report after the end of the old value's life may be higher than that value") {
  PathMtu path;
  path.learn(1500, v4(1300), kStart);
  const Tick later = kStart + kPathMtuLifeTicks;
  CHECK_EQ(path.learn(1500, v4(1450), later), MtuOutcome::lowered);
  CHECK_EQ(path.effective(1500, later), 1450u);
}

TEST("a configured MTU below the learned one wins") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  CHECK_EQ(path.effective(1300, kStart), 1300u);
}

TEST("an IPv4 report below Linux's min_pmtu of 552, or without an MTU at all, becomes 552") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(551), kStart), MtuOutcome::lowered);
  CHECK_EQ(path.effective(1500, kStart), 552u);
  CHECK_EQ(path.learn(1500, v4(68), kStart + 1), MtuOutcome::refreshed);
  CHECK_EQ(path.learned().learnedAt, kStart + 1);
  CHECK_EQ(path.learn(1500, v4(0), kStart + 2), MtuOutcome::refreshed);
  CHECK_EQ(path.learn(1500, v4(553), kStart + 3), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.effective(1500, kStart + 3), 552u);
}

TEST("the floor does not raise what was configured below it") {
  PathMtu path;
  CHECK_EQ(path.learn(400, v4(300), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.effective(400, kStart), 400u);
}

TEST("a report that is not below a small configured MTU changes nothing") {
  PathMtu path;
  CHECK_EQ(path.learn(400, v4(450), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learn(400, v4(400), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.effective(400, kStart), 400u);
}

TEST("a report of what is configured does not prolong an older, higher value") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  CHECK_EQ(path.learn(1300, v4(1300), kStart + 10), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learned().learnedAt, kStart);
}

TEST("reports that no link can cause are ignored") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(67), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learn(1500, v4(1), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learn(1500, v6(1279), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learn(1500, v6(0), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learned().bytes, 0);
  CHECK_EQ(path.learn(1500, v6(1280), kStart), MtuOutcome::lowered);
  CHECK_EQ(path.effective(1500, kStart), 1280u);
}

TEST("a forgotten value is gone") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  path.forget();
  CHECK_EQ(path.effective(1500, kStart), 1500u);
}

TEST("among reports that race, the lowest stays") {
  for (int round = 0; round < 50; round++) {
    PathMtu path;
    std::vector<std::thread> threads;
    for (uint32_t t = 0; t < kMtuLowerings; t++) {
      threads.emplace_back([&path, t] { path.learn(1500, v4(1000 + t), kStart); });
    }
    for (auto& thread : threads) thread.join();
    CHECK_EQ(path.effective(1500, kStart), 1000u);
  }
}

TEST("an MTU is lowered a few times at once, and then once in a while") {
  PathMtu path;
  for (uint32_t i = 0; i < kMtuLowerings; i++) CHECK_EQ(path.learn(1500, v4(1400 - i), kStart), MtuOutcome::lowered);
  CHECK_EQ(path.learn(1500, v4(1300), kStart), MtuOutcome::ignoredTooOften);
  CHECK_EQ(path.learn(1500, v4(1300), kStart + kMtuLoweringTicks), MtuOutcome::lowered);
  CHECK_EQ(path.learn(1500, v4(1200), kStart + kMtuLoweringTicks), MtuOutcome::ignoredTooOften);
}

}  // namespace tunvs::path_mtu_test
