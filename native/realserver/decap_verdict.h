// What becomes of a packet that came through a tunnel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tunvs {

// In the order in which they are looked for: a packet gets the first that holds.
enum class DecapVerdict : uint8_t {
  accepted,
  badOuter,           // shorter than it says, not the protocol that it came by, or a fragment
  unknownDirector,    // the outer source is not a director
  badTunnelHeader,    // a GUE or GRE header that is cut short, of another version, or with what we can't skip
  badTunnelChecksum,  // GRE's; the kernel checks those of UDP
  badInner,           // no IP header that holds together where one belongs
  badInnerChecksum,
  notVirtualAddress,         // the inner destination is not a virtual address
  congestionNotSignallable,  // the outer header says "congestion experienced", the inner sender does not do ECN (RFC
                             // 6040)
};
inline constexpr size_t kDecapVerdicts = 9;

// camelCase, as in the statistics.
std::string_view toString(DecapVerdict verdict);

}  // namespace tunvs
