#include <cmath>
#include <set>
#include <vector>

#include "bench/attack_bench.h"
#include "bench/bench_packet.h"
#include "bench/flow_chooser.h"
#include "bench/memory_bench.h"
#include "support/testing.h"

namespace tunvs::bench::bench_test {
namespace {

const IpAddress kVip = IpAddress::v4(192, 0, 2, 1);

TEST("a benchmark packet is one that the director parses, and each flow's key is its own") {
  for (const IpProtocol protocol : {IpProtocol::tcp, IpProtocol::udp}) {
    const PacketTemplate packet(protocol, kVip, 80, 64, kTcpAck);
    std::set<std::pair<uint64_t, uint32_t>> keys;
    for (const uint32_t flow : {0u, 1u, kPortsPerClient - 1, kPortsPerClient, 5'000'000u, kMaxFlows - 1}) {
      uint8_t bytes[64] = {};
      packet.write(bytes, flow);
      ParsedPacket parsed;
      parsePacket({bytes, sizeof bytes}, parsed);
      CHECK_EQ(static_cast<int>(parsed.error), static_cast<int>(ParseError::none));
      CHECK(parsed.key.virtualAddress() == kVip);
      CHECK_EQ(parsed.key.virtualPort().host(), 80);
      CHECK_EQ(parsed.length, 64u);
      keys.insert({parsed.key.words[0], parsed.key.ports()});
    }
    CHECK_EQ(keys.size(), 6u);
  }
}

TEST("uniform choice meets every flow about equally often") {
  constexpr uint32_t kFlows = 100;
  constexpr int kDraws = 100'000;
  FlowChooser chooser(Distribution::uniform, kFlows, 1);
  std::vector<int> counts(kFlows);
  for (int i = 0; i < kDraws; i++) counts.at(chooser.next())++;
  for (const int count : counts) CHECK(std::abs(count - 1000) < 200);
}

TEST("Zipf choice meets flow k in proportion to its rank's power") {
  constexpr uint32_t kFlows = 1000;
  constexpr int kDraws = 1'000'000;
  FlowChooser chooser(Distribution::zipf, kFlows, 1);
  std::vector<int> counts(kFlows);
  for (int i = 0; i < kDraws; i++) counts.at(chooser.next())++;
  double sum = 0;
  for (uint32_t k = 1; k <= kFlows; k++) sum += std::pow(k, -FlowChooser::kExponent);
  for (const uint32_t k : {1u, 2u, 3u, 10u, 100u}) {
    const double expected = kDraws * std::pow(k, -FlowChooser::kExponent) / sum;
    CHECK(std::abs(counts[k - 1] - expected) < 6 * std::sqrt(expected));
  }
}

TEST("Zipf choice among one flow is that flow") {
  FlowChooser chooser(Distribution::zipf, 1, 1);
  for (int i = 0; i < 100; i++) CHECK_EQ(chooser.next(), 0u);
}

TEST("the memory benchmark forwards every packet of established connections, and opens none") {
  MemoryBenchOptions options;
  options.connections = 1000;
  options.packets = 10'000;
  for (const Distribution distribution : {Distribution::uniform, Distribution::zipf}) {
    options.distribution = distribution;
    const auto run = runMemoryBench(options);
    CHECK(run.ok());
    if (!run.ok()) continue;
    CHECK_EQ(run.value().packets, 10'048u);  // whole vectors
    CHECK_EQ(run.value().connections, 1000u);
    CHECK(run.value().ns > 0);
  }
}

TEST("the memory benchmark sends as much through one worker by turns as each of several takes at once") {
  MemoryBenchOptions options;
  options.connections = 1000;
  options.packets = 16 * 3 * 64;
  options.workers = 3;
  const auto run = runMemoryBench(options);
  CHECK(run.ok());
  if (!run.ok()) return;
  CHECK_EQ(run.value().packets % 3, 0u);
  CHECK(run.value().packets >= options.packets);
  CHECK_EQ(run.value().alonePackets * 3, run.value().packets);
  CHECK_EQ(run.value().connections, 1000u);
  CHECK(run.value().ns > 0 && run.value().aloneNs > 0 && run.value().cpuNs > 0 && run.value().aloneCpuNs > 0);
}

TEST("the memory benchmark forwards every packet by each method that leaves the host") {
  for (const char* forwarding : {"ipip", "gue", "gre", "dr"}) {
    MemoryBenchOptions options;
    options.connections = 100;
    options.packets = 128;
    options.forwarding = forwarding;
    const auto run = runMemoryBench(options);
    CHECK(run.ok());
    if (run.ok()) CHECK_EQ(run.value().packets, 128u);
  }
}

TEST("a benchmark packet of a server is one that the director parses, and goes to the flow's client") {
  const Be32 server = Be32::from(0x0a010002);
  const PacketTemplate packet(IpProtocol::tcp, kVip, 80, 64, kTcpAck);
  for (const uint32_t flow : {0u, 1u, 5'000'000u}) {
    uint8_t request[64] = {}, reply[64] = {};
    packet.write(request, flow);
    packet.writeReply(reply, flow, server);
    ParsedPacket there, back;
    CHECK(parsePacket({request, sizeof request}, there));
    CHECK(parsePacket({reply, sizeof reply}, back));
    CHECK(back.key == FlowKey::make(IpAddress::v4(server), there.key.virtualPort(), there.key.client(),
                                    there.key.clientPort(), there.protocol));
  }
}

TEST("the memory benchmark takes the packets of both sides of connections that are rewritten") {
  for (const Workload workload : {Workload::established, Workload::reply, Workload::open}) {
    for (const uint32_t connections : {1u, 100u}) {
      MemoryBenchOptions options;
      options.workload = workload;
      options.connections = connections;
      options.packets = 128;
      options.scheduler = "rr";
      options.forwarding = "nat";
      const auto run = runMemoryBench(options);
      CHECK(run.ok());
      if (run.ok()) CHECK_EQ(run.value().packets, 128u);
      if (run.ok()) CHECK_EQ(run.value().connections, connections + (workload == Workload::open ? 128 : 0));
    }
  }
}

TEST("the memory benchmark refuses replies where none are rewritten, or where it does not know who sends them") {
  MemoryBenchOptions options;
  options.workload = Workload::reply;
  options.scheduler = "rr";
  CHECK(!runMemoryBench(options).ok());
  options.forwarding = "nat";
  options.packets = 64;
  CHECK(runMemoryBench(options).ok());
  options.scheduler = "wlc";
  CHECK(!runMemoryBench(options).ok());
}

TEST("the memory benchmark opens as many connections as it says") {
  MemoryBenchOptions options;
  options.workload = Workload::open;
  options.connections = 100;
  options.packets = 6400;
  const auto run = runMemoryBench(options);
  CHECK(run.ok());
  if (run.ok()) CHECK_EQ(run.value().connections, 6500u);
}

TEST("floods from ever new addresses harm neither established connections nor new clients") {
  for (const Flood flood :
       {Flood::syn, Flood::established, Flood::talking, Flood::udp, Flood::fragments, Flood::persistent}) {
    // The kinds that are only TCP in another state take a sanitizer minutes and show it nothing more.
    if (testing::kFewer > 1 && (flood == Flood::established || flood == Flood::talking || flood == Flood::udp))
      continue;
    AttackBenchOptions options;
    options.flood = flood;
    if (flood == Flood::persistent) options.floodFactor = 5;  // each takes two entries: its own and its template's
    options.capacity = 1u << 16;
    options.established = 30'000;
    options.newPerSecond = 250;
    options.seconds = 10;
    const auto run = runAttackBench(options);
    REQUIRE(run.ok());
    const AttackBenchResult& result = run.value();
    CHECK(result.floodPackets > 100'000);
    CHECK(result.evictedUnproven + result.evictedIdle > 20'000);
    CHECK_EQ(result.establishedForwarded, result.establishedSent);
    CHECK(result.comersServed * 100 >= result.comers * 98);
  }
}

TEST("the memory benchmark refuses options that are out of range") {
  const auto refuses = [](auto change) {
    MemoryBenchOptions options;
    change(options);
    const auto run = runMemoryBench(options);
    return !run.ok() && run.error().code == ErrorCode::invalidArgument;
  };
  CHECK(refuses([](auto& o) { o.connections = 0; }));
  CHECK(refuses([](auto& o) { o.connections = (1u << 26) + 1; }));
  CHECK(refuses([](auto& o) { o.packets = 0; }));
  CHECK(refuses([](auto& o) { o.packetBytes = 39; }));
  CHECK(refuses([](auto& o) { o.packetBytes = 1501; }));
  CHECK(refuses([](auto& o) { o.servers = 0; }));
  CHECK(refuses([](auto& o) { o.servers = 10'001; }));
  CHECK(refuses([](auto& o) { o.weightFactor = 0; }));
  CHECK(refuses([](auto& o) { o.tableSize = 251; }));  // wlc has no table
  CHECK(refuses([](auto& o) { o.forwarding = "none"; }));
  CHECK(refuses([](auto& o) { o.workers = 0; }));
  CHECK(refuses([](auto& o) { o.connections = 100, o.workers = 65; }));
  CHECK(refuses([](auto& o) { o.connections = 1, o.workers = 2; }));
  CHECK(refuses([](auto& o) { o.connections = 100, o.workers = 2, o.workload = Workload::open; }));
}

}  // namespace
}  // namespace tunvs::bench::bench_test
