// What a master and a backup have with each other, over networks of all kinds.
#include "support/peer_link.h"
#include "support/testing.h"

namespace tunvs::peer_session_test {
namespace {

using testing::Bytes;
using testing::PeerLink;
using testing::Random;

std::string stateOf(const PeerLink& link) {
  return std::string(toString(link.teller->report(link.nowMs).state)) + " " +
         std::string(toString(link.listener->report(link.nowMs).state));
}

uint64_t timesTaken(const PeerLink& link) {
  uint64_t times = 0;
  for (const auto& [number, count] : link.had) times += count;
  return times;
}

}  // namespace

TEST("a peer is caught up when it has been told all, and hears of what changes from then on") {
  PeerLink link(1);
  for (int i = 0; i < 1000; i++) link.addUntold();
  CHECK_EQ(stateOf(link), "away away");
  link.pass(300);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
  CHECK_EQ(timesTaken(link), 1000);
  link.pass(100, 3);
  link.pass(100);
  CHECK(link.hasAll());
  CHECK_EQ(timesTaken(link), 1300);
  const auto report = link.teller->report(link.nowMs);
  CHECK_EQ(report.lost, 0);
  CHECK_EQ(report.resent, 0);
  CHECK_EQ(report.transfers, 1);
  CHECK_EQ(report.lagMs, 0);
}

TEST("a peer that is not there is called twice a second, and nothing is sent for it otherwise") {
  PeerLink link(1);
  link.isCut = true;
  link.pass(10'000, 1);
  CHECK_EQ(stateOf(link), "away away");
  CHECK_EQ(link.teller->report(link.nowMs).messages, 20);
}

TEST("lag is how long the oldest message waits for its confirmation") {
  PeerLink link(1);
  link.pass(300);
  link.isCut = true;
  link.tellOne();
  link.pass(700);
  CHECK_EQ(link.teller->report(link.nowMs).lagMs, 700);
  link.isCut = false;
  link.pass(400);
  CHECK_EQ(link.teller->report(link.nowMs).lagMs, 0);
  CHECK_EQ(link.teller->report(link.nowMs).lost, 1);
}

TEST("what is lost is counted, and a transfer makes up for it") {
  PeerLink link(2);
  link.pass(300);
  link.isCut = true;
  link.pass(100, 1);
  link.isCut = false;
  link.pass(600);
  CHECK_EQ(stateOf(link), "transferring transferring");
  CHECK_EQ(link.listener->report(link.nowMs).lost, 100);
  CHECK_EQ(link.teller->report(link.nowMs).lost, 100);
  CHECK(!link.hasAll());
  link.pass(PeerListener::kAgainMs);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
}

TEST("what a master could not tell is missing at its peers, which ask for a transfer") {
  PeerLink link(2);
  link.pass(300);
  link.addUntold();
  link.teller->skip();
  link.pass(600);
  CHECK_EQ(link.listener->report(link.nowMs).lost, 1);
  link.pass(PeerListener::kAgainMs);
  CHECK(link.hasAll());
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
}

TEST("a backup that is started again is told all anew, and so is one that hears of another master") {
  PeerLink link(3);
  link.pass(300, 2);
  link.restartBackup();
  link.pass(2500, 1);
  link.pass(100);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
  link.restartMaster();
  link.pass(1000, 1);
  link.pass(100);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
  CHECK_EQ(link.listener->report(link.nowMs).sessions, 2);
  CHECK_EQ(link.listener->report(link.nowMs).lost, 0);
}

TEST("a master whose clock was put back takes the next number after the one that its peer knows") {
  PeerLink link(3);
  link.pass(300, 2);
  link.restartMaster(5);
  link.pass(300, 1);
  link.pass(100);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
}

TEST("a peer that was cut off goes on where it was, and what it missed is transferred") {
  PeerLink link(4);
  link.pass(300, 2);
  link.isCut = true;
  link.pass(5000, 1);
  CHECK_EQ(stateOf(link), "away away");
  CHECK(link.listener->report(link.nowMs).isCaughtUp);
  link.isCut = false;
  link.pass(1500);
  CHECK_EQ(link.listener->report(link.nowMs).sessions, 1);
  CHECK(!link.listener->report(link.nowMs).isCaughtUp);
  link.pass(PeerListener::kAgainMs + 1000);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
}

TEST("over a network that loses, doubles and reorders, all comes at last, and what changes comes at most once") {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    PeerLink link(seed);
    for (int i = 0; i < 500; i++) link.addUntold();
    link.network = {.lossPercent = static_cast<uint32_t>(seed * 2), .doublePercent = 20, .delayMs = 30};
    link.pass(4000, 1);
    const auto during = link.listener->report(link.nowMs);
    CHECK(during.messages > 0);
    CHECK(during.lost > 0);
    link.network = {};
    link.pass(30'000);
    REQUIRE(CHECK_EQ(stateOf(link), "caughtUp caughtUp"));
    REQUIRE(CHECK(link.hasAll()));
    const auto after = link.listener->report(link.nowMs);
    // Each number came with at most one message, and with each transfer.
    for (const auto& [number, count] : link.had) REQUIRE(CHECK(count <= 1 + after.transfers));
    CHECK_EQ(link.teller->report(link.nowMs).lost, after.lost);
  }
}

TEST("a peer that hears of a gap is not caught up from that moment on") {
  PeerLink link(4);
  link.pass(300, 2);
  link.isCut = true;
  link.pass(1000, 1);
  link.isCut = false;
  for (int i = 0; i < 3000; i++) {
    link.pass(1);
    const auto heard = link.listener->report(link.nowMs);
    if (*heard.heardMsAgo <= static_cast<uint64_t>(i)) REQUIRE(CHECK(!heard.isCaughtUp));
    if (*heard.heardMsAgo <= static_cast<uint64_t>(i))
      REQUIRE(CHECK(link.teller->report(link.nowMs).state != PeerState::caughtUp));
  }
}

TEST("a transfer goes over a slow link, and over a long one, without sending much again") {
  PeerLink slow(1);
  for (int i = 0; i < 20'000; i++) slow.addUntold();  // 1.4 MB with headers
  slow.network = {.bytesPerMs = 250, .queueBytes = 5000};
  slow.pass(12'000);
  CHECK_EQ(stateOf(slow), "caughtUp caughtUp");
  CHECK(slow.teller->report(slow.nowMs).resent < 4000);
  PeerLink distant(1);
  for (int i = 0; i < 2000; i++) distant.addUntold();
  distant.network = {.tripMs = 50};
  distant.pass(10'000);
  CHECK_EQ(stateOf(distant), "caughtUp caughtUp");
  CHECK_EQ(distant.teller->report(distant.nowMs).resent, 0);
}

TEST("what a transfer has sent is no sign of life when somebody sends it again") {
  PeerLink link(1);
  for (int i = 0; i < 100; i++) link.addUntold();
  link.pass(1000);
  const auto recorded = link.recorded;
  link.isCut = true;
  for (int i = 0; i < 3000; i++) {
    const auto& [isToBackup, datagram] = recorded[static_cast<size_t>(i) % recorded.size()];
    if (isToBackup) link.toBackup(datagram);
    link.pass(1);
  }
  CHECK_EQ(stateOf(link), "away away");
}

TEST("without keys a hello with a large number keeps no master out") {
  PeerLink link(1, {});
  const uint8_t body[4] = {7};
  const std::vector<std::string> none;
  for (const uint64_t number : {UINT64_MAX, UINT64_MAX - 1, uint64_t{1} << 63, (uint64_t{1} << 63) - 1})
    link.toBackup(writePeer(PeerSeal(none), PeerKind::hello, number, 0, 0, body));
  link.pass(3000, 1);
  link.pass(200);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
}

TEST("whatever was sent before is not taken again, in its own session nor in a later one") {
  PeerLink link(5);
  for (int i = 0; i < 200; i++) link.addUntold();
  link.pass(1000, 1);
  link.restartMaster();
  link.pass(1000, 1);
  link.restartBackup();
  link.pass(3000, 1);
  link.pass(500);
  REQUIRE(CHECK_EQ(stateOf(link), "caughtUp caughtUp"));
  const auto had = link.had;
  const auto recorded = link.recorded;
  Random random(1);
  size_t refused = 0;
  for (int i = 0; i < 20'000; i++) {
    const auto& [isToBackup, datagram] = recorded[random.below(static_cast<uint32_t>(recorded.size()))];
    const PeerAddress from{PeerLink::kHome.address, static_cast<uint16_t>(random.below(65536))};
    const auto refusal = isToBackup ? link.toBackup(datagram, from) : link.toMaster(datagram);
    if (refusal) refused++;
    if (i % 100 == 0) link.pass(1);
  }
  CHECK(refused > 10'000);
  CHECK(link.had == had);
  // It did no harm to those who go on.
  link.pass(1000, 1);
  link.pass(1000);
  CHECK_EQ(stateOf(link), "caughtUp caughtUp");
  CHECK(link.hasAll());
  CHECK_EQ(link.listener->report(link.nowMs).lost, 0);
}

TEST("a backup that was just started takes nothing that was sent to the one before") {
  PeerLink link(6);
  link.pass(1000, 1);
  const auto recorded = link.recorded;
  link.isCut = true;
  link.restartBackup();
  for (int round = 0; round < 3; round++) {
    for (const auto& [isToBackup, datagram] : recorded) {
      if (isToBackup) link.toBackup(datagram);
    }
  }
  CHECK(link.had.empty());
}

TEST("without the key nothing is taken: not what others have signed, nor what is not signed, nor what was changed") {
  PeerLink link(7), stranger(8, {"another key, of as many bytes ..."}), open(9, {});
  for (PeerLink* each : {&link, &stranger, &open}) {
    for (int i = 0; i < 10; i++) each->addUntold();
    each->pass(500, 1);
    CHECK(each->hasAll());
  }
  const auto had = link.had;
  for (PeerLink* each : {&stranger, &open}) {
    for (const auto& [isToBackup, datagram] : each->recorded) {
      CHECK(isToBackup ? link.toBackup(datagram) : link.toMaster(datagram));
    }
  }
  for (const auto& [isToBackup, datagram] : link.recorded) {
    if (isToBackup) CHECK(open.toBackup(datagram) == SyncRefusal::sealWrong);
  }
  // Each bit of a datagram that is new matters.
  link.isCut = true;
  const size_t before = link.recorded.size();
  link.tellOne();
  link.isCut = false;
  const Bytes fresh = link.recorded[before].second;
  for (size_t bit = 0; bit < fresh.size() * 8; bit++) {
    if (bit / 8 == 6 || bit / 8 == 7) continue;  // which mean nothing, but are signed
    Bytes changed = fresh;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1 << bit % 8));
    REQUIRE(CHECK(link.toBackup(changed)));
  }
  for (size_t length = 0; length < fresh.size(); length++) {
    REQUIRE(CHECK(link.toBackup(std::span(fresh).first(length))));
  }
  CHECK(link.had == had);
  CHECK(!link.toBackup(fresh));
  CHECK_EQ(link.had.size(), had.size() + 1);
}

TEST("a peer takes what was signed with any of its keys, so that keys can be changed one by one") {
  const std::vector<std::string> old = {"the key of last year"},
                                 both = {"the key of this year", "the key of last year"};
  const PeerSeal before(old), after(both);
  const uint8_t body[8] = {};
  const auto datagram = writePeer(before, PeerKind::beat, 1, 2, 3, body);
  CHECK(after.holds(datagram));
  CHECK(!before.holds(writePeer(after, PeerKind::beat, 1, 2, 3, body)));
  CHECK(after.holds(writePeer(after, PeerKind::beat, 1, 2, 3, body)));
}

}  // namespace tunvs::peer_session_test
