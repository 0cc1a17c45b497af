// The protocols that are balanced, by their IP protocol numbers.
#pragma once

#include <cstdint>

namespace tunvs {

inline constexpr uint8_t kTcpProtocol = 6, kUdpProtocol = 17, kSctpProtocol = 132;

constexpr bool isBalanced(uint8_t protocol) {
  return protocol == kTcpProtocol || protocol == kUdpProtocol || protocol == kSctpProtocol;
}

}  // namespace tunvs
