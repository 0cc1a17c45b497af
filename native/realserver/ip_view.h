// What a real server has to know of an IP header, and may have to change in the packet that was in a tunnel.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <span>

#include "core/inet.h"

namespace tunvs {

struct IpView {
  Family family;
  size_t headerBytes;  // IPv4 with options; IPv6 without extension headers
  size_t totalBytes;   // [headerBytes, available bytes]

  IpAddress destination(std::span<const uint8_t> packet) const;
  uint8_t ecn(std::span<const uint8_t> packet) const;  // [0, 3]
};

// Returns nullopt when there is no header of this family whose lengths agree.
std::optional<IpView> viewIp(std::span<const uint8_t> packet, Family family);

// Checks IPv4's header checksum. IPv6 has none, which counts as right.
bool isHeaderChecksumRight(std::span<const uint8_t> packet, const IpView& view);

// Sets the ECN bits and updates IPv4's header checksum.
void setEcn(std::span<uint8_t> packet, const IpView& view, uint8_t ecn);

// Receive offload (GRO) leaves the pseudo header's sum where a TCP checksum belongs, and expects somebody to finish it;
// so does a sender, of TCP and UDP, on a host that is reached without a network card. A raw socket hands that out
// unchanged and unmarked (measured on Linux 6.18), but the value is recognisable.
//
// REQUIRES (both): packet.size() == view.totalBytes
bool hasUnfinishedTcpChecksum(std::span<const uint8_t> packet, const IpView& view);
// If a packet's checksum is right already, finishing gives the same checksum.
void finishTransportChecksum(std::span<uint8_t> packet, const IpView& view);

}  // namespace tunvs
