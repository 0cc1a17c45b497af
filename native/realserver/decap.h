// Takes the inner packet out of an IPIP packet (IPv4 protocol 4), as a real server of LVS/TUN has to.
//
// Thread safety: pure; DecapRules is read-only once made.
// Agrees with what Linux's own tunl0 does (test/golden/decap.json), but for two differences on purpose:
//  1. Only configured directors may be the outer source: tunl0 takes packets from anybody, which lets anybody behind
//  any filter in.
//  2. Only virtual addresses may be the inner destination: tunl0 takes the server's own addresses too.
// Outer fragments: the kernel puts them together before a raw socket sees them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/inet.h"
#include "core/result.h"

namespace tunvs {

enum class DecapVerdict : uint8_t {
  accepted,
  badOuter,         // shorter than it says, not IPv4, not protocol 4, or a fragment
  unknownDirector,  // the outer source is not a director
  badInner,         // no IPv4 header that holds together behind the outer one
  badInnerChecksum,
  notVirtualAddress,         // the inner destination is not a virtual address
  congestionNotSignallable,  // the outer header says "congestion experienced", the inner sender does not do ECN (RFC
                             // 6040)
};
inline constexpr size_t kDecapVerdicts = 7;

// camelCase, as in the statistics.
std::string_view toString(DecapVerdict verdict);

class DecapRules {
 public:
  // An Error names an address that is not IPv4 unicast, or an empty list.
  static Result<DecapRules> make(std::span<const IpAddress> directors, std::span<const IpAddress> virtualAddresses);

  bool isDirector(Be32 address) const;
  bool isVirtualAddress(Be32 address) const;

 private:
  std::vector<uint32_t> directors_;  // as on the wire; sorted
  std::vector<uint32_t> virtualAddresses_;
};

struct Decapsulated {
  DecapVerdict verdict;
  std::span<uint8_t> inner{};  // within the input; empty unless accepted
};

// `packet`: outer header first, as a raw socket gives it. May change the inner packet: its ECN bits (RFC 6040
// section 4.2), and the TCP checksum of a packet that the network card or its driver put together from several (GRO),
// which leaves it unfinished.
Decapsulated decapsulate(std::span<uint8_t> packet, const DecapRules& rules);

}  // namespace tunvs
