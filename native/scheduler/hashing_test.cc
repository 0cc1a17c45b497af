// Tests dh and sh, IPVS's tables of 256.
#include "scheduler/index_table.h"
#include "scheduler/ipvs_hash.h"
#include "support/test_flows.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::hashing_test {
namespace {

using testing::addressOf;
using testing::flowFrom;
using testing::flowNumber;
using testing::flowTo;
using testing::TestServers;
using testing::TestService;

// These addresses, ports and buckets were worked out for IPVS's hashes; see also mh_test.cc.
struct Vector {
  const char* address;
  uint16_t port;
  uint32_t fold, source, destination;
};
constexpr Vector kVectors[] = {
    {"192.0.2.1", 0, 0xc0000201, 50, 50},      {"192.0.2.1", 40000, 0xc0000201, 214, 50},
    {"198.51.100.7", 0, 0xc6336407, 171, 171}, {"203.0.113.255", 65535, 0xcb0071ff, 91, 55},
    {"2001:db8::1", 0, 0x20010db9, 63, 63},    {"2001:db8::1", 40000, 0x20010db9, 226, 63},
};

// The list has 256 servers of weight 1: bucket i of the table holds the i-th server, whose id is i.
struct OneServerPerBucket {
  OneServerPerBucket() {
    for (uint32_t i = 0; i < 256; i++) {
      servers[i].id = i;
      servers[i].state = &states[i];
      list.push_back(&servers[i]);
    }
  }
  const Candidate* pick(const char* scheduler, const FlowKey& flow, uint8_t flags = 0) {
    const Scheduler& found = *schedulerByName(scheduler);
    const SchedulerOptions options{flags, 0};
    const auto prepared = found.prepare(list, options);
    SchedulerState state;
    return found.pick(list, state, {flow, 0, options, prepared.get()});
  }
  Candidate servers[256];
  ServerState states[256];
  std::vector<const Candidate*> list;
};

TEST("dh and sh look into the bucket that IPVS looks into") {
  OneServerPerBucket each;
  for (const Vector& vector : kVectors) {
    CHECK_EQ(foldAddress(addressOf(vector.address)), vector.fold);
    CHECK_EQ(each.pick("sh", flowFrom(vector.address, vector.port), kPortFlag)->id, vector.source);
    CHECK_EQ(each.pick("dh", flowTo(vector.address))->id, vector.destination);
  }
}

TEST("sh hashes the client's port only with sh-port") {
  OneServerPerBucket each;
  CHECK_EQ(each.pick("sh", flowFrom("192.0.2.1", 40000))->id, 50u);
}

std::string letters(const TestService& service, const TestServers& servers, size_t count) {
  std::string text;
  const auto& table = static_cast<const IndexTable&>(*service.prepared());
  for (size_t i = 0; i < count; i++) text += static_cast<char>(table.at(servers.list(), i)->id);
  return text;
}

TEST("sh gives a server as many buckets in a row as its weight, and at least one") {
  TestServers servers({{'A', 3}, {'B', 0}, {'C', 2}});
  TestService service("sh", servers);
  CHECK_EQ(letters(service, servers, 14), "AAABCCAAABCCAA");
  service.change([](TestServers& s) { s.setWeight('A', 1); });
  CHECK_EQ(letters(service, servers, 8), "ABCCABCC");
}

TEST("sh leaves no bucket to servers when the weights of those before them fill its table") {
  TestServers servers({{'A', 300}, {'B', 1}});
  TestService service("sh", servers);
  CHECK_EQ(letters(service, servers, 256), std::string(256, 'A'));
}

TEST("dh gives the servers a bucket each in turn, whatever their weights") {
  TestServers servers({{'A', 3}, {'B', 0}, {'C', 2}});
  TestService service("dh", servers);
  CHECK_EQ(letters(service, servers, 7), "ABCABCA");
}

TEST("dh and sh refuse a client whose server has weight 0 or is at its threshold") {
  for (const char* scheduler : {"dh", "sh"}) {
    TestServers servers({{'A', 1}, {'B', 1}});
    TestService service(scheduler, servers);
    const FlowKey flow = flowFrom("198.51.100.7", 40000);
    const char chosen = service.pick(flow);
    servers.overload(chosen);
    CHECK_EQ(service.pick(flow), '-');
    servers.overload(chosen, false);
    CHECK_EQ(service.pick(flow), chosen);
    service.change([&](TestServers& s) { s.setWeight(chosen, 0); });
    CHECK_EQ(service.pick(flow), '-');
  }
}

TEST("sh-fallback gives clients of a server that may not be chosen to others, and moves nobody else") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}, {'D', 1}});
  TestService service("sh", servers, {kFallbackFlag, 0});
  std::string before, after;
  for (uint32_t i = 0; i < 400; i++) before += service.pick(flowNumber(i));
  servers.overload('B');
  for (uint32_t i = 0; i < 400; i++) after += service.pick(flowNumber(i));
  for (size_t i = 0; i < before.size(); i++) {
    if (before[i] != 'B')
      CHECK_EQ(after[i], before[i]);
    else
      CHECK(after[i] != 'B' && after[i] != '-');
  }
  for (const char name : {'A', 'C', 'D'}) servers.overload(name);
  CHECK_EQ(service.pick(flowNumber(0)), '-');
}

TEST("dh and sh have tables of the sizes that IPVS can be built with") {
  for (const char* scheduler : {"dh", "sh"}) {
    TestServers servers({{'A', 1}, {'B', 1}});
    TestService service(scheduler, servers, {0, 1024});
    CHECK_EQ(static_cast<const IndexTable&>(*service.prepared()).slots.size(), 1024u);
    CHECK(service.pick(flowNumber(1)) != '-');
    const Scheduler& found = *schedulerByName(scheduler);
    for (const uint32_t size : {0u, 16u, 1u << 20}) CHECK(found.check({0, size}, 1).ok());
    for (const uint32_t size : {1u, 8u, 255u, 257u, 1u << 21}) CHECK(!found.check({0, size}, 1).ok());
  }
}

}  // namespace
}  // namespace tunvs::hashing_test
