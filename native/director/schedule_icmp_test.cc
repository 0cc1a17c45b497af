// ICMP errors about replies of unknown connections. With ECMP in front of several directors they may reach the wrong
// one, which finds the right server by its scheduler (net.ipv4.vs.schedule_icmp).
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::schedule_icmp_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::TestDirector;

const IpAddress kClient = IpAddress::v4(198, 51, 100, 7);
const IpAddress kRouter = IpAddress::v4(203, 0, 113, 9);
constexpr uint16_t kClientPort = 1024;

// A router tells the virtual address that a reply was too long for it.
Bytes fragmentationNeeded(uint16_t servicePort = 80, size_t quotedTransport = 8) {
  const IpAddress vip = TestDirector::kWeb.address;
  Bytes reply = PacketBuilder().ip(vip, kClient).tcp(servicePort, kClientPort, kTcpAck).build();
  reply.resize(20 + quotedTransport);
  return testing::icmpPacket(kRouter, vip, 3, 4, 1400, reply);
}

struct Setting {
  TestDirector t;
  explicit Setting(const std::string& scheduler = "rr") {
    t.addService(scheduler);
    t.addServer(11);
    t.addServer(12);
  }
};

TEST("drops an ICMP error about an unknown reply, as long as schedule_icmp is off") {
  Setting s;
  CHECK_EQ(s.t.send(fragmentationNeeded()), "dropIcmp");
  CHECK(s.t.connections().empty());
}

TEST("sends it to the server that the scheduler gives the quoted connection, and the client's packets after it") {
  Setting s;
  s.t.setSysctl("schedule_icmp", 1);
  CHECK_EQ(s.t.send(fragmentationNeeded()), "relayedIcmp");
  const auto rows = s.t.connections();
  CHECK_EQ(rows.size(), 1u);
  if (rows.size() != 1) return;
  CHECK_EQ(rows[0].state, "NONE");
  CHECK(rows[0].expiresMs <= 3000);
  CHECK_EQ(toString(rows[0].key.client()), toString(kClient));
  CHECK_EQ(toString(rows[0].server.address), "10.0.0.12");
  CHECK_EQ(s.t.serviceRow().traffic.connections, 1u);
  const Bytes ack = PacketBuilder().ip(kClient, TestDirector::kWeb.address).tcp(kClientPort, 80, kTcpAck).build();
  CHECK_EQ(s.t.send(ack), "12");
  CHECK_EQ(s.t.state(), "ESTABLISHED");
}

TEST("forgets the connection of an ICMP error after three seconds") {
  Setting s;
  s.t.setSysctl("schedule_icmp", 1);
  s.t.send(fragmentationNeeded());
  s.t.pass(3.1);
  CHECK(s.t.connections().empty());
}

TEST("begins nothing for an ICMP error about a port that has no service, or one that quotes no ports") {
  Setting s;
  s.t.setSysctl("schedule_icmp", 1);
  CHECK_EQ(s.t.send(fragmentationNeeded(81)), "dropIcmp");
  CHECK_EQ(s.t.send(fragmentationNeeded(80, 3)), "dropIcmp");
  CHECK(s.t.connections().empty());
}

TEST("answers nothing when no server may take the connection that an ICMP error would begin") {
  TestDirector t;
  t.addService("rr");
  t.setSysctl("schedule_icmp", 1);
  CHECK_EQ(t.send(fragmentationNeeded()), "dropIcmp");
  CHECK(t.sent.empty());
}

}  // namespace
}  // namespace tunvs::schedule_icmp_test
