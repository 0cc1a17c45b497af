// Answers of one-packet services leave in the name of the service that was asked, so a server may not answer for two.
#include "support/nat_director.h"

namespace tunvs::one_packet_answers_test {
namespace {

using testing::Bytes;
using testing::NatDirector;
using testing::PacketBuilder;

const ServerKey kServer = NatDirector::natServer(11, 5353);
const ServiceKey kOne = NatDirector::kNames, kOther{IpAddress::v4(192, 0, 2, 11), 53, 17};

ServiceConfig config(bool onePacket) {
  ServiceConfig made{"rr"};
  made.onePacket = onePacket;
  if (!onePacket) made.persistence.timeoutSeconds = 60;
  return made;
}

ServerConfig by(ForwardingMethod method) { return {.tunnel = {.method = method}}; }

struct TwoServices : NatDirector {
  explicit TwoServices(bool first = true, bool second = true, const ServiceKey& other = kOther) {
    CHECK(apply(AddService{kOne, config(first)}).ok());
    CHECK(apply(AddService{other, config(second)}).ok());
    CHECK(apply(AddServer{kOne, kServer, natConfig()}).ok());
  }
};

bool isRefused(const Result<void>& result) {
  return !result.ok() && result.error().message.find("no connection that could tell which") != std::string::npos;
}

Bytes question(const ServiceKey& service) {
  return PacketBuilder().ip(NatDirector::kClient, service.address).udp(40000, service.port).payload(9).build();
}

TEST("a server that answers for a one-packet service answers for no other, whichever of them keeps no connections") {
  for (const auto& [first, second] : {std::pair{true, true}, {true, false}, {false, true}}) {
    TwoServices t(first, second);
    CHECK(isRefused(t.apply(AddServer{kOther, kServer, NatDirector::natConfig()})));
    // It listens on another port for the other one.
    CHECK(t.apply(AddServer{kOther, NatDirector::natServer(11, 5354), NatDirector::natConfig()}).ok());
    CHECK_EQ(t.thereAndBack(question(kOne)), "the same");
    CHECK_EQ(t.thereAndBack(question(kOther)), "the same");
  }
  TwoServices both(false, false);
  CHECK(both.apply(AddServer{kOther, kServer, NatDirector::natConfig()}).ok());
}

TEST("the refusal names the server and both services") {
  TwoServices t;
  const auto refused = t.apply(AddServer{kOther, kServer, NatDirector::natConfig()});
  CHECK(!refused.ok());
  for (const std::string name : {"10.0.0.11:5353", "UDP 192.0.2.10:53", "UDP 192.0.2.11:53"})
    CHECK(refused.error().message.find(name) != std::string::npos);
}

TEST("an edit may not make a server answer for two services, either") {
  TwoServices t(false, false);
  CHECK(t.apply(AddServer{kOther, kServer, NatDirector::natConfig()}).ok());
  CHECK(isRefused(t.apply(EditService{kOther, config(true)})));
  CHECK(isRefused(t.apply(EditService{kOne, config(true)})));
  CHECK_EQ(t.thereAndBack(question(kOther)), "the same");

  TwoServices tunnel;
  const ServerKey port{kServer.address, 53};
  CHECK(tunnel.apply(AddServer{kOther, port, by(ForwardingMethod::ipip)}).ok());
  CHECK(tunnel.apply(AddServer{kOne, port, NatDirector::natConfig()}).ok());
  CHECK(isRefused(tunnel.apply(EditServer{kOther, port, NatDirector::natConfig()})));
}

TEST(
    "a transaction may move a server from one service to another in either order, and names the step that may not be") {
  TwoServices t;
  const Operation add = AddServer{kOther, kServer, NatDirector::natConfig()}, remove = DeleteServer{kOne, kServer};
  const Operation last = EditService{kOther, config(true)}, unconcerned = ZeroCounters{};
  size_t failedAt = 99;
  const Operation refused[] = {unconcerned, add, unconcerned};
  CHECK(isRefused(t.director.apply(refused, &failedAt)) && failedAt == 1);
  const Operation moved[] = {add, remove, last};
  CHECK(t.director.apply(moved, &failedAt).ok());
  CHECK_EQ(t.thereAndBack(question(kOther)), "the same");
}

TEST("servers without a port of their own answer from the ports of their service") {
  ServiceKey range{IpAddress::v4(192, 0, 2, 11), 5300, 17};
  range.lastPort = 5353;
  ServiceKey mark;
  mark.mark = 7;
  const ServerKey anyPort{kServer.address, 0};
  for (const ServiceKey& key : {range, mark}) {
    TwoServices t(true, true, key);
    CHECK(isRefused(t.apply(AddServer{key, anyPort, NatDirector::natConfig()})));
    // What keeps connections has few answers without one.
    CHECK(t.apply(EditService{key, config(false)}).ok());
    CHECK(t.apply(AddServer{key, anyPort, NatDirector::natConfig()}).ok());
  }
  range.lastPort = 5352;
  TwoServices beside(true, true, range);
  CHECK(beside.apply(AddServer{range, anyPort, NatDirector::natConfig()}).ok());
}

TEST("services of other protocols and methods share a one-packet service's server") {
  TwoServices t;
  const ServiceKey tcp{kOther.address, 53, 6};
  CHECK(t.apply(AddService{tcp, {"rr"}}).ok());
  CHECK(t.apply(AddServer{tcp, kServer, NatDirector::natConfig()}).ok());
  CHECK(t.apply(AddServer{kOther, NatDirector::natServer(11, 53), by(ForwardingMethod::ipip)}).ok());
}

}  // namespace
}  // namespace tunvs::one_packet_answers_test
