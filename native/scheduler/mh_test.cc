#include <algorithm>
#include <map>

#include "core/siphash.h"
#include "scheduler/index_table.h"
#include "scheduler/ipvs_hash.h"
#include "support/test_flows.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::mh_test {
namespace {

using testing::addressOf;
using testing::flowFrom;
using testing::flowNumber;
using testing::TestServers;
using testing::TestService;

constexpr SipKey kSlotKey{2654435761, 2654435761};

const IndexTable& tableOf(const Prepared& prepared) { return static_cast<const IndexTable&>(prepared); }

// The servers are 10.0.0.1:80 and so on, named A, B, C by their last byte.
struct WebServers {
  explicit WebServers(std::initializer_list<std::pair<char, int32_t>> specs) {
    for (const auto& [name, weight] : specs) {
      Candidate& server = servers.emplace_back();
      server.id = static_cast<uint32_t>(name);
      server.address = IpAddress::v4(10, 0, 0, static_cast<uint8_t>(name - 'A' + 1));
      server.port = 80;
      server.weight = server.lastWeight = weight;
      server.state = &states[name - 'A'];
    }
    for (const Candidate& server : servers) list.push_back(&server);
  }
  std::string letters() const {
    std::string text;
    const auto prepared = schedulerByName("mh")->prepare(list, {});
    for (size_t i = 0; i < tableOf(*prepared).slots.size(); i++)
      text += static_cast<char>(tableOf(*prepared).at(list, i)->id);
    return text;
  }
  std::deque<Candidate> servers;
  ServerState states[26];
  std::vector<const Candidate*> list;
};

// Returns the whole table as one number, for tables whose SHA-256 was once compared with IPVS's.
uint64_t digest(const std::string& text) {
  return sipHash24({}, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

TEST("mh hashes a client to the slot that IPVS hashes it to") {
  struct Vector {
    const char* address;
    uint16_t port;
    uint32_t hash;
    size_t slot;
  };
  constexpr Vector kVectors[] = {
      {"192.0.2.1", 0, 0x92889c88, 2891},   {"192.0.2.1", 40000, 0xcb245051, 3651},
      {"198.51.100.7", 0, 0xadb98ab6, 924}, {"203.0.113.255", 65535, 0x83576c90, 403},
      {"2001:db8::1", 0, 0xcdc3f189, 3457}, {"2001:db8::1", 40000, 0x9d007823, 3517},
  };
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 2}, {'D', 5}});
  TestService service("mh", servers, {kPortFlag, 0});
  const IndexTable& table = tableOf(*service.prepared());
  for (const Vector& vector : kVectors) {
    CHECK_EQ(static_cast<uint32_t>(sipHash13(kSlotKey, vector.port + foldAddress(addressOf(vector.address)))),
             vector.hash);
    CHECK_EQ(vector.hash % 4093, vector.slot);
    CHECK_EQ(service.choose(flowFrom(vector.address, vector.port)), table.at(servers.list(), vector.slot));
  }
}

TEST("mh fills its table as IPVS does") {
  const std::string slots = WebServers({{'A', 1}, {'B', 1}, {'C', 2}}).letters();
  CHECK_EQ(slots.size(), 4093u);
  CHECK_EQ(slots.substr(0, 32), "ABCCCCBCCAABBAACBCCACCCCBCBAACCB");
  CHECK_EQ(std::count(slots.begin(), slots.end(), 'A'), 1024);
  CHECK_EQ(std::count(slots.begin(), slots.end(), 'B'), 1023);
  CHECK_EQ(std::count(slots.begin(), slots.end(), 'C'), 2046);
  CHECK_EQ(digest(slots), 0x4bacf3c603e74554u);

  const std::string reversed = WebServers({{'C', 2}, {'B', 1}, {'A', 1}}).letters();
  CHECK_EQ(digest(reversed), 0x85f3d721ef103091u);
  int differing = 0;
  for (size_t i = 0; i < slots.size(); i++) differing += slots[i] != reversed[i];
  CHECK_EQ(differing, 6);

  const std::string fewer = WebServers({{'A', 1}, {'B', 1}}).letters();
  int moved = 0;
  for (size_t i = 0; i < slots.size(); i++) moved += slots[i] != 'C' && slots[i] != fewer[i];
  CHECK_EQ(moved, 3);
}

TEST("mh scales large weights down to short turns of at least one slot") {
  // The common divisor is 1, and 1000 has four bits more than the six that are allowed. So the turns are 62, 31 and 1,
  // and there are 43 of them and a bit.
  const std::string slots = WebServers({{'A', 1000}, {'B', 500}, {'C', 1}}).letters();
  std::map<char, int> counts;
  for (const char c : slots) counts[c]++;
  CHECK_EQ(counts['A'], 43 * 62 + 51);
  CHECK_EQ(counts['B'], 43 * 31);
  CHECK_EQ(counts['C'], 43);
}

TEST("mh leaves a server its slots when its weight becomes 0, and never chooses it") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}});
  TestService plain("mh", servers);
  TestService withFallback("mh", servers, {kFallbackFlag, 0});
  std::string before;
  for (uint32_t i = 0; i < 500; i++) before += plain.pick(flowNumber(i));
  plain.change([](TestServers& s) { s.setWeight('B', 0); });
  withFallback.change([](TestServers&) {});
  for (uint32_t i = 0; i < 500; i++) {
    const char chosen = plain.pick(flowNumber(i));
    const char other = withFallback.pick(flowNumber(i));
    if (before[i] == 'B') {
      CHECK_EQ(chosen, '-');
      CHECK(other == 'A' || other == 'C');
    } else {
      CHECK_EQ(chosen, before[i]);
      CHECK_EQ(other, before[i]);
    }
  }
}

TEST("mh has no slots for a server that was added with weight 0, and no slots at all when all were") {
  TestServers servers({{'A', 0}, {'B', 1}});
  TestService service("mh", servers);
  for (uint32_t i = 0; i < 100; i++) CHECK_EQ(service.pick(flowNumber(i)), 'B');
  TestServers idle({{'A', 0}});
  CHECK_EQ(TestService("mh", idle).pick(), '-');
}

TEST("mh with fallback chooses nobody when nobody may be chosen") {
  TestServers servers({{'A', 1}, {'B', 1}});
  servers.overload('A');
  servers.overload('B');
  CHECK_EQ(TestService("mh", servers, {kFallbackFlag, 0}).pick(), '-');
}

TEST("mh has tables of the sizes that IPVS can be built with, and holds at most as many servers") {
  const Scheduler& mh = *schedulerByName("mh");
  for (const uint32_t size : {251u, 4093u, 131071u}) CHECK(mh.check({0, size}, size).ok());
  CHECK(mh.check({}, 4093).ok());
  CHECK_EQ(static_cast<int>(mh.check({}, 4094).error().code), static_cast<int>(ErrorCode::limit));
  CHECK_EQ(static_cast<int>(mh.check({0, 4096}, 1).error().code), static_cast<int>(ErrorCode::invalidArgument));
  TestServers servers({{'A', 1}, {'B', 1}});
  TestService service("mh", servers, {0, 131071});
  CHECK_EQ(tableOf(*service.prepared()).slots.size(), 131071u);
}

}  // namespace
}  // namespace tunvs::mh_test
