#include "sync/sync_decision.h"

#include <string>
#include <vector>

#include "director/protocol/protocol_state.h"
#include "support/random.h"
#include "support/testing.h"
#include "sync/sync_state.h"

namespace tunvs::sync_decision_test {
namespace {

constexpr Tick kHour = ticksFromSeconds(3600);
constexpr uint8_t kEstablished = 1, kFinWait = 4, kTimeWait = 5;

// A Told is an entry that is asked about at each of its packets.
class Told {
 public:
  Told(const SyncSettings& settings, uint8_t protocol, uint32_t timeoutSeconds, uint8_t state = 0)
      : settings_(settings) {
    entry.protocol = protocol;
    entry.state = state;
    entry.timeout = ticksFromSeconds(timeoutSeconds);
  }
  // Counts a packet, and tells whether the entry is told.
  bool packet(uint32_t afterSeconds = 0) {
    now += ticksFromSeconds(afterSeconds);
    entry.packets++;
    const auto told = decideSync(settings_, entry, memory, now);
    if (told) memory = *told;
    return told.has_value();
  }
  // Returns the numbers of those of its next packets at which it is told.
  std::vector<uint32_t> toldAt(uint32_t count, uint32_t secondsBetween = 0) {
    std::vector<uint32_t> numbers;
    for (uint32_t i = 0; i < count; i++) {
      if (packet(secondsBetween)) numbers.push_back(entry.packets);
    }
    return numbers;
  }
  SyncEntry entry;
  SyncMemory memory;
  Tick now = kHour;

 private:
  SyncSettings settings_;
};

using Numbers = std::vector<uint32_t>;

SyncSettings settings(uint32_t threshold, uint32_t period, uint32_t refreshSeconds = 0, uint8_t retries = 0) {
  SyncSettings settings;
  settings.threshold = threshold;
  settings.period = period;
  settings.refresh = ticksFromSeconds(refreshSeconds);
  settings.retries = retries;
  return settings;
}

}  // namespace

TEST("a connection is told at its third packet, and then at every fiftieth") {
  CHECK_EQ(Told(SyncSettings(), kUdpProtocol, 300).toldAt(160), (Numbers{3, 53, 103, 153}));
  CHECK_EQ(Told(SyncSettings(), kTcpProtocol, 900, kEstablished).toldAt(60), (Numbers{3, 53}));
  CHECK_EQ(Told(settings(0, 1), kUdpProtocol, 300).toldAt(4), (Numbers{1, 2, 3, 4}));
  CHECK_EQ(Told(settings(3, 0), kUdpProtocol, 300).toldAt(200), (Numbers{3}));
}

TEST("TCP and SCTP are told only in the states in which a backup could go on") {
  std::string tcp, sctp;
  for (uint8_t state = 0; state < kTcpStates; state++) {
    if (Told(settings(0, 1), kTcpProtocol, 60, state).packet()) tcp += std::string(kTcpStateNames[state]) + " ";
  }
  for (uint8_t state = 0; state < kSctpStates; state++) {
    if (Told(settings(0, 1), kSctpProtocol, 60, state).packet()) sctp += std::string(kSctpStateNames[state]) + " ";
  }
  CHECK_EQ(tcp, "ESTABLISHED FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT ");
  CHECK_EQ(sctp, "ESTABLISHED S-SENT S-RECEIVED S-ACK-SENT CLOSED ");
}

TEST("a connection that begins to close is told at once, and one that is established waits for its turn") {
  Told tcp(SyncSettings(), kTcpProtocol, 120, kFinWait);
  CHECK(tcp.packet());
  CHECK(!tcp.packet());
  tcp.entry.state = kTimeWait;
  tcp.entry.packets = 10;
  CHECK(tcp.packet());
  tcp.entry.state = kEstablished;
  CHECK_EQ(tcp.toldAt(60), (Numbers{53}));
}

TEST("one-packet connections are never told, nor what a template controls if only templates are") {
  Told once(settings(0, 1), kUdpProtocol, 300);
  once.entry.isOnePacket = true;
  CHECK(!once.packet());
  SyncSettings templates = settings(0, 1);
  templates.templatesOnly = true;
  Told controlled(templates, kTcpProtocol, 120, kFinWait), free = controlled, itself = controlled;
  controlled.entry.isPersistent = true;
  itself.entry.isTemplate = true;
  CHECK(!controlled.packet());
  CHECK(free.packet());
  CHECK(itself.packet());
}

TEST("a template is told at every packet of what it controls, in turns only when there is no period") {
  const auto toldAt = [](const SyncSettings& settings) {
    Told one(settings, kTcpProtocol, 300);
    one.entry.isTemplate = true;
    return one.toldAt(5);
  };
  CHECK_EQ(toldAt(SyncSettings()), (Numbers{1, 2, 3, 4, 5}));
  CHECK_EQ(toldAt(settings(3, 0)), (Numbers{3}));
}

TEST("the refresh period holds back what was told within it, and retries let some of it go") {
  const auto toldAt = [](const SyncSettings& settings, uint32_t secondsBetween, uint32_t timeoutSeconds = 300) {
    Told one(settings, kTcpProtocol, timeoutSeconds);
    one.entry.isTemplate = true;
    return one.toldAt(9, secondsBetween);
  };
  CHECK_EQ(toldAt(settings(3, 50, 10), 3), (Numbers{1, 5, 9}));
  CHECK_EQ(toldAt(settings(3, 50, 10, 2), 3), (Numbers{1, 2, 3, 7, 8, 9}));
  // A retry comes an eighth of the period later, or not at all.
  CHECK_EQ(toldAt(settings(3, 50, 80, 1), 4), (Numbers{1, 4}));
  // A long period does not keep back what would expire before: it is half of the timeout at most, but 10 s at least.
  CHECK_EQ(toldAt(settings(3, 50, 1000), 10, 60), (Numbers{1, 4, 7}));
  CHECK_EQ(toldAt(settings(3, 50, 1000), 5, 8), (Numbers{1, 3, 5, 7, 9}));
  // Without a period of packets, connections go by it too.
  CHECK_EQ(Told(settings(3, 0, 10), kUdpProtocol, 300).toldAt(9, 3), (Numbers{1, 5, 9}));
  CHECK_EQ(Told(settings(3, 4, 10), kUdpProtocol, 300).toldAt(16, 1), (Numbers{3, 15}));
}

TEST("a timeout that has become another is told in spite of the refresh period, before or behind") {
  Told one(settings(0, 0, 10), kUdpProtocol, 300);
  CHECK(one.packet());
  CHECK(!one.packet());
  one.entry.timeout = ticksFromSeconds(311);
  CHECK(one.packet());
  one.entry.timeout = ticksFromSeconds(100);
  CHECK(one.packet());
  CHECK(!one.packet());
}

TEST("an entry that was never told is not held back, however soon it expires and whatever the clock says") {
  Told one(settings(0, 0, 60), kUdpProtocol, 1);
  one.now = 0;
  CHECK(one.packet());
  one.now = ~Tick{0};
  one.memory = {};
  CHECK(one.packet());
  CHECK(!one.packet(1));
}

TEST("what is not remembered was not told, and what is told is remembered") {
  Told one(settings(1, 5), kTcpProtocol, 120, kFinWait);
  CHECK(one.packet());
  CHECK(one.memory == (SyncMemory{kHour + ticksFromSeconds(120), kFinWait, 0, true}));
}

TEST("a controller is asked behind its connection, in version 0 only if that was told") {
  CHECK(isControllerAsked(SyncVersion::v1, false) && isControllerAsked(SyncVersion::v1, true));
  CHECK(!isControllerAsked(SyncVersion::v0, false) && isControllerAsked(SyncVersion::v0, true));
}

TEST("the short way decides as the full one") {
  testing::Random random(22);
  size_t told = 0;
  for (size_t round = 0; round < 500'000 / testing::kFewer; round++) {
    SyncSettings any = settings(0, random.below(6), random.below(3) * 20, static_cast<uint8_t>(random.below(4)));
    any.threshold = any.period == 0 ? random.below(6) : random.below(any.period);
    any.templatesOnly = random.oneIn(4);
    constexpr uint8_t kProtocols[] = {kTcpProtocol, kUdpProtocol, kSctpProtocol};
    SyncEntry entry;
    entry.protocol = kProtocols[random.below(3)];
    entry.isTemplate = random.oneIn(4);
    const uint32_t states = entry.isTemplate ? kSyncTemplateStates : syncStatesOf(entry.protocol);
    entry.state = static_cast<uint8_t>(random.below(states));
    entry.isOnePacket = random.oneIn(8);
    entry.isPersistent = random.oneIn(2);
    entry.packets = random.below(12);
    entry.timeout = ticksFromSeconds(random.below(100));
    const auto now = static_cast<Tick>(random.next());
    const SyncMemory memory = {now + ticksFromSeconds(random.below(120)) - ticksFromSeconds(20),
                               static_cast<uint8_t>(random.below(states)), static_cast<uint8_t>(random.below(4)),
                               random.oneIn(2)};
    const auto decided = decideSync(any, entry, memory, now);
    REQUIRE(decided == decideSyncInFull(any, entry, memory, now));
    told += decided ? 1 : 0;
  }
  CHECK(told > 50'000 / testing::kFewer);
}

TEST("the numbers of states on the wire are the director's own") {
  CHECK_EQ(syncStatesOf(kTcpProtocol), kTcpStates);
  CHECK_EQ(syncStatesOf(kSctpProtocol), kSctpStates);
  for (unsigned protocol = 0; protocol < 256; protocol++) {
    const auto number = static_cast<uint8_t>(protocol);
    CHECK_EQ(syncStatesOf(number) != 0, isBalanced(number));
  }
}

}  // namespace tunvs::sync_decision_test
