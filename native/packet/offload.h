// An Offload is what a packet leaves to whoever sends it: cutting it into segments, finishing its checksum, or both.
// The kernel reads and writes such packets where it is allowed to (TUN with a virtio_net header, packet sockets with
// PACKET_VNET_HDR), and one of them costs little more than one segment.
#pragma once

#include <cassert>
#include <cstdint>

namespace tunvs {

enum class OffloadKind : uint8_t {
  none,
  tcpChecksum,  // one packet, its transport checksum not finished
  udpChecksum,
  tcp4,  // to be cut into TCP segments over IPv4, whose checksums are to be made as well
  tcp6,
  udp,  // to be cut into datagrams
};

// All zero means no offload. The fields are plain bytes, as bit fields cost the packet path a few instructions more.
struct Offload {
  // This is the limit for a packet as it is read, so that the longest outer header can still be added to it.
  static constexpr uint8_t kMaxChecksumStart = 255 - 60;

  uint16_t segmentBytes = 0;  // payload of every segment but the last; 0 for one packet
  uint8_t checksumStart = 0;  // bytes before the covered part: before the packet's own transport header
  OffloadKind kind = OffloadKind::none;

  bool isNone() const { return kind == OffloadKind::none; }
  // Returns true when more than one packet may come of it.
  bool isToBeCut() const {
    return segmentBytes != 0 && (kind == OffloadKind::tcp4 || kind == OffloadKind::tcp6 || kind == OffloadKind::udp);
  }
  // Returns the offset of the checksum from checksumStart on. REQUIRES: !isNone()
  uint8_t checksumField() const {
    return kind == OffloadKind::udp || kind == OffloadKind::udpChecksum ? kUdpField : kTcpField;
  }
  // Returns the offload with a header of `bytes` in front of the packet. REQUIRES: checksumStart + bytes <= 255
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
