// Packets from the middle of connections that another director had, or this one before it was restarted.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::mid_stream_test {
namespace {

using testing::Counts;
using testing::PacketBuilder;
using testing::TestDirector;

ServiceConfig hashing(const char* scheduler = "maglev") {
  ServiceConfig config{scheduler, {kPortFlag}};
  config.midStream = MidStream::hash;
  return config;
}

void serve(TestDirector& t, const ServiceConfig& config) {
  t.addService(config);
  for (uint8_t server = 11; server < 19; server++) t.addServer(server);
}

TEST("a mid-stream packet goes to the server that another director's connection has, with each scheduler that agrees") {
  for (const char* scheduler : {"sh", "mh", "maglev", "rendezvous"}) {
    TestDirector first, second;
    serve(first, hashing(scheduler));
    serve(second, hashing(scheduler));
    for (uint32_t client = 1; client < 300; client++) {
      const std::string server = first.establish(client);
      if (!CHECK_EQ(second.tcp(client, kTcpAck), server)) return;
      if (!CHECK_EQ(second.tcp(client, kTcpAck | kTcpFin), server)) return;
    }
    CHECK_EQ(second.counter("connectionsMidStream"), 299u);
    CHECK_EQ(first.counter("connectionsMidStream"), 0u);
  }
}

TEST("a mid-stream packet opens a connection in the state that an established one would enter") {
  const struct {
    uint8_t flags;
    const char* state;
    Counts counts;
  } table[] = {{kTcpAck, "ESTABLISHED", {1, 0}},
               {kTcpFin | kTcpAck, "FIN_WAIT", {0, 1}},
               {kTcpFin, "FIN_WAIT", {0, 1}},
               {kTcpSyn, "SYN_RECV", {1, 0}}};
  for (const auto& row : table) {
    TestDirector t;
    t.addService(hashing());
    t.addServer(11);
    CHECK_EQ(t.tcp(1, row.flags), "11");
    CHECK_EQ(t.state(), row.state);
    CHECK_EQ(t.counts(11), row.counts);
    CHECK_EQ(t.counter("connectionsMidStream"), row.flags == kTcpSyn ? 0u : 1u);
  }
}

TEST("a reset and a packet without flags never open a connection") {
  TestDirector t;
  serve(t, hashing());
  for (const int flags : {int{kTcpRst}, kTcpRst | kTcpAck, kTcpRst | kTcpFin | kTcpAck, 0}) {
    CHECK_EQ(t.tcp(1, static_cast<uint8_t>(flags)), "dropNotScheduled");
  }
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("a mid-stream packet is reset unless the service asks for more, and when no server may take it") {
  TestDirector t;
  t.addService(ServiceConfig{"maglev"});
  t.addServer(11);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
  CHECK(t.apply(EditService{TestDirector::kWeb, hashing()}).ok());
  CHECK_EQ(t.tcp(1, kTcpAck), "11");
  t.setWeight(11, 0);
  CHECK_EQ(t.tcp(1, kTcpAck), "11");
  CHECK_EQ(t.tcp(2, kTcpAck), "dropNoServer");
}

TEST("an SCTP packet that begins nothing opens an association, too, but an ABORT does not") {
  const ServiceKey service{IpAddress::v4(192, 0, 2, 10), 36412, kSctpProtocol};
  constexpr uint8_t kData = 0, kInit = 1, kAbort = 6, kShutdown = 7;
  const struct {
    uint8_t chunk;
    const char* verdict;
    const char* state;
  } table[] = {{kData, "11", "ESTABLISHED"},
               {kShutdown, "11", "S-RECEIVED"},
               {kInit, "11", "INIT1"},
               {kAbort, "dropNotScheduled", ""}};
  for (const auto& row : table) {
    TestDirector t;
    t.addService(hashing(), service);
    t.addServer(11, {}, service);
    const auto packet =
        PacketBuilder().ip(IpAddress::v4(198, 51, 100, 7), service.address).sctp(2000, service.port, row.chunk).build();
    CHECK_EQ(t.send(packet), row.verdict);
    CHECK_EQ(t.state(), row.state);
  }
}

TEST(
    "schedulers that choose by what they have seen are refused mid-stream packets, in a sentence that names the "
    "others") {
  for (const Scheduler* scheduler : schedulers()) {
    TestDirector t;
    const std::string name(scheduler->name());
    ServiceConfig config{name};
    config.midStream = MidStream::hash;
    const auto added = t.apply(AddService{TestDirector::kWeb, config});
    const bool agrees = name == "sh" || name == "mh" || name == "maglev" || name == "rendezvous";
    CHECK_EQ(added.ok(), agrees);
    if (!agrees) CHECK(added.error().message.find("take sh, mh, maglev, rendezvous") != std::string::npos);
  }
}

}  // namespace
}  // namespace tunvs::mid_stream_test
