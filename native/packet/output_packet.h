// An OutputPacket is one packet to send, and where it goes.
#pragma once

#include <cstdint>

#include "core/inet.h"
#include "packet/offload.h"

namespace tunvs {

// The packet is a complete IP packet, with its outer header if it has one. The link layer has to resolve `nextHop`: the
// outer destination, or the real server itself for direct routing.
struct OutputPacket {
  uint8_t* data = nullptr;
  uint32_t length = 0;
  IpAddress nextHop;
  Offload offload{};
  uint8_t outerBytes = 0;  // in front of the packet's own IP header; holds only for a packet with an offload
  // Each segment needs an outer UDP checksum, whose field is 0 as yet; holds only for a packet that is still to be cut.
  bool sealsOuter = false;
};

enum class OutputWay : uint8_t {
  server,  // a real server
  client,  // a client, with an answer of the director's own
  host,    // this host's own stack, with a packet for a local node
  routed,  // this host's own stack, which routes it on: a packet that was rewritten, or goes on as it is
};

}  // namespace tunvs
