#include "director/worker/parking.h"

#include <deque>
#include <map>
#include <string>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::parking_test {
namespace {

using testing::Random;

FlowKey flowOf(uint32_t number) {
  return FlowKey::make(IpAddress::v4(Be32::from(number)), Be16::from(1000), IpAddress::v4(192, 0, 2, 1), Be16::from(80),
                       17);
}
// There are few buckets, so that flows share them.
uint64_t hashOf(uint32_t number) { return number % 61; }

std::shared_ptr<const ConnectionPolicy> policyOf(uint32_t id, Tick deadline, uint16_t packetBytes = 0) {
  auto policy = std::make_shared<ConnectionPolicy>();
  policy->id = id;
  policy->deadline = deadline;
  policy->packetBytes = packetBytes;
  return policy;
}

std::vector<uint8_t> bytesOf(uint32_t number, size_t length) {
  std::vector<uint8_t> bytes(length);
  for (size_t i = 0; i < length; i++) bytes[i] = static_cast<uint8_t>(number + i);
  return bytes;
}

// A packet of these bytes, for as long as they exist.
struct Held {
  Held(std::vector<uint8_t> given) : bytes(std::move(given)) {}
  operator Packet() { return {bytes.data(), static_cast<uint32_t>(bytes.size())}; }
  std::vector<uint8_t> bytes;
};

std::vector<uint8_t> copyOf(const Packet& packet) { return {packet.data, packet.data + packet.length}; }

TEST("parked packets of a flow come out in the order in which they came, with room in front of them") {
  Parking parking;
  const auto policy = policyOf(7, 10, 20);
  REQUIRE(parking.park(flowOf(1), hashOf(1), Held(bytesOf(1, 100)), 3, policy, 5));
  REQUIRE(parking.park(flowOf(62), hashOf(62), Held(bytesOf(62, 40)), 4, policy, 5));
  ParkedFlow* flow = parking.find(flowOf(1), hashOf(1));
  REQUIRE(flow != nullptr);
  REQUIRE(parking.parkBehind(*flow, Held(bytesOf(2, 200)), 5));
  PolicyQuestion question;
  REQUIRE(parking.hasQuestion());
  parking.takeQuestion(question);
  CHECK(question.key == flowOf(1));
  CHECK_EQ(question.policy, 7u);
  CHECK_EQ(question.deadline, 15u);
  CHECK_EQ(question.packetBytes, 20);
  CHECK_EQ(std::vector<uint8_t>(question.packet, question.packet + 20), bytesOf(1, 20));
  std::vector<std::vector<uint8_t>> packets;
  std::vector<size_t> causes;
  parking.end(*parking.flowOf({question.flow, question.sequence}), [&](Packet packet, size_t cause) {
    std::fill_n(packet.data - kHeadroom, kHeadroom, uint8_t{0xee});  // an outer header is written there
    packets.push_back(copyOf(packet));
    causes.push_back(cause);
  });
  CHECK_EQ(packets, (std::vector<std::vector<uint8_t>>{bytesOf(1, 100), bytesOf(2, 200)}));
  CHECK_EQ(causes, (std::vector<size_t>{3, 5}));
  CHECK(parking.find(flowOf(1), hashOf(1)) == nullptr);
  CHECK(parking.flowOf({question.flow, question.sequence}) == nullptr);
  parking.reclaim();
  parking.end(*parking.find(flowOf(62), hashOf(62)),
              [&](Packet packet, size_t) { CHECK_EQ(copyOf(packet), bytesOf(62, 40)); });
  CHECK(parking.isEmpty());
  CHECK(!parking.hasQuestion());
}

TEST("an answer to a flow that is gone does not reach the next one in its place") {
  Parking parking;
  REQUIRE(parking.park(flowOf(1), hashOf(1), Held(bytesOf(1, 40)), 0, policyOf(1, 10), 0));
  PolicyQuestion first, second;
  parking.takeQuestion(first);
  parking.forEachOverdue(10, [&](ParkedFlow& flow) { parking.end(flow, [](Packet, size_t) {}); });
  REQUIRE(parking.park(flowOf(2), hashOf(2), Held(bytesOf(2, 40)), 0, policyOf(1, 10), 10));
  parking.takeQuestion(second);
  CHECK_EQ(second.flow, first.flow);
  CHECK(parking.flowOf({first.flow, first.sequence}) == nullptr);
  CHECK(parking.flowOf({second.flow, second.sequence}) != nullptr);
}

TEST("flows become overdue by their own policies' deadlines, even where the clock wraps around") {
  Parking parking;
  const Tick start = 0u - 8;
  for (const auto& [number, deadline] : std::map<uint32_t, Tick>{{1, 20}, {2, 4}, {3, 12}, {4, 4}})
    REQUIRE(parking.park(flowOf(number), hashOf(number), Held(bytesOf(number, 40)), 0, policyOf(1, deadline), start));
  const auto overdueAt = [&](Tick now) {
    std::string ended;
    parking.forEachOverdue(now, [&](ParkedFlow& flow) {
      ended += std::to_string(flow.key.client().bytes[3]);
      parking.end(flow, [](Packet, size_t) {});
    });
    return ended;
  };
  CHECK_EQ(overdueAt(start + 3), "");
  CHECK_EQ(overdueAt(start + 4), "24");
  CHECK(reached(parking.nextDeadline(), start + 4) && !reached(parking.nextDeadline(), start + 13));
  CHECK_EQ(overdueAt(start + 11), "");
  CHECK_EQ(overdueAt(start + 30), "13");
  CHECK(parking.isEmpty());
}

TEST("parking is bounded in flows, in packets of a flow and in bytes") {
  Parking parking;
  const auto policy = policyOf(1, 10);
  uint32_t parked = 0;
  while (parking.park(flowOf(parked), hashOf(parked), Held(bytesOf(0, 40)), 0, policy, 0)) parked++;
  CHECK_EQ(parked, Parking::kMaxFlows);
  ParkedFlow* flow = parking.find(flowOf(5), hashOf(5));
  REQUIRE(flow != nullptr);
  uint32_t behind = 1;
  while (parking.parkBehind(*flow, Held(bytesOf(0, 40)), 0)) behind++;
  CHECK_EQ(behind, Parking::kMaxPacketsPerFlow);

  Parking large;
  uint32_t packets = 0;
  while (large.park(flowOf(packets), hashOf(packets), Held(bytesOf(0, 60000)), 0, policy, 0)) packets++;
  CHECK_EQ(packets, Parking::kMaxBytes / ((60000 + kHeadroom + 63) / 64 * 64));
}

TEST("room becomes free in whatever order flows end, and nothing that waits is ever overwritten") {
  Parking parking;
  Random random(5);
  struct Expected {
    std::vector<std::vector<uint8_t>> packets;
  };
  std::map<uint32_t, Expected> waiting;
  uint32_t next = 0;
  uint64_t refused = 0, ended = 0;
  const auto check = [&](uint32_t number) {
    ParkedFlow* flow = parking.find(flowOf(number), hashOf(number));
    if (!CHECK(flow != nullptr)) return;
    std::vector<std::vector<uint8_t>> got;
    parking.end(*flow, [&](Packet packet, size_t) { got.push_back(copyOf(packet)); });
    CHECK_EQ(got, waiting[number].packets);
    waiting.erase(number);
    ended++;
  };
  for (int step = 0; step < 20000; step++) {
    parking.reclaim();
    const size_t length = 20 + random.below(random.oneIn(10) ? 30000 : 1500);
    switch (random.below(4)) {
      case 0:
      case 1: {
        const auto bytes = bytesOf(next * 7, length);
        if (parking.park(flowOf(next), hashOf(next), Held(bytes), 0, policyOf(1, 10), 0)) {
          waiting[next].packets.push_back(bytes);
        } else {
          refused++;
        }
        next++;
        break;
      }
      case 2: {
        if (waiting.empty()) break;
        auto at = waiting.lower_bound(random.below(next));
        if (at == waiting.end()) at = waiting.begin();
        const auto bytes = bytesOf(static_cast<uint32_t>(step), length);
        if (parking.parkBehind(*parking.find(flowOf(at->first), hashOf(at->first)), Held(bytes), 0))
          at->second.packets.push_back(bytes);
        break;
      }
      default: {
        if (waiting.size() < 50 && !random.oneIn(3)) break;
        auto at = waiting.lower_bound(random.below(next));
        if (at == waiting.end() || random.oneIn(2)) at = waiting.begin();
        if (at != waiting.end()) check(at->first);
      }
    }
  }
  while (!waiting.empty()) check(waiting.begin()->first);
  CHECK(parking.isEmpty());
  CHECK(refused > 0 && ended > 1000);
  parking.reclaim();
  CHECK(parking.park(flowOf(1), hashOf(1), Held(bytesOf(0, kMaxPacketBytes)), 0, policyOf(1, 10), 0));
}

}  // namespace
}  // namespace tunvs::parking_test
