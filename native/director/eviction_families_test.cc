// The promise of docs/conn-table.md for what eviction_test.cc does not cover: IPv6, and SCTP over both families. The
// table has one shard of 1,024 places for each family.
#include <functional>

#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::eviction_families_test {
namespace {

using testing::Bytes;
using testing::TestDirector;

constexpr uint32_t kCapacity = ConnTable::kMinCapacity;
constexpr uint8_t kInit = 1, kData = 0, kCookieEcho = 10;  // chunk types, RFC 9260 section 3.2
constexpr uint8_t kVip6[16] = {0x20, 1, 0xd, 0xb8, 0, 9}, kDip6[16] = {0x20, 1, 0xd, 0xb8, 0, 1};

struct Kind {
  Family family;
  uint8_t protocol;
};
constexpr Kind kKinds[] = {{Family::ipv6, kTcpProtocol}, {Family::ipv4, kSctpProtocol}, {Family::ipv6, kSctpProtocol}};

// Has services of one kind at ports 80 and 443, and one of UDP at port 53, with two servers each.
struct Attacked : TestDirector {
  explicit Attacked(Kind kind) : TestDirector(options()), kind(kind) {
    for (const auto& [port, protocol] :
         {std::pair<uint16_t, uint8_t>{80, kind.protocol}, {443, kind.protocol}, {53, kUdpProtocol}}) {
      const ServiceKey service{vip(), port, protocol};
      addService("rr", service);
      for (uint8_t last = 11; last < 13; last++) CHECK(apply(AddServer{service, {serverAt(last), port}, {}}).ok());
    }
  }
  static DirectorOptions options() {
    DirectorOptions options = defaultOptions();
    options.settings.v6 = SourceRange{IpAddress::v6(kDip6), 128};
    return options;
  }
  bool isV4() const { return kind.family == Family::ipv4; }
  IpAddress vip() const { return isV4() ? kWeb.address : IpAddress::v6(kVip6); }
  // Returns the address of a server of the clients' family.
  IpAddress serverAt(uint8_t last) const {
    if (isV4()) return IpAddress::v4(10, 0, 0, last);
    const uint8_t address[16] = {0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
    return IpAddress::v6(address);
  }

  // Sends from an address of its own for each number. Returns false when the packet was not forwarded.
  bool sent(uint32_t number, uint8_t protocol, const Bytes& segment) {
    const IpAddress client = clientOf(number);
    const Bytes packet = isV4() ? testing::ipv4Packet(client, vip(), protocol, segment)
                                : testing::ipv6Packet(client, vip(), protocol, segment);
    total++;
    return std::isdigit(send(packet)[0]) != 0;
  }
  IpAddress clientOf(uint32_t number) const {
    if (isV4()) return IpAddress::v4(Be32::from(0x0b000000 + number));
    uint8_t address[16] = {0x20, 1, 0xd, 0xb8, 0xc};
    storeBe32(&address[12], number);
    return IpAddress::v6(address);
  }
  bool tcp(uint32_t number, uint16_t port, uint8_t flags) {
    Bytes segment(20);
    storeBe16(&segment[0], 4000);
    storeBe16(&segment[2], port);
    segment[12] = 0x50;
    segment[13] = flags;
    return sent(number, kTcpProtocol, segment);
  }
  bool sctp(uint32_t number, uint16_t port, uint8_t chunk) {
    Bytes segment(16);
    storeBe16(&segment[0], 4000);
    storeBe16(&segment[2], port);
    segment[12] = chunk;
    storeBe16(&segment[14], 4);
    return sent(number, kSctpProtocol, segment);
  }
  bool udp(uint32_t number) {
    Bytes segment(8 + 9);
    storeBe16(&segment[0], 4000);
    storeBe16(&segment[2], 53);
    storeBe16(&segment[4], static_cast<uint16_t>(segment.size()));
    return sent(number, kUdpProtocol, segment);
  }

  bool isTcp() const { return kind.protocol == kTcpProtocol; }
  bool begin(uint32_t number, uint16_t port = 80) {
    return isTcp() ? tcp(number, port, kTcpSyn) : sctp(number, port, kInit);
  }
  bool goOn(uint32_t number, uint16_t port = 80) {
    return isTcp() ? tcp(number, port, kTcpAck) : sctp(number, port, kCookieEcho);
  }
  bool say(uint32_t number, uint16_t port = 80) {
    return isTcp() ? tcp(number, port, kTcpAck) : sctp(number, port, kData);
  }
  // Opens connections on which data was sent, all of them busy.
  void connect(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      CHECK(begin(i) && goOn(i));
      for (int packet = 0; packet < 12; packet++) CHECK(say(i));
    }
  }
  uint32_t alive(uint32_t count) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) found += say(i);
    return found;
  }
  // As in eviction_test.cc, one newcomer comes every 54 ms for a minute, and answers take 100 ms. Returns how many got
  // through.
  uint32_t handshakesOfAMinute(const std::function<void(uint32_t)>& flood) {
    constexpr uint32_t kRoundTrip = 2;  // steps
    uint32_t finished = 0;
    for (uint32_t i = 0; i < 1111 + 2 * kRoundTrip; i++) {
      passTicks(i % 2 == 0 ? 13 : 14);
      flood(i);
      if (i < 1111) begin(1000000 + i);
      if (i >= kRoundTrip && i < 1111 + kRoundTrip) goOn(1000000 + i - kRoundTrip);
      if (i >= 2 * kRoundTrip) finished += say(1000000 + i - 2 * kRoundTrip);
    }
    return finished;
  }
  bool isFull() const { return director.connectionCount(kind.family) >= kCapacity; }
  // Every packet has one verdict, and every forwarded one went out.
  void checkLaw() const {
    uint64_t verdicts = 0;
    for (const auto name : kVerdictNames) verdicts += counter(name);
    CHECK_EQ(counter("received"), total);
    CHECK_EQ(verdicts, total);
    const uint64_t ended =
        counter("connectionsExpired") + counter("connectionsEvicted") + counter("connectionsDropped");
    CHECK_EQ(counter("connectionsCreated"), ended + director.connectionCount());
  }

  Kind kind;
  uint64_t total = 0;
};

const char* nameOf(Kind kind) {
  if (kind.protocol == kTcpProtocol) return "TCP over IPv6";
  return kind.family == Family::ipv4 ? "SCTP over IPv4" : "SCTP over IPv6";
}

TEST("a flood of beginnings takes no busy connection, and lets newcomers in, over IPv6 and of SCTP") {
  for (const Kind kind : kKinds) {
    Attacked t(kind);
    constexpr uint32_t kLive = 300;
    t.connect(kLive);
    uint32_t spoofed = 5000;
    while (!t.isFull()) t.begin(spoofed++, 443);
    t.pass(2);  // within its first second no handshake gives way
    const uint32_t finished = t.handshakesOfAMinute([&](uint32_t i) {
      t.begin(spoofed++, 443);
      if (i % 10 == 0) t.say(i / 10 % kLive);
    });
    if (!CHECK(finished >= 1111u * 99 / 100)) std::printf("    %s: %u\n", nameOf(kind), finished);
    if (!CHECK_EQ(t.alive(kLive), kLive)) std::printf("    %s\n", nameOf(kind));
    CHECK(t.counter("evictedUnproven") > 0);
    t.checkLaw();
  }
}

TEST("a table full of datagrams' connections accepts handshakes, over IPv6 and of SCTP") {
  for (const Kind kind : kKinds) {
    Attacked t(kind);
    uint32_t spoofed = 5000;
    while (!t.isFull()) t.udp(spoofed++);
    const uint32_t finished = t.handshakesOfAMinute([&](uint32_t i) {
      if (i % 3 != 0) t.udp(spoofed++);
    });
    if (!CHECK_EQ(finished, 1111u)) std::printf("    %s\n", nameOf(kind));
    t.checkLaw();
  }
}

TEST("packets from the middle of unknown connections open none and take no place, over IPv6 and of SCTP") {
  for (const Kind kind : kKinds) {
    Attacked t(kind);
    constexpr uint32_t kLive = 300;
    t.connect(kLive);
    const uint64_t there = t.director.connectionCount();
    for (uint32_t i = 0; i < 5000; i++) CHECK(!t.say(5000 + i, 443));
    CHECK_EQ(t.director.connectionCount(), there);
    CHECK_EQ(t.counter("connectionsEvicted"), 0u);
    CHECK_EQ(t.alive(kLive), kLive);
    t.checkLaw();
  }
}

TEST("beginnings that continued only once are not proven, over IPv6 and of SCTP") {
  for (const Kind kind : kKinds) {
    Attacked t(kind);
    constexpr uint32_t kLive = 300;
    t.connect(kLive);
    uint32_t spoofed = 5000;
    const auto blind = [&] {
      t.begin(spoofed, 443);
      t.goOn(spoofed++, 443);
    };
    while (!t.isFull()) blind();
    t.pass(60);
    for (uint32_t i = 0; i < kLive; i++) t.say(i);
    const uint32_t finished = t.handshakesOfAMinute([&](uint32_t i) {
      if (i % 4 == 0) blind();
      t.say(i % kLive);
    });
    if (!CHECK(finished >= 1111u * 99 / 100)) std::printf("    %s: %u\n", nameOf(kind), finished);
    if (!CHECK_EQ(t.alive(kLive), kLive)) std::printf("    %s\n", nameOf(kind));
    t.checkLaw();
  }
}

}  // namespace
}  // namespace tunvs::eviction_families_test
