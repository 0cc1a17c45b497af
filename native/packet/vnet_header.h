// The header that a virtio network device has in front of each packet (virtio 1.2 section 5.1.6; Linux's struct
// virtio_net_hdr). It says what is still to be done to the packet, and thus is what an Offload is made of.
//
// Whoever wrote the packet wrote the header too, which may be a virtual machine: nothing in it is believed before it
// was held against the packet. The length of the headers that it gives is never looked at.
//
// Thread safety: pure.
#pragma once

#include "packet/packet_vector.h"

namespace tunvs {

inline constexpr size_t kVnetHeaderBytes = 10;
static_assert(kVnetHeaderBytes <= 14);  // a port may write that much in front of a packet

// Gives `packet` the offload that the header in front of it says, or finishes its checksum if an offload has no words
// for it. Returns false for a header that contradicts itself or the packet, which is then not to be used. REQUIRES: the
// header lies in the kVnetHeaderBytes bytes in front of packet.data, in little-endian order
bool readVnetHeader(Packet& packet);

// Moves a header that stands in front of `linkBytes` bytes of link header right in front of the packet behind these.
// What it says counts from there on.
void moveVnetHeader(uint8_t* packet, size_t linkBytes);

// Writes the header into the kVnetHeaderBytes bytes in front of `packet`. REQUIRES: the offload is one that
// readVnetHeader() gave to these bytes, or none
void writeVnetHeader(uint8_t* packet, const Offload& offload);

}  // namespace tunvs
