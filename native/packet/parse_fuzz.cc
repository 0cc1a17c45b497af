// Takes any bytes as a packet: parsing reads nothing beyond them, and what it accepts is what a reader of its family
// would find there.
#include <algorithm>
#include <cstdlib>

#include "support/packet_builder.h"

using namespace tunvs;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Checks that `parsed` is what an IPv4 reader would find at `p`.
void checkIpv4(const uint8_t* p, const ParsedPacket& parsed) {
  const size_t headerBytes = (p[0] & 0x0fu) * 4;
  require(p[0] >> 4 == 4 && headerBytes >= 20 && parsed.transport == headerBytes);
  require(parsed.length == loadBe16(p + 2) && testing::naiveSum(p, headerBytes) == 0xffff);
  require(parsed.dontFragment == ((p[6] & 0x40) != 0));
  require(((loadBe16(p + 6) & 0x3fff) != 0) == (parsed.packetClass == PacketClass::fragment));
  require(parsed.ttl == p[8] && parsed.trafficClass == p[1] && parsed.protocol == p[9]);
  require(isUnicast(parsed.key.client()));
  require(parsed.key.client() == IpAddress::v4(p[12], p[13], p[14], p[15]));
  require(parsed.key.virtualAddress() == IpAddress::v4(p[16], p[17], p[18], p[19]));
}

void checkIpv6(const uint8_t* p, const ParsedPacket& parsed) {
  require(p[0] >> 4 == 6 && parsed.transport >= 40 && parsed.length == loadBe16(p + 4) + 40u);
  require(parsed.ttl == p[7] && parsed.dontFragment);
  require(isUnicast(parsed.key.client()));
  require(parsed.key.client() == IpAddress::v6(p + 8) && parsed.key.virtualAddress() == IpAddress::v6(p + 24));
}

void check(const testing::Bytes& bytes) {
  testing::HeldPacket held(bytes);
  const Packet packet = held.packet();
  ParsedPacket parsed;
  parsePacket(packet, parsed);
  require(std::equal(bytes.begin(), bytes.end(), packet.data));
  if (parsed.error != ParseError::none) return;

  // This holds for both families: nothing that `parsed` names lies beyond the packet.
  const uint8_t* p = bytes.data();
  require(parsed.length <= bytes.size() && parsed.transport <= parsed.length && parsed.ttl > 0);
  require(parsed.key.protocol() == parsed.protocol && parsed.key.kind() == FlowKind::connection);
  require(parsed.key.client() != parsed.key.virtualAddress());
  const uint32_t payloadBytes = parsed.length - parsed.transport;
  const bool hasPorts = parsed.protocol == 6 || parsed.protocol == 17 || parsed.protocol == 132;
  const bool isFragment = parsed.packetClass == PacketClass::fragment;
  const bool isLater = isFragment && parsed.fragmentOffset != 0;
  require(!isFragment || parsed.fragmentOffset != 0 || parsed.moreFragments);
  require((parsed.packetClass == PacketClass::flow) == (hasPorts && !isFragment));
  const bool isCut = payloadBytes < (parsed.protocol == 6 ? 20u : parsed.protocol == 17 ? 8u : 16u);
  require(!hasPorts || isFragment || !isCut);
  if (hasPorts && !isLater && !isCut) {
    require(parsed.key.ports() == loadUnaligned<uint32_t>(p + parsed.transport));
    require(parsed.tcpFlags == (parsed.protocol == 6 ? p[parsed.transport + 13] : 0));
  } else {
    require(parsed.key.ports() == 0);
  }
  if (parsed.key.isV4()) {
    checkIpv4(p, parsed);
  } else {
    checkIpv6(p, parsed);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  testing::Bytes packet(data, data + size);
  check(packet);
  // The packet is tried once more with a right length and checksum, as a fuzzer does not find those by itself.
  const size_t headerBytes = size == 0 ? 0 : (data[0] & 0x0fu) * 4;
  if (headerBytes < 20 || size < headerBytes || size > kMaxPacketBytes) return 0;
  storeBe16(&packet[2], static_cast<uint16_t>(size));
  storeBe16(&packet[10], 0);
  const Be16 sum = checksum(packet.data(), headerBytes);
  std::memcpy(&packet[10], &sum.raw, 2);
  check(packet);
  return 0;
}
