#include "packet/vnet_header.h"

#include <cstring>

#include "packet/finish_checksum.h"
#include "packet/parse_transport.h"

namespace tunvs {
namespace {

// From virtio 1.2 section 5.1.6.
constexpr uint8_t kNeedsChecksum = 1;
constexpr uint8_t kGsoNone = 0, kGsoTcp4 = 1, kGsoTcp6 = 4, kGsoUdp = 5, kGsoEcn = 0x80;

// Linux takes no TCP segments shorter than this (TCP_MIN_GSO_SIZE), and no more datagrams in one packet than this
// (UDP_MAX_SEGMENTS). A header with other values would make a flood of one packet.
constexpr size_t kLeastTcpSegmentBytes = 8, kMostDatagrams = 128;

struct Fields {
  uint8_t flags, type;
  uint16_t segmentBytes, checksumStart, checksumField;
};

uint16_t loadLe16(const uint8_t* from) { return static_cast<uint16_t>(from[0] | from[1] << 8); }
void storeLe16(uint8_t* to, size_t value) {
  to[0] = static_cast<uint8_t>(value);
  to[1] = static_cast<uint8_t>(value >> 8);
}

Fields fieldsOf(const uint8_t* header) {
  return {header[0], header[1], loadLe16(header + 4), loadLe16(header + 6), loadLe16(header + 8)};
}

OffloadKind segmentsKind(uint8_t type) {
  switch (type) {
    case kGsoTcp4: return OffloadKind::tcp4;
    case kGsoTcp6: return OffloadKind::tcp6;
    case kGsoUdp: return OffloadKind::udp;
    default: return OffloadKind::none;
  }
}

uint8_t typeOf(OffloadKind kind) {
  switch (kind) {
    case OffloadKind::tcp4: return kGsoTcp4;
    case OffloadKind::tcp6: return kGsoTcp6;
    case OffloadKind::udp: return kGsoUdp;
    case OffloadKind::none:
    case OffloadKind::tcpChecksum:
    case OffloadKind::udpChecksum: break;
  }
  return kGsoNone;
}

// Returns where a transport header begins that follows the IP header at once. REQUIRES: the packet is not empty
size_t plainTransport(const Packet& packet) {
  const uint8_t first = packet.data[0];
  return first >> 4 == 4 ? (first & 0x0f) * size_t{4} : kIpv6HeaderBytes;
}

// An offload has words for the checksum in the packet's own transport header. Others are finished here: that of a
// packet within the packet, and that behind IPv6 extension headers, as it can't be told from the former without
// parsing.
bool readChecksum(Packet& packet, const Fields& fields) {
  Offload offload;
  offload.checksumStart = static_cast<uint8_t>(fields.checksumStart);
  for (const OffloadKind kind : {OffloadKind::tcpChecksum, OffloadKind::udpChecksum}) {
    offload.kind = kind;
    if (fields.checksumField != offload.checksumField()) continue;
    if (size_t{fields.checksumStart} + fields.checksumField + 2 > packet.length) return false;
    if (fields.checksumStart != plainTransport(packet)) break;
    packet.offload = offload;
    return true;
  }
  return finishChecksum({packet.data, packet.length}, fields.checksumStart, fields.checksumField);
}

bool readSegments(Packet& packet, const Fields& fields) {
  Offload offload;
  offload.kind = segmentsKind(fields.type & static_cast<uint8_t>(~kGsoEcn));
  if (offload.isNone() || (fields.flags & kNeedsChecksum) == 0 || fields.segmentBytes == 0) return false;
  if (fields.checksumStart > Offload::kMaxChecksumStart || fields.checksumField != offload.checksumField())
    return false;
  const bool isUdp = offload.kind == OffloadKind::udp;
  const size_t headers = fields.checksumStart + (isUdp ? kUdpHeaderBytes : kTcpHeaderBytes);
  if (headers > packet.length) return false;
  if (isUdp && packet.length - headers > kMostDatagrams * fields.segmentBytes) return false;
  if (!isUdp && fields.segmentBytes < kLeastTcpSegmentBytes) return false;
  const uint8_t version = packet.data[0] >> 4;
  if (offload.kind == OffloadKind::tcp4 && version != 4) return false;
  if (offload.kind == OffloadKind::tcp6 && version != 6) return false;
  offload.segmentBytes = fields.segmentBytes;
  offload.checksumStart = static_cast<uint8_t>(fields.checksumStart);
  packet.offload = offload;
  return true;
}

}  // namespace

bool readVnetHeader(Packet& packet) {
  const uint8_t* const header = packet.data - kVnetHeaderBytes;
  packet.offload = Offload();
  if (((header[0] & kNeedsChecksum) | header[1]) == 0) [[likely]]
    return true;
  const Fields fields = fieldsOf(header);
  return fields.type == kGsoNone ? readChecksum(packet, fields) : readSegments(packet, fields);
}

void moveVnetHeader(uint8_t* packet, size_t linkBytes) {
  uint8_t* const header = packet - kVnetHeaderBytes;
  std::memmove(header, header - linkBytes, kVnetHeaderBytes);
  const size_t start = loadLe16(header + 6);
  if ((header[0] & kNeedsChecksum) != 0) storeLe16(header + 6, start < linkBytes ? UINT16_MAX : start - linkBytes);
}

void writeVnetHeader(uint8_t* packet, const Offload& offload) {
  uint8_t* const header = packet - kVnetHeaderBytes;
  std::memset(header, 0, kVnetHeaderBytes);
  if (offload.isNone()) return;
  header[0] = kNeedsChecksum;
  storeLe16(header + 6, offload.checksumStart);
  storeLe16(header + 8, offload.checksumField());
  header[1] = typeOf(offload.kind);
  if (header[1] == kGsoNone) return;
  storeLe16(header + 4, offload.segmentBytes);
  const uint8_t* const transport = packet + offload.checksumStart;
  if (offload.kind == OffloadKind::udp) return storeLe16(header + 2, offload.checksumStart + kUdpHeaderBytes);
  storeLe16(header + 2, offload.checksumStart + (transport[12] >> 4) * size_t{4});
  constexpr uint8_t kCongestionWindowReduced = 0x80;
  if ((transport[13] & kCongestionWindowReduced) != 0) header[1] |= kGsoEcn;
}

}  // namespace tunvs
