// How long the headers are that every packet of their kind has.
//
// Thread safety: pure.
#pragma once

#include <cstddef>

namespace tunvs {

inline constexpr size_t kIpv4HeaderBytes = 20;  // without options (RFC 791)
inline constexpr size_t kIpv6HeaderBytes = 40;  // without extension headers (RFC 8200)
inline constexpr size_t kTcpHeaderBytes = 20;   // without options (RFC 9293)
inline constexpr size_t kUdpHeaderBytes = 8;    // RFC 768

}  // namespace tunvs
