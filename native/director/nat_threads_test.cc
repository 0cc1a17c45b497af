// Several workers get the packets of both sides of the same flows, and a control thread changes everything under them.
// A thread sanitizer watches; the laws are checked when all have come to rest.
#include "support/count_laws.h"
#include "support/director_threads.h"
#include "support/nat_director.h"

namespace tunvs::nat_threads_test {
namespace {

using testing::Bytes;
using testing::NatDirector;
using testing::PacketBuilder;
using testing::Random;

constexpr size_t kWorkers = 3;
constexpr uint8_t kServers = 3;
const ServiceKey kOther{IpAddress::v4(192, 0, 2, 11), 80, 6}, kFtp{IpAddress::v4(192, 0, 2, 10), 21, 6};
// Two of them share their servers' endpoints, so that the flows of one client port hide one another.
const ServiceKey kServices[] = {NatDirector::kWeb, kOther, NatDirector::kNames, kFtp};

ServerKey someServer(Random& random, const ServiceKey& service) {
  return NatDirector::natServer(static_cast<uint8_t>(11 + random.below(kServers)), service.port);
}

// Sometimes it is a server of another method.
ServerConfig someConfig(Random& random) {
  ServerConfig config;
  if (!random.oneIn(4)) config.tunnel.method = ForwardingMethod::nat;
  config.weight = static_cast<int32_t>(random.below(4));
  config.upperThreshold = random.oneIn(3) ? 1 + random.below(6) : 0;
  return config;
}

ServiceConfig someService(Random& random, const ServiceKey& key) {
  ServiceConfig config{random.oneIn(2) ? "rr" : "wlc"};
  if (random.oneIn(2)) config.persistence.timeoutSeconds = 1 + random.below(30);
  config.onePacket = key.protocol == kUdpProtocol && random.oneIn(4);
  return config;
}

Operation someOperation(Random& random) {
  const ServiceKey& service = kServices[random.below(std::size(kServices))];
  const ServerKey server = someServer(random, service);
  switch (random.below(12)) {
    case 0: return AddService{service, someService(random, service)};
    case 1: return EditService{service, someService(random, service)};
    case 2: return random.oneIn(6) ? Operation{DeleteService{service}} : Operation{ZeroCounters{service}};
    case 3:
    case 4:
    case 5:
    case 6:
    case 7: return AddServer{service, server, someConfig(random)};
    case 8:
    case 9: return EditServer{service, server, someConfig(random)};
    default: return DeleteServer{service, server};
  }
}

// Returns a packet of either side, about the same few flows.
Bytes somePacket(Random& random, uint32_t flows) {
  static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpSyn, kTcpAck, kTcpAck, kTcpFin, kTcpRst};
  static constexpr const char* kTexts[] = {"227 Entering Passive Mode (10,0,0,11,200,10).\r\n",
                                           "229 Entering Extended Passive Mode (|||51211|)\r\n"};
  const IpAddress client = IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + random.below(3)));
  const auto port = static_cast<uint16_t>(1024 + random.below(flows));
  const ServiceKey& service = kServices[random.below(std::size(kServices))];
  const ServerKey server = someServer(random, service);
  const uint8_t flags = kFlags[random.below(std::size(kFlags))];
  const bool isServers = random.oneIn(2);
  PacketBuilder packet;
  if (isServers) {
    packet.ip(server.address, client);
  } else {
    packet.ip(client, service.address);
  }
  if (service.protocol == kUdpProtocol) {
    const bool isPiece = random.oneIn(4);
    if (isPiece) packet.identification(static_cast<uint16_t>(random.below(8)));
    if (isPiece && random.oneIn(2)) return packet.protocol(IpProtocol::udp).fragmentOffset(24).payload(16).build();
    if (isPiece) packet.moreFragments();
    return packet.udp(isServers ? service.port : port, isServers ? port : service.port).payload(16).build();
  }
  if (service == kFtp && random.oneIn(3)) {
    // Data connections, of both modes.
    const auto dataPort = static_cast<uint16_t>(51210 + random.below(2));
    if (!isServers) return packet.tcp(port, dataPort, flags).build();
    return packet.tcp(random.oneIn(2) ? uint16_t{20} : dataPort, random.oneIn(2) ? uint16_t{50000} : port, flags)
        .build();
  }
  packet.tcp(isServers ? service.port : port, isServers ? port : service.port, flags);
  if (service == kFtp && flags == kTcpAck) {
    const std::string own = "PORT 198,51,100," + std::to_string(client.bytes[3]) + ",195,80\r\n";
    const std::string_view text = isServers ? std::string_view(kTexts[random.below(2)]) : own;
    packet.payload(Bytes(text.begin(), text.end()));
  }
  Bytes bytes = packet.build();
  if (!random.oneIn(8)) return bytes;
  // It is quoted as what came to whoever could not deliver it: the virtual service's reply, or what the server got.
  const IpAddress router = IpAddress::v4(203, 0, 113, 9);
  const IpAddress to = isServers ? client : service.address;
  return testing::icmpPacket(router, to, 3, 1, 0, testing::exchanged(bytes));
}

void run(uint32_t flows, int rounds) {
  DirectorOptions options = NatDirector::defaultOptions();
  options.workers = kWorkers;
  options.now = 0u - 20000u;  // ticks wrap around on the way
  options.holdsPerTurn = 1;
  options.maxConnections = 70000;  // two shards: a flow's two entries have different locks
  NatDirector t(options);
  for (const auto& service : kServices) {
    t.addService("rr", service);
    for (uint8_t lastByte = 11; lastByte < 11 + kServers; lastByte++) t.addNat(lastByte, service.port, service);
  }
  std::atomic<Tick> clock = options.now;
  testing::WorkerThreads workers(kWorkers, [&](size_t worker) {
    testing::workThrough(t.director, worker, clock, rounds,
                         [flows](Random& random) { return somePacket(random, flows); });
  });
  Random random(77);
  uint64_t listed = 0, asked = 0;
  while (workers.areWorking()) {
    clock.fetch_add(random.below(60), std::memory_order_relaxed);
    const Operation operations[] = {someOperation(random), someOperation(random)};
    static_cast<void>(t.director.apply({operations, 1 + random.below(2)}));
    if (random.oneIn(8)) {
      t.setSysctl("expire_nodest_conn", random.oneIn(3) ? 1 : 0);
      t.setSysctl("conn_reuse_mode", random.below(4));
      t.setSysctl("schedule_icmp", random.below(2));
      t.setSysctl("nat_icmp_send", random.below(2));
      for (const char* defence : {"drop_entry", "secure_tcp"}) t.setSysctl(defence, random.below(4));
      t.director.setAvailablePages(random.below(2048));
    }
    if (random.oneIn(4)) t.director.collect(clock.load());
    if (random.oneIn(2)) t.director.endRemoved();
    if (random.oneIn(3)) {
      const ServiceKey& service = kServices[random.below(std::size(kServices))];
      static_cast<void>(t.director.endConnections(service, someServer(random, service)));
    }
    if (random.oneIn(4)) {
      t.now = clock.load();
      asked += t.explain(somePacket(random, flows)).verdict != Verdict::kCount ? 1 : 0;
    }
    if (random.oneIn(16)) {
      t.now = clock.load();
      listed += t.connections().size() + t.rows().size();
    }
  }
  workers.join();
  t.now = clock.load();
  CHECK(listed > 0 && asked > 0);
  CHECK(t.counter("returned") > 0);
  CHECK_EQ(testing::brokenNatLaw(t.director), "");

  // What was removed comes back, so that its counts are seen.
  for (const auto& service : kServices) {
    static_cast<void>(t.apply(AddService{service, {"rr"}}));
    for (uint8_t lastByte = 11; lastByte < 11 + kServers; lastByte++)
      static_cast<void>(t.apply(AddServer{service, NatDirector::natServer(lastByte, service.port), {}}));
  }
  testing::Laws laws;
  testing::checkCounts(laws, t, t.counter("received"));
  CHECK_EQ(laws.broken(), "");
  for (int i = 0; i < 4; i++) t.pass(1000);
  testing::checkNothingLeft(t);
  CHECK_EQ(t.director.ftp().sessions.count(), 0u);
}

TEST("both sides of few flows meet many workers and every change, and leave nothing behind") { run(6, 3000); }

TEST("both sides of many flows do so with less to hide") { run(2000, 1500); }

}  // namespace
}  // namespace tunvs::nat_threads_test
