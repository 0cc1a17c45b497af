// The names of a virtual service, and of a real server within it.
#pragma once

#include "core/inet.h"

namespace tunvs {

inline constexpr uint16_t kFtpPort = 21;
inline constexpr uint8_t kWholeAddress = 255;  // a prefix that leaves one address

// A service is named by address, protocol and port, or by a firewall mark.
//
// Invariant: with a mark, protocol, port and lastPort are 0, `prefix` is kWholeAddress, and only the family of the
// address counts: its bytes are zero.
struct ServiceKey {
  IpAddress address;               // VIP; with a prefix, the first address of it
  uint16_t port = 0;               // host order; 0: every port
  uint8_t protocol = 0;            // TCP, UDP or SCTP
  uint8_t prefix = kWholeAddress;  // of the address: [0, 32] or [0, 128], or kWholeAddress
  uint16_t lastPort = 0;           // host order; 0: the service has the one port, else [port, lastPort]
  uint32_t mark = 0;               // firewall mark; 0: none

  bool isMark() const { return mark != 0; }
  bool hasPrefix() const { return prefix != kWholeAddress; }
  bool hasRange() const { return lastPort != 0; }
  bool isFtp() const { return port == kFtpPort && protocol == static_cast<uint8_t>(IpProtocol::tcp); }

  friend bool operator==(const ServiceKey&, const ServiceKey&) = default;
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};

struct ServerKey {
  IpAddress address;  // RIP
  uint16_t port = 0;  // host order; 0 in a service of every port or of a mark: the packet's port
  friend bool operator==(const ServerKey&, const ServerKey&) = default;
  friend auto operator<=>(const ServerKey&, const ServerKey&) = default;
};

}  // namespace tunvs
