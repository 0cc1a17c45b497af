// Shifts back the sequence number in the packet that an ICMP error quotes. Its sender believes an error only if the
// number is one of those that it has under way (RFC 5927 section 4.1).
//
// Thread safety: pure. Takes any alignment.
#pragma once

#include <span>

#include "ftp/sequence_shift.h"

namespace tunvs {

// `icmp` is an error of either family, from its ICMP header on; `shift` is what the quoted packet's numbers were moved
// by. The error's checksum is mended by the difference. Nothing is changed where no TCP number is quoted.
void mendQuoted(std::span<uint8_t> icmp, const SequenceShift& shift);

}  // namespace tunvs
