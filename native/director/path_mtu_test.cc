#include "director/path_mtu.h"

#include <thread>
#include <vector>

#include "support/testing.h"

using namespace tunvs;

namespace {

constexpr Tick kStart = 0xffffff00;  // the clock wraps within each test

MtuReport v4(uint32_t bytes, uint32_t quotedTotalLength = 1500) { return {Family::ipv4, bytes, quotedTotalLength, 20}; }
MtuReport v6(uint32_t bytes) { return {Family::ipv6, bytes, 0, 0}; }

}  // namespace

TEST("the configured MTU holds until something is learned") {
  const PathMtu path;
  CHECK(path.effective(1500, kStart) == EffectiveMtu{1500, false});
  CHECK(path.effective(9000, 0) == EffectiveMtu{9000, false});
}

TEST("a report lowers the MTU for ten minutes and not a tick longer") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(1400), kStart), MtuOutcome::lowered);
  CHECK(path.effective(1500, kStart) == EffectiveMtu{1400, false});
  CHECK(path.effective(1500, kStart + kPathMtuLifeTicks - 1) == EffectiveMtu{1400, false});
  CHECK(path.effective(1500, kStart + kPathMtuLifeTicks) == EffectiveMtu{1500, false});
  CHECK(path.effective(1500, kStart + 0x7fffffff) == EffectiveMtu{1500, false});
  CHECK(path.effective(1500, kStart + 0x80000001) == EffectiveMtu{1500, false});
}

TEST("a worker whose clock is a little behind uses a value that another has just learned") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  CHECK(path.effective(1500, kStart - 3) == EffectiveMtu{1400, false});
}

TEST("only a lower report changes a living value; the same one lets it live on") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(1500), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learn(1500, v4(1600), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learned().bytes, 0);
  CHECK_EQ(path.learn(1500, v4(1400), kStart), MtuOutcome::lowered);
  CHECK_EQ(path.learn(1500, v4(1450), kStart + 10), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learned().learnedAt, kStart);
  CHECK_EQ(path.learn(1500, v4(1300), kStart + 20), MtuOutcome::lowered);
  CHECK_EQ(path.learn(1500, v4(1300), kStart + 50), MtuOutcome::refreshed);
  CHECK(path.effective(1500, kStart + 49 + kPathMtuLifeTicks) == EffectiveMtu{1300, false});
  CHECK(path.effective(1500, kStart + 50 + kPathMtuLifeTicks) == EffectiveMtu{1500, false});
}

TEST("a report after the end of the old value's life may be higher than that was") {
  PathMtu path;
  path.learn(1500, v4(1300), kStart);
  const Tick later = kStart + kPathMtuLifeTicks;
  CHECK_EQ(path.learn(1500, v4(1450), later), MtuOutcome::lowered);
  CHECK(path.effective(1500, later) == EffectiveMtu{1450, false});
}

TEST("a configured MTU below the learned one wins") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  CHECK(path.effective(1300, kStart) == EffectiveMtu{1300, false});
}

TEST("IPv4 below Linux's min_pmtu of 552 becomes 552 with fragmentation allowed") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(551), kStart), MtuOutcome::lowered);
  CHECK(path.effective(1500, kStart) == EffectiveMtu{552, true});
  CHECK_EQ(path.learn(1500, v4(68), kStart + 1), MtuOutcome::refreshed);
  CHECK_EQ(path.learned().learnedAt, kStart + 1);
  CHECK_EQ(path.learn(1500, v4(552), kStart + 2), MtuOutcome::ignoredHigher);
  CHECK(path.effective(1500, kStart + 2) == EffectiveMtu{552, true});
}

TEST("IPv4 of exactly 552 keeps DF, and a later report from a narrower path gives it up") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(552), kStart), MtuOutcome::lowered);
  CHECK(path.effective(1500, kStart) == EffectiveMtu{552, false});
  CHECK_EQ(path.learn(1500, v4(300), kStart), MtuOutcome::lowered);
  CHECK(path.effective(1500, kStart) == EffectiveMtu{552, true});
}

TEST("the floor does not raise what was configured below it") {
  PathMtu path;
  CHECK_EQ(path.learn(400, v4(300), kStart), MtuOutcome::lowered);
  CHECK(path.effective(400, kStart) == EffectiveMtu{400, true});
}

TEST("a report that is not below a small configured MTU does not allow fragmentation") {
  PathMtu path;
  CHECK_EQ(path.learn(400, v4(450), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learn(400, v4(400), kStart), MtuOutcome::ignoredHigher);
  CHECK(path.effective(400, kStart) == EffectiveMtu{400, false});
}

TEST("a report of what is configured does not prolong an older, higher value") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  CHECK_EQ(path.learn(1300, v4(1300), kStart + 10), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learned().learnedAt, kStart);
}

TEST("reports that no link can mean are ignored") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(67), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learn(1500, v4(1), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learn(1500, v6(1279), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learn(1500, v6(0), kStart), MtuOutcome::ignoredTooSmall);
  CHECK_EQ(path.learned().bytes, 0);
  CHECK_EQ(path.learn(1500, v6(1280), kStart), MtuOutcome::lowered);
  CHECK(path.effective(1500, kStart) == EffectiveMtu{1280, false});
}

TEST("plateaus are those of RFC 1191 table 7-1") {
  const struct {
    uint32_t bytes;
    int plateau;
  } rows[] = {{65536, 65535}, {65535, 32000}, {32001, 32000}, {9000, 8166}, {1500, 1492}, {1492, 1006},
              {1006, 508},    {508, 296},     {296, 68},      {68, 68},     {0, 68}};
  for (const auto& row : rows) CHECK_EQ(plateauBelow(row.bytes), row.plateau);
}

TEST("a report without an MTU walks down the plateaus from the quoted length") {
  PathMtu path;
  // Below the estimate, so it is believed as it is.
  CHECK_EQ(path.learn(9000, v4(0, 1500), kStart), MtuOutcome::lowered);
  CHECK(path.effective(9000, kStart) == EffectiveMtu{1492, false});
  CHECK_EQ(path.learn(9000, v4(0, 1480), kStart), MtuOutcome::lowered);
  CHECK(path.effective(9000, kStart) == EffectiveMtu{1006, false});
  CHECK_EQ(path.learn(9000, v4(0, 700), kStart), MtuOutcome::lowered);
  CHECK(path.effective(9000, kStart) == EffectiveMtu{552, true});
}

TEST("a quoted length that is not below the estimate is taken to have the header counted twice") {
  PathMtu path;
  // 1500 quoted at an estimate of 1500 may stand for 1480 (RFC 1191 section 5).
  CHECK_EQ(path.learn(1500, v4(0, 1500), kStart), MtuOutcome::lowered);
  CHECK(path.effective(1500, kStart) == EffectiveMtu{1006, false});
}

TEST("a report without an MTU and with a forged quote never raises or underflows") {
  PathMtu path;
  CHECK_EQ(path.learn(1500, v4(0, 65535), kStart), MtuOutcome::ignoredHigher);
  CHECK_EQ(path.learned().bytes, 0);
  CHECK_EQ(path.learn(1500, v4(0, 0), kStart), MtuOutcome::lowered);
  CHECK(path.effective(1500, kStart) == EffectiveMtu{552, true});
}

TEST("a forgotten value is gone") {
  PathMtu path;
  path.learn(1500, v4(1400), kStart);
  path.forget();
  CHECK(path.effective(1500, kStart) == EffectiveMtu{1500, false});
}

TEST("of reports that race, the lowest stays") {
  for (int round = 0; round < 50; round++) {
    PathMtu path;
    std::vector<std::thread> threads;
    for (uint32_t t = 0; t < 4; t++) {
      threads.emplace_back([&path, t] {
        for (uint32_t bytes = 1400 + t; bytes >= 1000; bytes -= 4) path.learn(1500, v4(bytes), kStart);
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(path.effective(1500, kStart) == EffectiveMtu{1000, false});
  }
}
