// What a packet has left to whoever sends it: that it is cut into segments, that its checksum is finished, or both. The
// kernel reads and writes such packets where it is allowed to (TUN with a virtio_net header, packet sockets with
// PACKET_VNET_HDR), and one of them costs little more than one segment.
#pragma once

#include <cassert>
#include <cstdint>

namespace tunvs {

enum class OffloadKind : uint8_t {
  none,
  tcpChecksum,  // one packet, its transport checksum not finished
  udpChecksum,
  tcp4,  // to be cut into TCP segments over IPv4, and so is the checksum of each to be made
  tcp6,
  udp,  // to be cut into datagrams
};

// Zero: nothing. Plain bytes, as bit fields cost the way of every packet a few instructions more.
struct Offload {
  // As read, so that it can still be counted behind the longest outer header.
  static constexpr uint8_t kMaxChecksumStart = 255 - 60;

  uint16_t segmentBytes = 0;  // payload of every segment but the last; 0 for one packet
  uint8_t checksumStart = 0;  // bytes in front of what the checksum covers: of the packet's own transport header
  OffloadKind kind = OffloadKind::none;

  bool isNone() const { return kind == OffloadKind::none; }
  // Offset of the checksum from checksumStart on. REQUIRES: !isNone()
  uint8_t checksumField() const {
    return kind == OffloadKind::udp || kind == OffloadKind::udpChecksum ? kUdpField : kTcpField;
  }
  // The same with a header of `bytes` in front of the packet. REQUIRES: checksumStart + bytes <= 255
  Offload behind(uint32_t bytes) const {
    assert(checksumStart + bytes <= 255);
    Offload moved = *this;
    if (!isNone()) moved.checksumStart = static_cast<uint8_t>(checksumStart + bytes);
    return moved;
  }
  friend bool operator==(const Offload&, const Offload&) = default;

 private:
  static constexpr uint8_t kTcpField = 16, kUdpField = 6;
};
static_assert(sizeof(Offload) == 4);

}  // namespace tunvs
