// A packet generator: it sends UDP datagrams or TCP segments of many flows to one virtual address, at a given rate or
// as fast as an AF_PACKET socket takes them. Their source addresses belong to nobody, as an attacker's do.
//
// It is bounded in count and time, and meant for a veth pair in a network namespace of its own.
#pragma once

#include <array>
#include <string>

#include "core/inet.h"
#include "core/result.h"
#include "packet/parse.h"

namespace tunvs::bench {

struct FloodOptions {
  std::string interfaceName;
  std::array<uint8_t, 6> destinationMac{};  // of the next hop
  IpAddress virtualAddress;                 // IPv4
  uint16_t port = 0;
  IpProtocol protocol = IpProtocol::udp;  // or tcp
  uint8_t tcpFlags = kTcpSyn;             // of each segment
  uint32_t flows = 1;                     // [1, 2^24], taken in turn
  uint32_t packetBytes = 64;              // of the IP packet, [40, 1500]
  uint32_t durationMs = 1000;             // [1, 60000]
  uint64_t maxPackets = 1u << 30;         // [1, 2^32]
  uint32_t packetsPerSecond = 0;          // 0: as fast as possible
};

struct FloodResult {
  uint64_t packets = 0;  // that the socket took
  uint64_t ns = 0;
};

// Blocks for the duration. REQUIRES: CAP_NET_RAW
Result<FloodResult> flood(const FloodOptions& options);

}  // namespace tunvs::bench
