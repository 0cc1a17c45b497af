// Finishes a transport checksum whose sender left it to whoever sends the packet on: its field holds the sum of the
// pseudo header, and everything from the transport header on is still to be added (Linux's CHECKSUM_PARTIAL).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tunvs {

// `start` is where the covered part begins, and `field` the offset of the checksum from there on. Returns false, and
// changes nothing, when the field is not within the packet.
bool finishChecksum(std::span<uint8_t> packet, size_t start, size_t field);

}  // namespace tunvs
