// Agrees with the kernel on what a TUN device hands over unfinished.
//
// Thread safety: pure but for the device that it sets.
#pragma once

#include <vector>

#include "io/port/offload_choice.h"

namespace tunvs {

struct TunOffloads {
  bool hasHeader = false;            // each packet has a virtio header in front
  bool tso = false, uso = false;     // what the kernel agreed to
  std::vector<OffloadState> states;  // one for each that is the device's

  // Returns true when packets come that are longer than the device's MTU.
  bool hasSuperPackets() const { return tso || uso; }
};

// Sets what the device may hand over, whatever an earlier opener of it had set: a persistent device keeps that. Sets
// the form of the header, too. `fd` is a queue of the device, opened with IFF_VNET_HDR unless the choice is off. Fails
// if the kernel refuses one that the choice demands.
Result<TunOffloads> agreeOnOffloads(int fd, OffloadChoice choice);

// Sets that the device hands over nothing unfinished.
void clearOffloads(int fd);

}  // namespace tunvs
