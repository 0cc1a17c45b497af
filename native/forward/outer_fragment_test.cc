#include "forward/outer_fragment.h"

#include <algorithm>
#include <random>
#include <vector>

#include "forward/forward.h"
#include "packet/checksum.h"
#include "support/testing.h"
#include "support/tunnel_end.h"

namespace tunvs::outer_fragment_test {
namespace {

using Bytes = std::vector<uint8_t>;

// Makes an IPv4 packet; the length of `options` is a multiple of 4.
Bytes ipv4(size_t payloadBytes, const Bytes& options = {}, uint16_t identification = 7, uint16_t fragment = 0) {
  const size_t headerBytes = 20 + options.size();
  Bytes packet(headerBytes + payloadBytes);
  packet[0] = static_cast<uint8_t>(0x40 | headerBytes / 4);
  packet[1] = 0xb8;
  storeBe16(&packet[2], static_cast<uint16_t>(packet.size()));
  storeBe16(&packet[4], identification);
  storeBe16(&packet[6], fragment);
  packet[8] = 61;
  packet[9] = 47;
  for (size_t i = 12; i < 20; i++) packet[i] = static_cast<uint8_t>(i);
  std::copy(options.begin(), options.end(), packet.begin() + 20);
  for (size_t i = headerBytes; i < packet.size(); i++) packet[i] = static_cast<uint8_t>(i * 131 + i / 256);
  const Be16 check = checksum(packet.data(), headerBytes);
  std::memcpy(&packet[10], &check.raw, 2);
  return packet;
}

Bytes ipv6(size_t payloadBytes, uint8_t nextHeader = 41) {
  Bytes packet(40 + payloadBytes);
  packet[0] = 0x60;
  storeBe16(&packet[4], static_cast<uint16_t>(payloadBytes));
  packet[6] = nextHeader;
  packet[7] = 61;
  for (size_t i = 8; i < packet.size(); i++) packet[i] = static_cast<uint8_t>(i * 131 + i / 256);
  return packet;
}

std::vector<Bytes> fragmentsOf(const Bytes& packet, uint32_t pathMtu, uint32_t identification = 0xabcd1234) {
  std::vector<Bytes> fragments;
  Bytes buffer(fragmentBufferBytes(OuterFragmenter(packet, pathMtu, identification)));
  const size_t count = fragmentOuter(packet, pathMtu, identification, buffer, [&](std::span<const uint8_t> fragment) {
    fragments.emplace_back(fragment.begin(), fragment.end());
  });
  CHECK_EQ(count, fragments.size());
  return fragments;
}

size_t headerBytesOf(const Bytes& fragment) { return fragment[0] >> 4 == 4 ? (fragment[0] & 15) * size_t{4} : 48; }
size_t offsetOf(const Bytes& fragment) {
  return fragment[0] >> 4 == 4 ? (loadBe16(&fragment[6]) & 0x1fff) * size_t{8} : loadBe16(&fragment[42]) & 0xfff8u;
}
bool hasMore(const Bytes& fragment) {
  return fragment[0] >> 4 == 4 ? (fragment[6] & 0x20) != 0 : (fragment[43] & 1) != 0;
}

// Reassembles the payload as a receiver does, and checks each fragment on the way.
Bytes reassembled(const std::vector<Bytes>& fragments, uint32_t pathMtu, size_t firstOffset = 0) {
  Bytes payload;
  for (const Bytes& fragment : fragments) {
    const size_t headerBytes = headerBytesOf(fragment);
    const bool isLast = &fragment == &fragments.back();
    CHECK(fragment.size() <= pathMtu);
    CHECK_EQ(offsetOf(fragment), firstOffset + payload.size());
    if (!isLast) {
      CHECK(hasMore(fragment));
      CHECK_EQ((fragment.size() - headerBytes) % 8, 0);
    }
    if (fragment[0] >> 4 == 4) {
      CHECK_EQ(loadBe16(&fragment[2]), fragment.size());
      CHECK(testing::addsUp({fragment.begin(), fragment.begin() + static_cast<long>(headerBytes)}));
    } else {
      CHECK_EQ(loadBe16(&fragment[4]), fragment.size() - 40);
    }
    payload.insert(payload.end(), fragment.begin() + static_cast<long>(headerBytes), fragment.end());
  }
  return payload;
}

}  // namespace

TEST("the fragments of an IPv4 packet reassemble to the packet, whatever its length and the path's MTU") {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; round++) {
    const uint32_t pathMtu = 28 + random() % 1500;
    const Bytes packet = ipv4(1 + random() % 9000);
    const auto fragments = fragmentsOf(packet, pathMtu);
    REQUIRE(!fragments.empty());
    CHECK(reassembled(fragments, pathMtu) == Bytes(packet.begin() + 20, packet.end()));
    CHECK(!hasMore(fragments.back()));
    for (const Bytes& fragment : fragments) {
      CHECK_EQ(loadBe16(&fragment[4]), 7);
      CHECK_EQ(fragment[1], 0xb8);
      CHECK_EQ(fragment[8], 61);
      CHECK_EQ(fragment[9], 47);
      CHECK(std::equal(fragment.begin() + 12, fragment.begin() + 20, packet.begin() + 12));
    }
  }
}

TEST("the fragments of an IPv6 tunnel packet reassemble to the packet, behind fragment headers of one identification") {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; round++) {
    const uint32_t pathMtu = 56 + random() % 1500;
    const Bytes packet = ipv6(1 + random() % 9000);
    const auto fragments = fragmentsOf(packet, pathMtu);
    REQUIRE(!fragments.empty());
    CHECK(reassembled(fragments, pathMtu) == Bytes(packet.begin() + 40, packet.end()));
    CHECK(!hasMore(fragments.back()));
    for (const Bytes& fragment : fragments) {
      CHECK_EQ(fragment[6], 44);
      CHECK_EQ(fragment[40], 41);
      CHECK_EQ(fragment[41], 0);
      CHECK_EQ(loadBe16(&fragment[42]) & 6, 0);
      CHECK_EQ(loadBe32(&fragment[44]), 0xabcd1234);
      CHECK(std::equal(fragment.begin() + 8, fragment.begin() + 40, packet.begin() + 8));
    }
  }
}

TEST("the longest packet there is can be fragmented and reassembled") {
  for (const Bytes& packet : {ipv4(65515), ipv6(65495)}) {
    const auto fragments = fragmentsOf(packet, 1280);
    const size_t headerBytes = packet[0] >> 4 == 4 ? 20 : 40;
    CHECK(reassembled(fragments, 1280) == Bytes(packet.begin() + static_cast<long>(headerBytes), packet.end()));
  }
}

TEST("the last fragment takes all that fits, so that no fragment carries less than it must") {
  CHECK_EQ(fragmentsOf(ipv6(1448 + 1452), 1500).size(), 2);
  CHECK_EQ(fragmentsOf(ipv6(1448 + 1453), 1500).size(), 3);
  CHECK_EQ(fragmentsOf(ipv4(1480 * 2), 1500).size(), 2);
  CHECK_EQ(fragmentsOf(ipv4(1480 * 2 + 1), 1500).size(), 3);
}

TEST("an IPv4 packet without an identification gets one that is not 0") {
  for (const auto& [given, expected] : {std::pair{0xabcd1234u, 0x1234}, {0xabcd0000u, 1}, {0u, 1}}) {
    const auto fragments = fragmentsOf(ipv4(3000, {}, 0), 1500, given);
    CHECK_EQ(fragments.size(), 3);
    for (const Bytes& fragment : fragments) CHECK_EQ(loadBe16(&fragment[4]), expected);
  }
}

TEST("a fragment keeps its identification when it is cut, even 0, as others of its datagram are not cut") {
  for (const uint16_t fragment : {uint16_t{0x2000}, uint16_t{0x2064}, uint16_t{0x0064}}) {
    for (const Bytes& piece : fragmentsOf(ipv4(1400, {}, 0, fragment), 600)) CHECK_EQ(loadBe16(&piece[4]), 0u);
  }
}

TEST("the pieces of a fragment keep its place in the datagram, and say that more follows if it said so") {
  for (const uint16_t more : {0x2000, 0}) {
    const Bytes packet = ipv4(2000, {}, 9, static_cast<uint16_t>(more | 185));
    const auto fragments = fragmentsOf(packet, 576);
    CHECK(reassembled(fragments, 576, 185 * 8) == Bytes(packet.begin() + 20, packet.end()));
    CHECK_EQ(hasMore(fragments.back()), more != 0);
  }
}

TEST("options without the copied flag are in the first fragment only") {
  const Bytes recordRoute = {7, 7, 4, 0, 0, 0, 0}, routerAlert = {148, 4, 0, 0}, end = {0};
  Bytes options;
  for (const Bytes& each : {recordRoute, routerAlert, end}) options.insert(options.end(), each.begin(), each.end());
  const Bytes packet = ipv4(3000, options);
  const auto fragments = fragmentsOf(packet, 1500);
  CHECK(reassembled(fragments, 1500) == Bytes(packet.begin() + 32, packet.end()));
  const auto optionsOf = [](const Bytes& fragment) { return Bytes(fragment.begin() + 20, fragment.begin() + 32); };
  CHECK(optionsOf(fragments[0]) == options);
  for (size_t i = 1; i < fragments.size(); i++)
    CHECK(optionsOf(fragments[i]) == Bytes({1, 1, 1, 1, 1, 1, 1, 148, 4, 0, 0, 0}));
}

TEST("a tunnel packet that can't be fragmented is not") {
  const auto countOf = [](const Bytes& packet, uint32_t pathMtu) {
    return OuterFragmenter(packet, pathMtu, 1).count();
  };
  CHECK_EQ(countOf(ipv4(3000, {}, 7, 0x4000), 1500), 0);
  CHECK_EQ(countOf(ipv4(3000), 27), 0);
  CHECK_EQ(countOf(ipv4(8), 28), 1);
  CHECK_EQ(countOf(ipv6(3000), 55), 0);
  CHECK_EQ(countOf(ipv6(3000, 44), 1500), 0);
  CHECK_EQ(countOf(Bytes(19, 0x45), 1500), 0);
  CHECK_EQ(countOf({}, 1500), 0);
  Bytes tight(fragmentBufferBytes(OuterFragmenter(ipv4(3000), 1500, 1)) - 1);
  CHECK_EQ(fragmentOuter(ipv4(3000), 1500, 1, tight, [](auto) { CHECK(false); }), 0);
}

TEST("each fragment has room for a link header in front of it that belongs to no other fragment") {
  const Bytes packet = ipv4(5000);
  const OuterFragmenter plan(packet, 1000, 1);
  Bytes buffer(fragmentBufferBytes(plan));
  std::vector<std::span<uint8_t>> fragments;
  fragmentOuter(packet, 1000, 1, buffer, [&](std::span<uint8_t> fragment) { fragments.push_back(fragment); });
  CHECK_EQ(fragments.size(), plan.count());
  std::vector<Bytes> before;
  for (const auto& fragment : fragments) before.emplace_back(fragment.begin(), fragment.end());
  for (const auto& fragment : fragments) {
    REQUIRE(fragment.data() - buffer.data() >= 14);
    std::fill_n(fragment.data() - 14, 14, 0xee);
  }
  for (size_t i = 0; i < fragments.size(); i++) CHECK(std::ranges::equal(before[i], fragments[i]));
}

TEST("a fragment keeps the identification of its datagram, even 0, or its pieces would never be reassembled") {
  for (const uint16_t fragment : {kIpv4MoreFragments, uint16_t{185}}) {
    const auto pieces = fragmentsOf(ipv4(1400, {}, 0, fragment), 576);
    CHECK(pieces.size() > 1);
    for (const Bytes& piece : pieces) CHECK_EQ(loadBe16(&piece[4]), 0);
  }
  for (const Bytes& piece : fragmentsOf(ipv4(1400, {}, 0), 576)) CHECK(loadBe16(&piece[4]) != 0);
}

}  // namespace tunvs::outer_fragment_test
