// Forwarding methods: how a packet is rewritten for its real server.
//
// A method is a file of its own that makes an outer header once per real server (off the packet path) and puts it on a packet.
// Adding one: its file, a line in the enum, in kForwardingMethods and in the two switches of forward.cc and below.
#pragma once

#include <optional>
#include <string_view>

#include "core/packet_vector.h"
#include "core/parse.h"

namespace tunvs {

enum class ForwardingMethod : uint8_t { ipip };

struct ForwardingMethodInfo {
  std::string_view name;
  ForwardingMethod method;
};
inline constexpr ForwardingMethodInfo kForwardingMethods[] = {{"ipip", ForwardingMethod::ipip}};

std::optional<ForwardingMethod> forwardingMethodByName(std::string_view name);
std::string_view nameOf(ForwardingMethod method);

// An outer header with everything filled in that does not depend on the packet.
struct OuterHeader {
  uint8_t bytes[40] = {};
  uint8_t length = 0;        // bytes
  uint64_t sum = 0;          // one's complement sum of `bytes`, unfolded
};

// Makes the outer header for packets from `source` (DIP) to `server` (RIP). REQUIRES: equal families.
OuterHeader makeOuterHeader(ForwardingMethod method, const IpAddress& source, const IpAddress& server);

// RFC 3168 section 9.1.1, full functionality: the inner codepoint is copied, except CE, which becomes ECT(0).
inline uint8_t outerTrafficClass(uint8_t inner) {
  return (inner & 0x03) == 0x03 ? static_cast<uint8_t>(inner & 0xfe) : inner;
}

}  // namespace tunvs
