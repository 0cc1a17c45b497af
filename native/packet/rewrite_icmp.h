// Rewrites an ICMP or ICMPv6 error whose quoted packet went through a translation: who receives the error has to find
// the packet that he sent himself in it.
//
// In the quoted packet its addresses, its ports and the checksum of its IPv4 header change, and nothing else: not its
// transport checksum either, of which too little is quoted. This is what Linux's IPVS does.
//
// Thread safety: pure. Takes any alignment.
#pragma once

#include <optional>
#include <span>

#include "packet/rewrite.h"

namespace tunvs {

// Puts `quoted` into the quoted packet as its endpoints, and `source` and `destination`, where given, into the error's
// own header. The ICMP checksum is updated by the difference, as is that of the error's IPv4 header; that of the quoted
// IPv4 header is computed anew, so that it is right whatever it was. Four bytes of the quoted transport header are
// enough.
//
// Returns false, with nothing changed, when there are no ports to rewrite: the packet is not a whole ICMP error, or
// what it quotes is not TCP, UDP or SCTP, is a later fragment, is of another family than `quoted`, or ends too early.
// Writes nothing outside of the packet, whatever the lengths in the quote are. REQUIRES: `parsed` was parsed from these
// bytes without error; `source` and `destination` have the packet's family
bool rewriteIcmpError(std::span<uint8_t> packet, const ParsedPacket& parsed, const std::optional<IpAddress>& source,
                      const std::optional<IpAddress>& destination, const Endpoints& quoted);

}  // namespace tunvs
