// The numbers by which one IPv6 header says what follows it (IANA, "Assigned Internet Protocol Numbers").
//
// Thread safety: pure.
#pragma once

#include <cstdint>

namespace tunvs::next_header {

inline constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51, kDestinationOptions = 60,
                         kMobility = 135, kHostIdentity = 139, kShim6 = 140;
inline constexpr uint8_t kNone = 59;  // nothing follows, which is no error (RFC 8200 section 4.7)

}  // namespace tunvs::next_header
