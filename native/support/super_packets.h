// Makes packets that are still to be cut, as the kernel hands them over: their checksum field has the sum of the pseudo
// header alone.
#pragma once

#include <cstring>

#include "packet/checksum.h"
#include "packet/output_packet.h"
#include "support/packet_builder.h"
#include "support/raw_bytes.h"

namespace tunvs::testing {

// What segments are made of: headers of `outerBytes`, then an IP packet.
struct SuperPacket {
  Bytes bytes;
  Offload offload;
  size_t outerBytes = 0;
  bool sealsOuter = false;

  OutputPacket output() {
    OutputPacket packet{bytes.data(), static_cast<uint32_t>(bytes.size()), IpAddress(), offload.behind(0)};
    packet.outerBytes = static_cast<uint8_t>(outerBytes);
    packet.sealsOuter = sealsOuter;
    return packet;
  }
};

inline ParsedPacket parsedOf(Bytes& bytes, size_t outerBytes) {
  ParsedPacket parsed;
  Packet packet{bytes.data() + outerBytes, static_cast<uint32_t>(bytes.size() - outerBytes)};
  parsePacket(packet, parsed);
  return parsed;
}

// Leaves the checksum as the kernel does: the field has the sum of the pseudo header and nothing else.
inline void unfinish(SuperPacket& whole) {
  const ParsedPacket parsed = parsedOf(whole.bytes, whole.outerBytes);
  const uint16_t sum = checksumFold(pseudoHeaderSum(parsed.key.client(), parsed.key.virtualAddress(), parsed.protocol,
                                                    parsed.length - parsed.transport));
  std::memcpy(&whole.bytes[whole.offload.checksumStart + whole.offload.checksumField()], &sum, 2);
}

inline SuperPacket tcp4(size_t payload, uint16_t segment, uint8_t flags = kTcpAck) {
  SuperPacket whole{PacketBuilder()
                        .ip("198.51.100.7", "192.0.2.10")
                        .dontFragment()
                        .identification(65530)
                        .tcp(1000, 80, flags)
                        .payload(payload)
                        .build(),
                    {.segmentBytes = segment, .checksumStart = 20, .kind = OffloadKind::tcp4}};
  unfinish(whole);
  return whole;
}

inline SuperPacket udp4(size_t payload, uint16_t segment) {
  SuperPacket whole{PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(1000, 53).payload(payload).build(),
                    {.segmentBytes = segment, .checksumStart = 20, .kind = OffloadKind::udp}};
  unfinish(whole);
  return whole;
}

// An IPv6 packet whose transport header stands behind `extensions`, the first of which is destination options.
inline SuperPacket tcp6(size_t payload, uint16_t segment, size_t extensions, uint8_t flags = kTcpAck) {
  Bytes bytes = ipv6Tcp(address("2001:db8:1::7"), address("2001:db8::10"), 1000, 80, flags);
  Bytes between(extensions * 8, 0);
  for (size_t i = 0; i < extensions; i++) {
    between[i * 8] = i + 1 == extensions ? 6 : 60;
    between[i * 8 + 2] = 1;  // PadN
    between[i * 8 + 3] = 4;
  }
  if (extensions != 0) bytes[6] = 60;
  bytes.insert(bytes.begin() + 40, between.begin(), between.end());
  bytes.resize(60 + extensions * 8 + payload);
  for (size_t i = 60 + extensions * 8; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>(i * 7);
  storeBe16(&bytes[4], static_cast<uint16_t>(bytes.size() - 40));
  SuperPacket whole{
      std::move(bytes),
      {.segmentBytes = segment, .checksumStart = static_cast<uint8_t>(40 + extensions * 8), .kind = OffloadKind::tcp6}};
  unfinish(whole);
  return whole;
}

}  // namespace tunvs::testing
