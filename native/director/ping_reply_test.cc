// Who answers a ping of a virtual address with ping-reply when-up: a full server is not down.
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::ping_reply_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::TestDirector;

const IpAddress kClient = IpAddress::v4(198, 51, 100, 7);

struct WhenUp : TestDirector {
  WhenUp() : TestDirector(options()) { addService("rr"); }
  static DirectorOptions options() {
    DirectorOptions made = defaultOptions();
    made.settings.pingReply = PingReply::whenUp;
    return made;
  }
  std::string ping() {
    const IpAddress vip = kWeb.address;
    return send(testing::icmpPacket(kClient, vip, 8, 0, 0, Bytes(16, 7)));
  }
};

TEST("a virtual address is up while a real server has a weight, and down otherwise") {
  WhenUp t;
  CHECK_EQ(t.ping(), "dropIcmp");
  ServerConfig quiescent;
  quiescent.weight = 0;
  t.addServer(11, quiescent);
  CHECK_EQ(t.ping(), "dropIcmp");
  t.addServer(12);
  CHECK_EQ(t.ping(), "answeredEcho");
}

TEST("a virtual address whose real servers are all at their upper threshold is up") {
  WhenUp t;
  ServerConfig small;
  small.upperThreshold = 1;
  t.addServer(11, small);
  const auto syn = [](uint16_t port) {
    return PacketBuilder().ip(kClient, TestDirector::kWeb.address).tcp(port, 80, kTcpSyn).build();
  };
  CHECK_EQ(t.send(syn(1000)), "11");
  CHECK_EQ(t.send(syn(1001)), "dropNoServer");
  CHECK_EQ(t.ping(), "answeredEcho");
}

TEST("a virtual address is down while all of its real servers are down by health or out of the list") {
  WhenUp t;
  t.addServer(11);
  for (const HealthCondition& health : {HealthCondition{.isUp = false}, HealthCondition{.isOut = true}}) {
    CHECK_EQ(t.ping(), "answeredEcho");
    t.setHealth(11, health);
    CHECK_EQ(t.ping(), "dropIcmp");
    t.setHealth(11, {});
  }
}

}  // namespace
}  // namespace tunvs::ping_reply_test
