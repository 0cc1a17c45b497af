// Compares tunnel packets with those that a real IPVS made. The sender's own choices (identification, GUE's source
// port) are taken from the recording and handed in, so that whole packets are compared, checksums included.
#include <map>
#include <string>

#include "forward/forward.h"
#include "forward/gue.h"
#include "forward/outer_fragment.h"
#include "forward/tunnel_mtu.h"
#include "support/golden_cases.h"
#include "support/testing.h"

namespace tunvs::forward_golden_test {
namespace {

using Bytes = std::vector<uint8_t>;
using testing::GoldenCase;

constexpr uint32_t kLinkMtu = 1500;  // "mtu" of the recorded director
constexpr uint16_t kGuePort = 6080;

struct Recording {
  const char* file;
  TunnelOptions options;
  Family inner = Family::ipv4;
  Family outer = Family::ipv4;
  size_t compared;         // packets
  bool learnsMtu = false;  // ICMP errors lowered the path's MTU on the way
};

constexpr TunnelOptions kGue{ForwardingMethod::gue, kGuePort, TunnelChecksum::none};
constexpr TunnelOptions kGueChecksum{ForwardingMethod::gue, kGuePort, TunnelChecksum::checksum};
constexpr TunnelOptions kGre{ForwardingMethod::gre, 0, TunnelChecksum::none};
constexpr TunnelOptions kGreChecksum{ForwardingMethod::gre, 0, TunnelChecksum::checksum};

constexpr Recording kRecordings[] = {
    {.file = "encap-ipip.json", .options = {}, .compared = 38},
    {.file = "encap-ipip-size.json", .options = {}, .compared = 17},
    {.file = "encap-ipip-icmp-outer.json", .options = {}, .compared = 100, .learnsMtu = true},
    {.file = "encap-gue.json", .options = kGue, .compared = 38},
    {.file = "encap-gue-csum.json", .options = kGueChecksum, .compared = 38},
    {.file = "encap-gue-csum-size.json", .options = kGueChecksum, .compared = 17},
    {.file = "encap-gue-icmp-outer.json", .options = kGue, .compared = 91, .learnsMtu = true},
    {.file = "encap-gre.json", .options = kGre, .compared = 38},
    {.file = "encap-gre-csum.json", .options = kGreChecksum, .compared = 38},
    {.file = "encap-gre-nocsum-size.json", .options = kGre, .compared = 17},
    {.file = "encap6-4in6.json", .options = {}, .outer = Family::ipv6, .compared = 18},
    {.file = "encap6-6in6.json", .options = {}, .inner = Family::ipv6, .outer = Family::ipv6, .compared = 30},
};

// The recorded director's own router writes into these options; in front of a TUN device the host's router has already
// done so.
const std::map<std::string, std::string> kRoutersOwn = {
    {"options-record-route", "its address"},
    {"options-timestamp", "its clock"},
};

IpAddress directorOf(Family family) {
  static const uint8_t kSix[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return family == Family::ipv4 ? IpAddress::v4(10, 0, 0, 1) : IpAddress::v6(kSix);
}

Family familyOf(const Bytes& packet) { return packet[0] >> 4 == 4 ? Family::ipv4 : Family::ipv6; }

// Returns true when the recorded director sent this packet through the tunnel; the others are its answers to the
// client.
bool isTunnelPacket(const Bytes& packet, const Recording& recording) {
  if (familyOf(packet) != recording.outer) return false;
  const IpAddress director = directorOf(recording.outer);
  const bool isIpv4 = recording.outer == Family::ipv4;
  return std::memcmp(&packet[isIpv4 ? 12 : 8], director.bytes.data(), isIpv4 ? 4 : 16) == 0;
}

IpAddress serverOf(const Bytes& tunnelPacket) {
  if (familyOf(tunnelPacket) == Family::ipv6) return IpAddress::v6(&tunnelPacket[24]);
  return IpAddress::v4(Be32{loadUnaligned<uint32_t>(&tunnelPacket[16])});
}

// Changes a packet as a host's router does on its way into a TUN device, and cuts off what follows the packet in its
// frame.
Bytes routed(Bytes packet) {
  if (familyOf(packet) == Family::ipv6) {
    packet.resize(kIpv6OuterBytes + loadBe16(&packet[4]));
    packet[7]--;
    return packet;
  }
  packet.resize(loadBe16(&packet[2]));
  const Be16 before{loadUnaligned<uint16_t>(&packet[8])};
  packet[8]--;
  const Be16 after{loadUnaligned<uint16_t>(&packet[8])};
  const Be16 check = checksumReplace({loadUnaligned<uint16_t>(&packet[10])}, before, after);
  std::memcpy(&packet[10], &check.raw, sizeof check.raw);
  return packet;
}

// Returns a hash that gives this source port.
uint32_t hashOfPort(uint16_t port) {
  const uint64_t ports = kGueLastSourcePort - kGueFirstSourcePort + 1;
  return static_cast<uint32_t>((uint64_t{port} - kGueFirstSourcePort) * (uint64_t{1} << 32) / ports + 1);
}

EncapInput inputOf(const Bytes& inner, const Bytes& recorded, const Recording& recording) {
  EncapInput in;
  in.length = static_cast<uint32_t>(inner.size());
  if (recording.inner == Family::ipv4) {
    in.trafficClass = inner[1];
    in.ttl = inner[8];
    in.dontFragment = (inner[6] & 0x40) != 0;
  } else {
    in.trafficClass = static_cast<uint8_t>(loadBe16(&inner[0]) >> 4);
    in.ttl = inner[7];
    in.dontFragment = true;
  }
  if (recording.outer == Family::ipv4) in.identification = loadBe16(&recorded[4]);
  if (recording.options.method == ForwardingMethod::gue) in.flowHash = hashOfPort(loadBe16(&recorded[20]));
  return in;
}

// Returns what we send for a packet, as the egress gets it.
std::vector<Bytes> sent(const Bytes& inner, const GoldenCase& recorded, const Recording& recording) {
  const Bytes& first = recorded.out[0];
  const OuterHeader outer =
      makeOuterHeader(recording.options, recording.inner, directorOf(recording.outer), serverOf(first));
  Bytes buffer(kHeadroom + inner.size());
  std::copy(inner.begin(), inner.end(), buffer.begin() + kHeadroom);
  const Packet packet = encapsulate(outer, &buffer[kHeadroom], inputOf(inner, first, recording));
  const uint32_t pathMtu =
      recording.learnsMtu && recorded.out.size() > 1 ? static_cast<uint32_t>(first.size()) : kLinkMtu;
  if (packet.length <= pathMtu) return {Bytes(packet.data, packet.data + packet.length)};
  const uint32_t identification = recording.outer == Family::ipv6 ? loadBe32(&first[44]) : 0;
  std::vector<Bytes> fragments;
  Bytes room(2 * (packet.length + kHeadroom));
  fragmentOuter({packet.data, packet.length}, pathMtu, identification, room,
                [&](std::span<const uint8_t> fragment) { fragments.emplace_back(fragment.begin(), fragment.end()); });
  return fragments;
}

std::string hexOf(const std::vector<Bytes>& packets) {
  std::string text;
  for (const Bytes& packet : packets) {
    for (const uint8_t byte : packet) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", byte);
      text += digits;
    }
    text += '\n';
  }
  return text;
}

}  // namespace

TEST("a tunnel packet, and each of its fragments, equals IPVS's byte for byte") {
  for (const Recording& recording : kRecordings) {
    const auto cases = testing::goldenCases(recording.file);
    if (!cases) SKIP("test/golden is not there");
    size_t compared = 0;
    for (const GoldenCase& each : *cases) {
      // IPVS reassembles fragments first; a director behind a TUN device sees them one by one.
      if (each.in.size() != 1 || each.out.empty() || kRoutersOwn.contains(each.name)) continue;
      if (!isTunnelPacket(each.out[0], recording)) continue;
      const auto got = hexOf(sent(routed(each.in[0]), each, recording));
      const auto expected = hexOf(each.out);
      if (!CHECK_EQ(got, expected)) std::printf("      in %s: %s\n", recording.file, each.name.c_str());
      compared += each.out.size();
    }
    if (!CHECK_EQ(compared, recording.compared)) std::printf("      in %s\n", recording.file);
  }
}

TEST("the largest packet that IPVS carried whole, and the MTU that it told a client, are the tunnel's MTU") {
  for (const Recording& recording : kRecordings) {
    const auto cases = testing::goldenCases(recording.file);
    if (!cases) SKIP("test/golden is not there");
    if (recording.learnsMtu) continue;
    const auto mtu = tunnelMtu(kLinkMtu, recording.options, recording.inner, recording.outer);
    REQUIRE(mtu.has_value());
    size_t refusals = 0;
    for (const GoldenCase& each : *cases) {
      if (each.in.size() != 1 || each.out.size() != 1) continue;
      if (isTunnelPacket(each.out[0], recording)) {
        CHECK(routed(each.in[0]).size() <= *mtu);
        continue;
      }
      const Bytes& answer = each.out[0];
      const bool isFragNeeded =
          familyOf(answer) == Family::ipv4 && answer[9] == 1 && answer[20] == 3 && answer[21] == 4;
      const bool isPacketTooBig = familyOf(answer) == Family::ipv6 && answer[6] == 58 && answer[40] == 2;
      if (isFragNeeded) CHECK_EQ(loadBe16(&answer[26]), *mtu);
      if (isPacketTooBig) CHECK_EQ(loadBe32(&answer[44]), *mtu);
      refusals += isFragNeeded || isPacketTooBig ? 1 : 0;
    }
    const bool hasSizes =
        std::string(recording.file).find("size") != std::string::npos || recording.outer == Family::ipv6;
    CHECK_EQ(refusals > 0, hasSizes);
  }
}

}  // namespace tunvs::forward_golden_test
