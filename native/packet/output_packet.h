// One packet to send, and where it is going.
#pragma once

#include <cstdint>

#include "core/inet.h"
#include "packet/offload.h"

namespace tunvs {

// A complete IP packet, with the outer header where there is one. `nextHop` is what the link layer has to resolve: the
// outer destination, or the real server itself for direct routing.
struct OutputPacket {
  uint8_t* data = nullptr;
  uint32_t length = 0;
  IpAddress nextHop;
  Offload offload{};
};

enum class OutputWay : uint8_t {
  server,  // a real server
  client,  // an answer of the director's own
  host,    // this host's own stack: a packet of a local node's
};

}  // namespace tunvs
