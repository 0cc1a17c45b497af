#include "director/config/control.h"

#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::control_test {
namespace {

using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb, kNames = TestDirector::kNames;

ServerKey server(uint8_t lastByte) { return TestDirector::server(lastByte); }

ServerConfig weighing(int32_t weight) {
  ServerConfig config;
  config.weight = weight;
  return config;
}

// Returns all that the configuration shows, in one line.
std::string configuration(const TestDirector& t) {
  std::string text;
  const auto add = [&text](std::initializer_list<std::string> parts) {
    for (const auto& part : parts) text += part;
  };
  for (const auto& service : t.rows()) {
    add({toString(service.key.address), ":", std::to_string(service.key.port), " ", service.config.scheduler});
    for (const auto& row : service.servers) {
      add({" ", std::to_string(row.key.address.bytes[3]), "*", std::to_string(row.config.weight), "#",
           std::to_string(row.id), "(", std::to_string(row.config.upperThreshold), ",",
           std::to_string(row.config.lowerThreshold), ")", row.overloaded ? "!" : ""});
    }
    text += "; ";
  }
  return text;
}

TEST("lists services in the order of adding and their servers newest first") {
  TestDirector t;
  t.addService("wrr");
  t.addService("rr", kNames);
  for (const uint8_t lastByte : {11, 12, 13}) t.addServer(lastByte);
  t.deleteServer(12);
  t.addServer(12);
  CHECK_EQ(configuration(t), "192.0.2.10:80 wrr 12*1#1(0,0) 13*1#2(0,0) 11*1#0(0,0); 192.0.2.10:53 rr; ");
}

TEST("keeps a server's place in the list when it is edited") {
  TestDirector t;
  t.addService();
  for (const uint8_t lastByte : {11, 12, 13}) t.addServer(lastByte);
  t.setWeight(12, 7);
  CHECK_EQ(configuration(t), "192.0.2.10:80 rr 13*1#2(0,0) 12*7#1(0,0) 11*1#0(0,0); ");
}

TEST("refuses what can't be done, with a code and a sentence") {
  const IpAddress v6 = testing::address("2001:db8::1");
  const ServerConfig thresholds = {{}, 1, 5, 6};
  const ServerConfig routed = {{.method = ForwardingMethod::dr}, 1, 0, 0};  // to a server of the other address family
  const struct {
    ErrorCode code;
    const char* says;
    Operation operation;
  } table[] = {
      {ErrorCode::exists, "TCP 192.0.2.10:80 exists already", AddService{kWeb, {"rr"}}},
      {ErrorCode::unsupported, "there is no scheduler 'nosuch'", AddService{kNames, {"nosuch"}}},
      {ErrorCode::unsupported, "there is no scheduler ''", EditService{kWeb, {""}}},
      {ErrorCode::unsupported, "protocol 33", AddService{{kWeb.address, 80, 33}, {"rr"}}},
      {ErrorCode::unsupported, "protocol 0", AddService{{kWeb.address, 80, 0}, {"rr"}}},
      {ErrorCode::invalidArgument, "every port", AddService{{kWeb.address, 0, 6}, {"rr"}}},
      {ErrorCode::invalidArgument, "ff02::1", AddService{{testing::address("ff02::1"), 80, 6}, {"rr"}}},
      {ErrorCode::invalidArgument, "224.0.0.1", AddService{{IpAddress::v4(224, 0, 0, 1), 80, 6}, {"rr"}}},
      {ErrorCode::invalidArgument, "127.0.0.1", AddService{{IpAddress::v4(127, 0, 0, 1), 80, 6}, {"rr"}}},
      {ErrorCode::notFound, "no virtual service UDP 192.0.2.10:53", EditService{kNames, {"rr"}}},
      {ErrorCode::notFound, "no virtual service UDP 192.0.2.10:53", DeleteService{kNames}},
      {ErrorCode::notFound, "no virtual service UDP 192.0.2.10:53", AddServer{kNames, server(11), {}}},
      {ErrorCode::notFound, "no virtual service UDP 192.0.2.10:53", ZeroCounters{kNames}},
      {ErrorCode::exists, "10.0.0.11:80 is in TCP 192.0.2.10:80", AddServer{kWeb, server(11), {}}},
      {ErrorCode::notFound, "10.0.0.99:80 is not in TCP 192.0.2.10:80", EditServer{kWeb, server(99), {}}},
      {ErrorCode::notFound, "10.0.0.99:80 is not in TCP 192.0.2.10:80", DeleteServer{kWeb, server(99)}},
      {ErrorCode::invalidArgument, "weight of -1", AddServer{kWeb, server(12), weighing(-1)}},
      {ErrorCode::invalidArgument, "weight of -1", EditServer{kWeb, server(11), weighing(-1)}},
      {ErrorCode::invalidArgument, "threshold 6", AddServer{kWeb, server(12), thresholds}},
      {ErrorCode::invalidArgument, "0.0.0.0", AddServer{kWeb, {IpAddress::v4(0, 0, 0, 0), 80}, {}}},
      {ErrorCode::invalidArgument, "255.255.255.255", AddServer{kWeb, {IpAddress::v4(255, 255, 255, 255), 80}, {}}},
      {ErrorCode::invalidArgument, "virtual service's address family", AddServer{kWeb, {v6, 80}, routed}},
  };
  TestDirector t;
  t.addService();
  t.addServer(11);
  const std::string before = configuration(t);
  for (const auto& row : table) {
    size_t failedAt = 99;
    const auto refused = t.director.apply({&row.operation, 1}, &failedAt);
    if (refused.ok()) {
      testing::fail(__FILE__, __LINE__, std::string("took what should fail with ") + row.says);
      continue;
    }
    CHECK_EQ(failedAt, 0u);
    CHECK(refused.error().code == row.code);
    if (refused.error().message.find(row.says) == std::string::npos) {
      testing::fail(__FILE__, __LINE__, refused.error().message + " does not say " + row.says);
    }
  }
  CHECK_EQ(configuration(t), before);
}

TEST("leaves nothing behind after a transaction whose last operation fails") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  CHECK_EQ(t.establish(1), "12");
  const std::string before = configuration(t);
  const Operation operations[] = {
      AddService{kNames, {"rr"}},
      AddServer{kNames, server(21), {}},
      AddServer{kWeb, server(13), {}},
      EditServer{kWeb, server(11), weighing(9)},
      DeleteServer{kWeb, server(12)},
      EditService{kWeb, {"wlc"}},
      ZeroCounters{kWeb},
      DeleteService{kWeb},
      ClearServices{},
      AddService{kWeb, {"lc"}},
      AddServer{kWeb, server(12), {}},
      AddServer{kWeb, server(12), {}},
  };
  size_t failedAt = 0;
  CHECK(!t.director.apply(operations, &failedAt).ok());
  CHECK_EQ(failedAt, std::size(operations) - 1);
  CHECK_EQ(configuration(t), before);
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(t.row(12).traffic.inPackets, 3u);
  CHECK_EQ(t.tcp(2, kTcpSyn), "11");  // the scheduler's position is the old one, too
}

TEST("does not end an overload in a transaction that fails") {
  TestDirector t;
  t.addService();
  ServerConfig one;
  one.upperThreshold = 1;
  t.addServer(11, one);
  CHECK_EQ(t.establish(1), "11");
  CHECK(t.row(11).overloaded);
  ServerConfig two = one;
  two.upperThreshold = 2;
  CHECK(!t.apply(EditServer{kWeb, server(11), two}, DeleteServer{kWeb, server(99)}).ok());
  CHECK(t.row(11).overloaded);
  CHECK_EQ(t.tcp(2, kTcpSyn), "dropNoServer");

  // The same holds for a server that would have come back.
  t.deleteServer(11);
  CHECK(!t.apply(AddServer{kWeb, server(11), {}}, DeleteServer{kWeb, server(99)}).ok());
  t.addServer(11, one);
  CHECK(t.row(11).overloaded);
}

TEST("gives the ids of failed transactions back") {
  TestDirector t;
  t.addService();
  for (int i = 0; i < 1000; i++) {
    CHECK(!t.apply(AddServer{kWeb, server(11), {}}, AddServer{kWeb, server(12), {}}, AddServer{kWeb, server(11), {}})
               .ok());
  }
  t.addServer(11);
  CHECK(t.row(11).id < 2);
}

TEST("applies a whole configuration at once") {
  TestDirector t;
  CHECK(t.apply(AddService{kWeb, {"rr"}}, AddServer{kWeb, server(11), {}}, AddServer{kWeb, server(12), weighing(0)},
                EditServer{kWeb, server(12), weighing(2)}, AddService{kNames, {"wlc"}}, DeleteService{kNames},
                AddServer{kWeb, server(13), {}}, DeleteServer{kWeb, server(11)})
            .ok());
  CHECK_EQ(configuration(t), "192.0.2.10:80 rr 13*1#2(0,0) 12*2#1(0,0); ");
  CHECK(t.apply().ok());
  CHECK(t.apply(ClearServices{}).ok());
  CHECK_EQ(configuration(t), "");
  CHECK(t.apply(ClearServices{}).ok());
}

TEST("tells whether a transaction removed a server") {
  Epochs epochs;
  ServerPool pool(1);
  Control control({}, pool, epochs);
  bool serversRemoved = true;
  const Operation add[] = {AddService{kWeb, {"rr"}}, AddServer{kWeb, server(11), {}}};
  CHECK(control.apply(add, nullptr, &serversRemoved).ok());
  CHECK(!serversRemoved);
  const Operation remove[] = {DeleteService{kWeb}};
  CHECK(control.apply(remove, nullptr, &serversRemoved).ok());
  CHECK(serversRemoved);
}

TEST("finds a service by address, protocol and port, among many") {
  Epochs epochs;
  ServerPool pool(1);
  Control control({}, pool, epochs);
  std::vector<Operation> operations;
  const auto keyOf = [](uint32_t i) {
    return ServiceKey{IpAddress::v4(192, 0, 2, static_cast<uint8_t>(1 + i % 50)), static_cast<uint16_t>(1 + i / 100),
                      static_cast<uint8_t>(i / 50 % 2 == 0 ? 6 : 17)};
  };
  for (uint32_t i = 0; i < 1000; i++) operations.push_back(AddService{keyOf(i), {"rr"}});
  REQUIRE(control.apply(operations).ok());
  const auto find = [&](const ServiceKey& key) {
    return control.table()->find(FlowKey::make(IpAddress::v4(198, 51, 100, 7), Be16::from(4000), key.address,
                                               Be16::from(key.port), key.protocol));
  };
  for (uint32_t i = 0; i < 1000; i++) {
    const ServiceView* found = find(keyOf(i));
    if (!CHECK(found != nullptr && found->key == keyOf(i))) return;
  }
  CHECK_EQ(find({IpAddress::v4(192, 0, 2, 1), 11, 6}), nullptr);
  CHECK_EQ(find({IpAddress::v4(192, 0, 2, 51), 1, 6}), nullptr);
  CHECK_EQ(find({IpAddress::v4(192, 0, 2, 1), 1, 1}), nullptr);
}

TEST("starts afresh with another scheduler and continues with the same one") {
  TestDirector t;
  t.addService("rr");
  for (const uint8_t lastByte : {11, 12, 13}) t.addServer(lastByte);
  CHECK_EQ(t.tcp(1, kTcpSyn), "13");
  CHECK_EQ(t.tcp(2, kTcpSyn), "12");
  CHECK(t.apply(EditService{kWeb, {"rr"}}).ok());
  CHECK_EQ(t.tcp(3, kTcpSyn), "11");
  CHECK_EQ(t.tcp(4, kTcpSyn), "13");
  CHECK(t.apply(EditService{kWeb, {"wlc"}}).ok());
  CHECK_EQ(t.tcp(5, kTcpSyn), "12");  // 13 has two connections
  CHECK(t.apply(EditService{kWeb, {"rr"}}).ok());
  CHECK_EQ(t.tcp(6, kTcpSyn), "13");
  CHECK_EQ(t.tcp(1, kTcpAck), "13");  // connections stay where they are
  CHECK_EQ(t.tcp(2, kTcpAck), "12");
}

TEST("keeps a snapshot whole for the reader that holds it") {
  Epochs epochs;
  ServerPool pool(1);
  Control control(TestDirector::defaultOptions().settings, pool, epochs);
  const Operation first[] = {AddService{kWeb, {"rr"}}, AddServer{kWeb, server(11), weighing(3)}};
  REQUIRE(control.apply(first).ok());
  epochs.enter(0);
  const ServiceTable* held = control.table();
  for (int i = 0; i < 50; i++) {
    const Operation next[] = {EditServer{kWeb, server(11), weighing(i)}};
    REQUIRE(control.apply(next).ok());
    control.collect(static_cast<Tick>(i) * 100000);
  }
  // An address sanitizer would show freed memory here.
  REQUIRE(held->services().size() == 1);
  CHECK_EQ(held->services()[0]->candidates[0]->weight, 3);
  CHECK_EQ(held->server(0)->weight, 3);
  epochs.leave(0);
  control.collect(10000000);
  CHECK_EQ(control.table()->server(0)->weight, 49);
}

}  // namespace
}  // namespace tunvs::control_test
