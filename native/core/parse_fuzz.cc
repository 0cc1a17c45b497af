// Any bytes as a packet: parsing reads nothing beyond them, and what it accepts is what an IPv4 reader would find
// there.
#include <algorithm>
#include <cstdlib>

#include "support/packet_builder.h"

using namespace tunvs;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const testing::Bytes& bytes) {
  testing::HeldPacket held(bytes);
  const Packet packet = held.packet();
  ParsedPacket parsed;
  parsePacket(packet, parsed);
  require(std::equal(bytes.begin(), bytes.end(), packet.data));
  if (parsed.error != ParseError::none) return;

  const uint8_t* p = bytes.data();
  require(bytes.size() >= 28 && p[0] >> 4 == 4);
  const size_t headerBytes = (p[0] & 0x0fu) * 4;
  require(headerBytes >= 20 && parsed.transport == headerBytes);
  require(parsed.length == loadBe16(p + 2) && parsed.length <= bytes.size());
  require(testing::naiveSum(p, headerBytes) == 0xffff);
  require((loadBe16(p + 6) & 0x3fff) == 0 && parsed.dontFragment == ((p[6] & 0x40) != 0));
  require(parsed.ttl == p[8] && parsed.ttl > 0 && parsed.trafficClass == p[1]);
  const bool isTcp = p[9] == 6;
  require(isTcp || p[9] == 17);
  require(parsed.length - headerBytes >= (isTcp ? 20u : 8u));
  require(parsed.tcpFlags == (isTcp ? p[headerBytes + 13] : 0));
  require(isUnicast(parsed.key.client()) && parsed.key.client() != parsed.key.virtualAddress());
  const auto expected =
      FlowKey::make(IpAddress::v4(p[12], p[13], p[14], p[15]), Be16::from(loadBe16(p + headerBytes)),
                    IpAddress::v4(p[16], p[17], p[18], p[19]), Be16::from(loadBe16(p + headerBytes + 2)), p[9]);
  require(parsed.key == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  testing::Bytes packet(data, data + size);
  check(packet);
  // Once more with the length and checksum that it would need: a fuzzer does not find those by itself.
  const size_t headerBytes = size == 0 ? 0 : (data[0] & 0x0fu) * 4;
  if (headerBytes < 20 || size < headerBytes || size > kMaxPacketBytes) return 0;
  storeBe16(&packet[2], static_cast<uint16_t>(size));
  storeBe16(&packet[10], 0);
  const Be16 sum = checksum(packet.data(), headerBytes);
  std::memcpy(&packet[10], &sum.raw, 2);
  check(packet);
  return 0;
}
