// Replaces a piece of a TCP packet's payload by a text, which may be longer or shorter, where the packet lies.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ftp/payload_range.h"
#include "packet/offload.h"

namespace tunvs {

// `room` begins with an IP packet of `length` bytes, whose TCP header begins at `transport`, and ends where the packet
// may grow to. Returns the packet's new length: what follows the range has moved, the IP header says the new length,
// and both checksums are mended by the difference, so wrong ones are wrong by as much as before. One that `offload`
// leaves to the sender holds the sum of a pseudo header, of which only the length changes. A checksum of 0xffff, which
// is another 0 that nobody writes, may become 0.
//
// Returns nullopt, and changes nothing, when the packet would not fit into `room` or have more than 65,535 bytes, and
// when `range` or the headers lead outside of the packet or do not say its length: bytes behind it, as Ethernet pads
// short frames, are not the caller's packet. Bytes in `room` behind the new length are left as they happen to be.
// REQUIRES: `text` does not lie in `room`; the packet is no fragment
std::optional<size_t> replacePayload(std::span<uint8_t> room, size_t length, size_t transport,
                                     const PayloadRange& range, std::string_view text, const Offload& offload = {});

}  // namespace tunvs
