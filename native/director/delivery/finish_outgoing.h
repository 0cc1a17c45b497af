// Finishes what a packet leaves to whoever sends it on, where something in it is to be changed.
#pragma once

#include "director/delivery/forwarder.h"
#include "packet/finish_checksum.h"

namespace tunvs {

// Returns the packet without an unfinished checksum, unless it is still to be cut.
inline ParsedPacket finishOutgoing(const Outgoing& packet) {
  ParsedPacket parsed = packet.parsed;
  const Offload& offload = parsed.offload;
  if (offload.isNone() || offload.isToBeCut()) return parsed;
  if (finishChecksum({packet.data, parsed.length}, offload.checksumStart, offload.checksumField())) parsed.offload = {};
  return parsed;
}

}  // namespace tunvs
