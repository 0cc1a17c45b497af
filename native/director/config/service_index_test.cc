// Which of several virtual services a packet is for.
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::service_index_test {
namespace {

using testing::address;
using testing::PacketBuilder;
using testing::TestDirector;

struct Flow {
  const char* to;
  uint16_t port = 80;
  uint8_t protocol = kTcpProtocol;
  const char* from = "198.51.100.7";
};

// Adds a service with one real server, 10.0.0.`server`, which shows where packets went.
void add(TestDirector& t, const ServiceKey& key, uint8_t server, uint32_t persistenceSeconds = 0) {
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = persistenceSeconds;
  CHECK(t.apply(AddService{key, config}, AddServer{key, {IpAddress::v4(10, 0, 0, server), 0}, {}}).ok());
}

std::string chosen(TestDirector& t, const Flow& flow) {
  static uint16_t port = 1024;
  port++;
  if (!address(flow.to).isV4())
    return t.send(testing::ipv6Tcp(address(flow.from), address(flow.to), port, flow.port, kTcpSyn));
  PacketBuilder packet;
  packet.ip(address(flow.from), address(flow.to));
  if (flow.protocol == kTcpProtocol) return t.send(packet.tcp(port, flow.port, kTcpSyn).build());
  return t.send(packet.udp(port, flow.port).build());
}

ServiceKey key(const char* vip, uint16_t port, uint8_t protocol = kTcpProtocol) {
  return {address(vip), port, protocol};
}
ServiceKey range(const char* vip, uint16_t first, uint16_t last) {
  ServiceKey made = key(vip, first);
  made.lastPort = last;
  return made;
}
ServiceKey prefix(const char* vip, uint8_t bits, uint16_t port, uint16_t last = 0) {
  ServiceKey made = key(vip, port);
  made.prefix = bits;
  made.lastPort = last;
  return made;
}
ServiceKey mark(uint32_t number, Family family = Family::ipv4) {
  ServiceKey made;
  made.mark = number;
  made.address.family = family;
  return made;
}

TEST("prefers the service of the exact port to a range, a range to every port, and addresses to prefixes") {
  TestDirector t;
  add(t, key("192.0.2.1", 80), 1);
  add(t, range("192.0.2.1", 80, 90), 2);
  add(t, range("192.0.2.1", 80, 200), 3);
  add(t, key("192.0.2.1", 0), 4, 300);
  add(t, prefix("192.0.2.0", 28, 80), 5);
  add(t, prefix("192.0.2.0", 24, 1, 65535), 6);
  CHECK_EQ(chosen(t, {"192.0.2.1", 80}), "1");
  CHECK_EQ(chosen(t, {"192.0.2.1", 90}), "2");
  CHECK_EQ(chosen(t, {"192.0.2.1", 91}), "3");
  CHECK_EQ(chosen(t, {"192.0.2.1", 201}), "4");
  CHECK_EQ(chosen(t, {"192.0.2.2", 80}), "5");
  CHECK_EQ(chosen(t, {"192.0.2.2", 81}), "6");
  CHECK_EQ(chosen(t, {"192.0.2.16", 80}), "6");
  CHECK_EQ(chosen(t, {"192.0.3.1", 80}), "dropNoService");
  CHECK_EQ(chosen(t, {"192.0.2.1", 80, kUdpProtocol}), "dropNoService");
}

TEST("takes the service of a packet's mark first, whatever its address, port and protocol") {
  TestDirector t;
  add(t, key("192.0.2.1", 80), 1);
  add(t, mark(7), 7);
  MarkRule rule;
  rule.mark = 7;
  rule.destination = AddressPrefix{address("192.0.2.0"), 24};
  CHECK_EQ(chosen(t, {"192.0.2.1", 80}), "1");
  CHECK(t.apply(SetMarks{{rule}}).ok());
  CHECK_EQ(chosen(t, {"192.0.2.1", 80}), "7");
  CHECK_EQ(chosen(t, {"192.0.2.9", 53, kUdpProtocol}), "7");
  CHECK_EQ(chosen(t, {"192.0.3.1", 80}), "dropNoService");
}

TEST("gives a packet the mark of the first rule that fits it in every part") {
  TestDirector t;
  for (const uint8_t number : {1, 2, 3}) add(t, mark(number), number);
  MarkRule bySource, byPort, byProtocol;
  bySource.mark = 1;
  bySource.source = AddressPrefix{address("198.51.100.0"), 24};
  bySource.protocol = kTcpProtocol;
  byPort.mark = 2;
  byPort.firstPort = 8000;
  byPort.lastPort = 8099;
  byProtocol.mark = 3;
  byProtocol.protocol = kUdpProtocol;
  CHECK(t.apply(SetMarks{{bySource, byPort, byProtocol}}).ok());
  CHECK_EQ(chosen(t, {"192.0.2.1", 8000}), "1");
  CHECK_EQ(chosen(t, {"192.0.2.1", 8000, kTcpProtocol, "203.0.113.1"}), "2");
  CHECK_EQ(chosen(t, {"192.0.2.1", 8099, kUdpProtocol}), "2");
  CHECK_EQ(chosen(t, {"192.0.2.1", 8100, kUdpProtocol}), "3");
  CHECK_EQ(chosen(t, {"192.0.2.1", 7999, kTcpProtocol, "203.0.113.1"}), "dropNoService");
}

TEST("falls back to the address when a mark has no service") {
  TestDirector t;
  add(t, key("192.0.2.1", 80), 1);
  add(t, mark(9), 9);
  MarkRule rule;
  rule.mark = 8;
  CHECK(t.apply(SetMarks{{rule}}).ok());
  CHECK_EQ(chosen(t, {"192.0.2.1", 80}), "1");
}

TEST("keeps one mark's services of the two families apart") {
  TestDirector t;
  add(t, mark(7), 1);
  add(t, mark(7, Family::ipv6), 2);
  MarkRule four, six;
  four.mark = six.mark = 7;
  six.family = Family::ipv6;
  CHECK(t.apply(SetMarks{{four, six}}).ok());
  CHECK_EQ(chosen(t, {"192.0.2.1"}), "1");
  CHECK_EQ(chosen(t, {"2001:db8::1", 80, kTcpProtocol, "2001:db8::7"}), "2");
}

TEST("identifies a persistent client of a mark by its address, across ports, protocols and virtual addresses") {
  TestDirector t;
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 300;
  CHECK(t.apply(AddService{mark(7), config}).ok());
  for (const uint8_t server : {11, 12, 13})
    CHECK(t.apply(AddServer{mark(7), {IpAddress::v4(10, 0, 0, server), 0}, {}}).ok());
  MarkRule rule;
  rule.mark = 7;
  CHECK(t.apply(SetMarks{{rule}}).ok());
  const std::string first = chosen(t, {"192.0.2.1", 80});
  CHECK_EQ(chosen(t, {"192.0.2.9", 53, kUdpProtocol}), first);
  CHECK(chosen(t, {"192.0.2.1", 80, kTcpProtocol, "198.51.100.8"}) != first);
}

TEST("identifies a persistent client of a range or a prefix across its ports and addresses") {
  TestDirector t;
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 300;
  const ServiceKey wide = prefix("192.0.2.0", 24, 8000, 8099);
  CHECK(t.apply(AddService{wide, config}).ok());
  for (const uint8_t server : {11, 12, 13})
    CHECK(t.apply(AddServer{wide, {IpAddress::v4(10, 0, 0, server), 0}, {}}).ok());
  const std::string first = chosen(t, {"192.0.2.1", 8000});
  CHECK_EQ(chosen(t, {"192.0.2.2", 8099}), first);
}

TEST("answers for every address of a prefix and of a mark's destinations") {
  TestDirector t;
  add(t, prefix("192.0.2.0", 28, 80), 1);
  add(t, mark(7), 7);
  MarkRule rule;
  rule.mark = 7;
  rule.destination = AddressPrefix{address("192.0.3.0"), 24};
  CHECK(t.apply(SetMarks{{rule}}).ok());
  const auto ping = [&](const char* to) {
    return t.send(PacketBuilder()
                      .ip(address("198.51.100.7"), address(to))
                      .protocol(IpProtocol::icmp)
                      .payload({8, 0, 0xf7, 0xff, 0, 0, 0, 0})
                      .build());
  };
  CHECK_EQ(ping("192.0.2.15"), "answeredEcho");
  CHECK_EQ(ping("192.0.2.16"), "dropNoService");
  CHECK_EQ(ping("192.0.3.200"), "answeredEcho");
}

TEST("refuses keys and rules that make no sense, in a sentence") {
  ServiceKey markWithPort = mark(7);
  markWithPort.port = 80;
  MarkRule none, backwards, mixed;
  backwards.mark = mixed.mark = 1;
  backwards.firstPort = 90;
  backwards.lastPort = 80;
  mixed.source = AddressPrefix{address("2001:db8::"), 32};
  const struct {
    Operation operation;
    const char* says;
  } table[] = {
      {AddService{markWithPort, {}}, "no protocol, address or port"},
      {AddService{range("192.0.2.1", 90, 80), {}}, "from 90 to 80"},
      {AddService{prefix("192.0.2.1", 28, 80), {}}, "192.0.2.1/28"},
      {AddService{prefix("192.0.2.0", 33, 80), {}}, "33"},
      {AddService{key("192.0.2.1", 0), {}}, "every port"},
      {SetMarks{{none}}, "1 or more"},
      {SetMarks{{backwards}}, "from 90 to 80"},
      {SetMarks{{mixed}}, "address family"},
  };
  TestDirector t;
  for (const auto& row : table) {
    const auto refused = t.apply(row.operation);
    if (refused.ok() || refused.error().message.find(row.says) == std::string::npos) {
      testing::fail(__FILE__, __LINE__,
                    (refused.ok() ? "took it" : refused.error().message) + ", expected " + row.says);
    }
  }
}

}  // namespace
}  // namespace tunvs::service_index_test
