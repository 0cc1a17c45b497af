// maglev and rendezvous hash flows and servers to these numbers, which are the same on every director, whatever its
// byte order.
#pragma once

#include "core/siphash.h"
#include "scheduler/scheduler.h"

namespace tunvs {

// The keys are fixed, since directors must agree: the first digits of pi.
inline constexpr SipKey kFlowKey{0x243f6a8885a308d3, 0x13198a2e03707344};
inline constexpr SipKey kServerKey{0xa4093822299f31d0, 0x082efa98ec4e6c89};
inline constexpr SipKey kSkipKey{0x452821e638d01377, 0xbe5466cf34e90c6c};

inline uint64_t endpointHash(SipKey key, const IpAddress& address, uint16_t port) {
  uint8_t bytes[18];
  const size_t addressBytes = address.isV4() ? 4 : 16;
  std::memcpy(bytes, address.bytes.data(), addressBytes);
  storeBe16(bytes + addressBytes, port);
  return sipHash13(key, {bytes, addressBytes + 2});
}

// Hashes the client's address, and its port if the service asks for that.
inline uint64_t flowPoint(const ScheduleContext& context) {
  const uint16_t port = (context.options.flags & kPortFlag) != 0 ? context.flow.clientPort().host() : uint16_t{0};
  return endpointHash(kFlowKey, context.flow.client(), port);
}

// Returns a slot of `size`, evenly from all 64 bits.
inline size_t slotOf(uint64_t point, size_t size) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<size_t>(static_cast<Wide>(point) * size >> 64);
}

// Orders servers in a way that does not depend on how they were added.
inline bool isBefore(const Candidate& a, const Candidate& b) {
  return a.address != b.address ? a.address < b.address : a.port < b.port;
}

}  // namespace tunvs
