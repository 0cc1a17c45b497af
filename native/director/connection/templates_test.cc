// Persistence: which real server a client's new connections go to, and how long that is remembered.
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::templates_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::Counts;
using testing::PacketBuilder;
using testing::TestDirector;

const IpAddress kVip = TestDirector::kWeb.address;

ServiceConfig persistent(uint32_t seconds, uint32_t mask = 0xffffffff) {
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = seconds;
  config.persistence.mask4 = Be32::from(mask);
  return config;
}

void addService(TestDirector& t, const ServiceConfig& config, const ServiceKey& key = TestDirector::kWeb) {
  CHECK(t.apply(AddService{key, config}).ok());
  for (const uint8_t server : {11, 12, 13}) t.addServer(server, {}, key);
}

std::string tcp(TestDirector& t, const char* client, uint16_t port, uint8_t flags = kTcpSyn, uint16_t to = 80) {
  return t.send(PacketBuilder().ip(address(client), kVip).tcp(port, to, flags).build());
}

const ConnectionRow* templateOf(const std::vector<ConnectionRow>& rows) {
  for (const auto& row : rows) {
    if (row.isTemplate) return &row;
  }
  return nullptr;
}

TEST("sends a client's new connections where its last one went, and others elsewhere") {
  TestDirector t;
  addService(t, persistent(300));
  const std::string first = tcp(t, "198.51.100.1", 1000);
  CHECK_EQ(tcp(t, "198.51.100.1", 1001), first);
  CHECK(tcp(t, "198.51.100.2", 1000) != first);
  CHECK_EQ(tcp(t, "198.51.100.1", 1002), first);
  CHECK_EQ(t.row(static_cast<uint8_t>(std::stoi(first))).persistent, 1);
  CHECK_EQ(t.counts(static_cast<uint8_t>(std::stoi(first))), Counts{3, 0});
}

TEST("treats the clients of one netmask as one client") {
  TestDirector t;
  addService(t, persistent(300, 0xffffff00));
  const std::string first = tcp(t, "198.51.100.1", 1000);
  CHECK_EQ(tcp(t, "198.51.100.250", 1000), first);
  CHECK(tcp(t, "198.51.101.1", 1000) != first);
  const auto rows = t.connections();
  CHECK(templateOf(rows) != nullptr);
}

TEST("masks IPv6 clients by their prefix") {
  const ServiceKey key{address("2001:db8::10"), 80, 6};
  TestDirector t;
  ServiceConfig config = persistent(300);
  config.persistence.prefix6 = 60;
  CHECK(t.apply(AddService{key, config}).ok());
  for (const uint8_t server : {11, 12, 13})
    CHECK(t.apply(AddServer{key, {IpAddress::v4(10, 0, 0, server), 80}, {}}).ok());
  const auto from = [&](const char* client) {
    return t.send(testing::ipv6Tcp(address(client), key.address, 1000, 80, kTcpSyn));
  };
  const std::string first = from("2001:db8:1:10::1");
  CHECK_EQ(from("2001:db8:1:1f::1"), first);
  CHECK(from("2001:db8:1:20::1") != first);
}

TEST("remembers a client for the service's time after its last new connection, whatever packets come in between") {
  TestDirector t;
  addService(t, persistent(300));
  const std::string first = tcp(t, "198.51.100.1", 1000);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000, kTcpRst), first);
  t.pass(299);
  CHECK_EQ(tcp(t, "198.51.100.1", 1001), first);
  CHECK_EQ(tcp(t, "198.51.100.1", 1001, kTcpFin), first);
  t.pass(299);
  CHECK(templateOf(t.connections()) != nullptr);
  t.pass(2);
  CHECK(templateOf(t.connections()) == nullptr);
  CHECK(tcp(t, "198.51.100.1", 1002) != first);
}

TEST("keeps a template while it has connections, a minute at a time, and for only a minute from then on") {
  TestDirector t;
  addService(t, persistent(100));
  const std::string first = tcp(t, "198.51.100.1", 1000);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000, kTcpAck), first);
  t.pass(101);
  const auto rows = t.connections();
  const ConnectionRow* row = templateOf(rows);
  CHECK(row != nullptr);
  if (row == nullptr) return;
  CHECK_EQ(row->controlled, 1u);
  CHECK_EQ(row->state, "ASSURED");
  CHECK(row->expiresMs <= 60000);
  CHECK_EQ(tcp(t, "198.51.100.1", 1001), first);
  const auto after = t.connections();
  CHECK(templateOf(after)->expiresMs <= 60000);
}

TEST("makes a new template when the old one's server is gone, and shows the old one on no port") {
  TestDirector t;
  addService(t, persistent(300));
  const std::string first = tcp(t, "198.51.100.1", 1000);
  t.deleteServer(static_cast<uint8_t>(std::stoi(first)));
  const std::string second = tcp(t, "198.51.100.1", 1001);
  CHECK(second != first && second.size() == 2);
  CHECK_EQ(tcp(t, "198.51.100.1", 1002), second);
  size_t invalid = 0;
  for (const auto& row : t.connections()) invalid += row.isTemplate && row.key.virtualPort().host() == 65535;
  CHECK_EQ(invalid, 1u);
}

TEST("follows a template to a server of weight 0, unless expire_quiescent_template is set") {
  TestDirector t;
  addService(t, persistent(300));
  const std::string first = tcp(t, "198.51.100.1", 1000);
  t.setWeight(static_cast<uint8_t>(std::stoi(first)), 0);
  CHECK_EQ(tcp(t, "198.51.100.1", 1001), first);
  t.setSysctl("expire_quiescent_template", 1);
  CHECK(tcp(t, "198.51.100.1", 1002) != first);
}

TEST("follows a template to an overloaded server") {
  TestDirector t;
  CHECK(t.apply(AddService{TestDirector::kWeb, persistent(300)}).ok());
  ServerConfig limited;
  limited.upperThreshold = 1;
  t.addServer(11, limited);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000), "11");
  CHECK_EQ(tcp(t, "198.51.100.1", 1001), "11");
  CHECK_EQ(tcp(t, "198.51.100.2", 1000), "dropNoServer");
}

TEST("keeps a reused port of a persistent client on its connection, whatever conn_reuse_mode says") {
  TestDirector t;
  addService(t, persistent(300));
  t.setSysctl("conn_reuse_mode", 3);
  const std::string first = tcp(t, "198.51.100.1", 1000);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000, kTcpFin), first);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000), first);
  CHECK_EQ(t.counter("connectionsCreated"), 1u);
}

TEST("drops the unassured templates of a removed server with its connections, and keeps assured ones") {
  for (const bool assured : {false, true}) {
    TestDirector t;
    t.setSysctl("expire_nodest_conn", 1);
    addService(t, persistent(300));
    const std::string first = tcp(t, "198.51.100.1", 1000);
    if (assured) tcp(t, "198.51.100.1", 1000, kTcpAck);
    t.deleteServer(static_cast<uint8_t>(std::stoi(first)));
    const auto rows = t.connections();
    for (const auto& row : rows) CHECK(row.isTemplate);
    if (!assured) CHECK(rows.empty());
  }
}

TEST("identifies a client of a service on every port by its address alone") {
  TestDirector t;
  ServiceKey every = TestDirector::kWeb;
  every.port = 0;
  addService(t, persistent(300), every);
  const std::string first = tcp(t, "198.51.100.1", 1000, kTcpSyn, 80);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000, kTcpSyn, 8080), first);
  CHECK(tcp(t, "198.51.100.2", 1000, kTcpSyn, 443) != first);
  for (const auto& row : t.connections()) {
    if (row.isTemplate) CHECK_EQ(row.server.port, 0);
    if (!row.isTemplate) CHECK_EQ(row.server.port, row.key.virtualPort().host());
  }
}

TEST("prefers a service of the exact port to the one on every port") {
  TestDirector t;
  ServiceKey every = TestDirector::kWeb;
  every.port = 0;
  CHECK(t.apply(AddService{every, persistent(300)}).ok());
  t.addServer(21, {}, every);
  CHECK(t.apply(AddService{TestDirector::kWeb, {"rr"}}).ok());
  t.addServer(11);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000, kTcpSyn, 80), "11");
  CHECK_EQ(tcp(t, "198.51.100.1", 1000, kTcpSyn, 81), "21");
}

TEST("leads FTP's data connections where the control connection went, and refuses them without persistence") {
  const ServiceKey ftp{kVip, 21, 6};
  {
    TestDirector t;
    addService(t, persistent(300), ftp);
    const std::string first = tcp(t, "198.51.100.1", 1000, kTcpSyn, 21);
    CHECK_EQ(tcp(t, "198.51.100.1", 1001, kTcpSyn, 20000), first);
    CHECK_EQ(tcp(t, "198.51.100.1", 1002, kTcpSyn, 20), first);
    CHECK_EQ(tcp(t, "198.51.100.1", 1003, kTcpSyn, 80), "dropNoService");
  }
  TestDirector t;
  addService(t, ServiceConfig{"rr"}, ftp);
  CHECK_EQ(tcp(t, "198.51.100.1", 1000, kTcpSyn, 21).size(), 2u);
  CHECK_EQ(tcp(t, "198.51.100.1", 1001, kTcpSyn, 20000), "dropNotScheduled");
}

TEST("schedules every datagram of a one-packet service by itself, and keeps none of them") {
  TestDirector t;
  ServiceConfig config{"rr"};
  config.onePacket = true;
  CHECK(t.apply(AddService{TestDirector::kNames, config}).ok());
  t.addServer(11, {}, TestDirector::kNames);
  t.addServer(12, {}, TestDirector::kNames);
  CHECK_EQ(t.udp(1), "12");
  CHECK_EQ(t.udp(1), "11");
  CHECK_EQ(t.udp(1), "12");
  CHECK(t.connections().empty());
  CHECK_EQ(t.serviceRow(TestDirector::kNames).traffic.connections, 3u);
  CHECK_EQ(t.counts(11, TestDirector::kNames), Counts{});
}

TEST("keeps a one-packet service's persistent client on its server") {
  TestDirector t;
  ServiceConfig config = persistent(300);
  config.onePacket = true;
  addService(t, config, TestDirector::kNames);
  const std::string first = t.udp(1);
  CHECK_EQ(t.udp(2), first);
  CHECK_EQ(t.udp(1), first);
  const auto rows = t.connections();
  CHECK_EQ(rows.size(), 1u);
  CHECK_EQ(rows[0].controlled, 0u);
}

// ---- by Call-ID ----

std::string sip(TestDirector& t, const char* client, const std::string& callId, uint16_t port = 5060) {
  const std::string message = "INVITE sip:bob@example.com SIP/2.0\r\nCall-ID: " + callId + "\r\n\r\n";
  return t.send(
      PacketBuilder().ip(address(client), kVip).udp(port, 53).payload(Bytes(message.begin(), message.end())).build());
}

ServiceConfig byCallId() {
  ServiceConfig config = persistent(300);
  config.persistence.engine = "sip";
  config.onePacket = true;
  return config;
}

TEST("sends the messages of one call to one server, and the calls of one client to several") {
  TestDirector t;
  addService(t, byCallId(), TestDirector::kNames);
  const std::string first = sip(t, "198.51.100.1", "one@pc33");
  const std::string second = sip(t, "198.51.100.1", "two@pc33");
  CHECK(first != second);
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(sip(t, "198.51.100.1", "one@pc33"), first);
    CHECK_EQ(sip(t, "198.51.100.1", "two@pc33"), second);
  }
  size_t ones = 0;
  for (const auto& row : t.connections()) {
    CHECK(row.isTemplate);
    CHECK_EQ(row.key.clientPort().host(), 0);
    ones += row.persistenceData == "one@pc33";
  }
  CHECK_EQ(ones, 1u);
}

TEST("drops what has no Call-ID, and forgets a call with its template") {
  TestDirector t;
  addService(t, byCallId(), TestDirector::kNames);
  CHECK_EQ(t.udp(1), "dropNoCallId");
  const std::string first = sip(t, "198.51.100.1", "one@pc33");
  t.pass(301);
  CHECK(t.connections().empty());
  CHECK(sip(t, "198.51.100.1", "one@pc33") != first);
}

TEST("keeps thousands of one client's calls apart") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.maxConnections = 16384;
  TestDirector t(options);
  addService(t, byCallId(), TestDirector::kNames);
  constexpr int kCalls = 8000;
  std::vector<std::string> chosen;
  for (int i = 0; i < kCalls; i++) chosen.push_back(sip(t, "198.51.100.1", "call" + std::to_string(i)));
  for (int i = 0; i < kCalls; i++)
    CHECK_EQ(sip(t, "198.51.100.1", "call" + std::to_string(i)), chosen[static_cast<size_t>(i)]);
  CHECK_EQ(t.connections().size(), size_t{kCalls});
}

TEST("never evicts a template that has connections") {
  TestDirector t;
  addService(t, persistent(300));
  tcp(t, "198.51.100.1", 1000);
  for (uint32_t i = 0; i < 3 * ConnTable::kMinCapacity; i++) {
    t.send(PacketBuilder().ip(IpAddress::v4(Be32::from(0xcb007100 + i)), kVip).tcp(1000, 80, kTcpSyn).build());
  }
  uint64_t controlled = 0, connections = 0;
  for (const auto& row : t.connections()) {
    controlled += row.controlled;
    connections += !row.isTemplate;
  }
  CHECK_EQ(controlled, connections);
}

}  // namespace
}  // namespace tunvs::templates_test
