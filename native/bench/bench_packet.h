// The packets that the benchmarks drive the engine with: one IPv4 packet per flow number.
#pragma once

#include <bit>
#include <cassert>
#include <cstring>

#include "core/inet.h"
#include "packet/checksum.h"
#include "packet/parse.h"

namespace tunvs::bench {

inline constexpr uint32_t kPortsPerClient = 1u << 14;
inline constexpr uint16_t kFirstPort = 1024;
inline constexpr uint32_t kFirstClient = 0xc6120000;  // 198.18.0.0/15, set aside for benchmarks (RFC 2544)
inline constexpr uint32_t kMaxFlows = kPortsPerClient << 17;

// A packet of flow 0 that the others are made from. Thread safety: it is const after construction.
class PacketTemplate {
 public:
  // REQUIRES: protocol is tcp or udp; kMinBytes <= bytes <= kMaxBytes; `virtualAddress` is IPv4
  PacketTemplate(IpProtocol protocol, const IpAddress& virtualAddress, uint16_t port, uint32_t bytes, uint8_t tcpFlags)
      : bytes_(bytes) {
    assert(bytes >= kMinBytes && bytes <= kMaxBytes);
    header_[0] = 0x45;
    storeBe16(header_ + 2, static_cast<uint16_t>(bytes));
    storeBe16(header_ + 6, kIpv4DontFragment);
    header_[8] = 63;  // the TTL after one router
    header_[9] = static_cast<uint8_t>(protocol);
    std::memcpy(header_ + 16, virtualAddress.bytes.data(), 4);
    storeBe16(header_ + 22, port);
    if (protocol == IpProtocol::udp) {
      storeBe16(header_ + 24, static_cast<uint16_t>(bytes - kIpv4HeaderBytes));  // without a checksum (RFC 768)
    } else {
      header_[32] = 5 << 4;
      header_[33] = tcpFlags;
    }
    sum_ = checksumAdd20(header_);
  }

  uint32_t bytes() const { return bytes_; }

  // Writes the headers of this flow's packet. REQUIRES: kMinBytes at `packet`, flow < kMaxFlows
  void write(uint8_t* packet, uint32_t flow) const {
    const uint32_t client = swapIfLittle(kFirstClient + flow / kPortsPerClient);
    std::memcpy(packet, header_, kMinBytes);
    std::memcpy(packet + 12, &client, sizeof client);
    storeBe16(packet + 20, static_cast<uint16_t>(kFirstPort + flow % kPortsPerClient));
    const uint16_t checksum = static_cast<uint16_t>(~checksumFold(sum_ + client));
    std::memcpy(packet + 10, &checksum, sizeof checksum);
  }

  // Does the same for a packet that a real server sends to the flow's client, from the virtual service's port.
  void writeReply(uint8_t* packet, uint32_t flow, Be32 server) const {
    write(packet, flow);
    const auto client = loadUnaligned<uint32_t>(packet + 12), ports = loadUnaligned<uint32_t>(packet + 20);
    const auto virtualAddress = loadUnaligned<uint32_t>(header_ + 16);
    const uint32_t swapped = std::rotl(ports, 16);
    std::memcpy(packet + 12, &server, sizeof server);
    std::memcpy(packet + 16, &client, sizeof client);
    std::memcpy(packet + 20, &swapped, sizeof swapped);
    const uint16_t checksum = static_cast<uint16_t>(~checksumFold(sum_ - virtualAddress + server.raw + client));
    std::memcpy(packet + 10, &checksum, sizeof checksum);
  }

  static constexpr uint32_t kMinBytes = 40;
  static constexpr uint32_t kMaxBytes = 1500;

 private:
  uint32_t bytes_;
  uint8_t header_[kMinBytes] = {};
  uint64_t sum_;
};

}  // namespace tunvs::bench
