// A TcpSegment is an IP packet with TCP, seen as what can be merged with others of its flow (packet/tcp_merger.h).
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "core/header_bytes.h"
#include "core/inet.h"

namespace tunvs {

inline constexpr uint8_t kTcpPush = 0x08, kTcpEcnEcho = 0x40, kTcpWindowReduced = 0x80;

enum class TcpView : uint8_t {
  plain,  // TCP behind an IPv4 header without options, or an IPv6 header without extension headers; whole
  never,  // not TCP, whatever else it is
  maybe,  // a packet that TCP may be in, but that is not understood here: a fragment, or one with options
};

struct TcpSegment {
  const uint8_t* data = nullptr;
  uint32_t length = 0;      // of the packet
  uint8_t transport = 0;    // offset of the TCP header: 20 or 40
  uint8_t headerBytes = 0;  // of all headers, [transport + 20, transport + 60]

  bool isV4() const { return transport == kIpv4HeaderBytes; }
  const uint8_t* tcp() const { return data + transport; }
  size_t tcpHeaderBytes() const { return headerBytes - size_t{transport}; }
  size_t payloadBytes() const { return length - headerBytes; }
  uint8_t flags() const { return tcp()[13]; }
  uint32_t sequence() const { return loadBe32(tcp() + 4); }
  std::span<const uint8_t> payload() const { return {data + headerBytes, payloadBytes()}; }

  // Tells whether both have the same addresses and ports.
  bool isOfFlow(const TcpSegment& other) const;
  // Tells whether the headers differ in nothing but lengths, IPv4 identifications, sequence numbers, checksums, and the
  // flags CWR, FIN and PSH. REQUIRES: isOfFlow(other)
  bool hasHeadersOf(const TcpSegment& other) const;
  // Tells whether the IPv4 header's checksum is right, and neither that nor TCP's is one that could be written in two
  // ways: 0xffff, which stands for 0.
  bool hasPlainChecksums() const;
  bool isTcpChecksumRight() const;
};

// Fills `segment` when the answer is `plain`, and only then. Reads nothing beyond the packet, whatever its bytes are.
TcpView viewTcpSegment(std::span<const uint8_t> packet, TcpSegment& segment);

// Returns the sum of the pseudo header of a packet that begins with `ip` and has `tcpBytes` from its TCP header on.
uint64_t tcpPseudoSum(const uint8_t* ip, size_t tcpBytes);

}  // namespace tunvs
