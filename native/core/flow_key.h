// What names a connection: address family, protocol, CIP, client port, VIP, virtual port.
#pragma once

#include "core/inet.h"

namespace tunvs {

// Kinds of table entries that may share a five-tuple.
enum class FlowKind : uint8_t { connection = 0, persistence = 1 };

// Invariant: `words` beyond words[0] are zero for IPv4, so that comparing all of them is always right.
struct FlowKey {
  // IPv4: words[0] = client | virtual << 32 (network order); IPv6: words[0..1] client, words[2..3] virtual.
  uint64_t words[4] = {};
  Be16 clientPort;
  Be16 virtualPort;
  uint8_t protocol = 0;
  FlowKind kind = FlowKind::connection;
  Family family = Family::ipv4;

  static FlowKey make(const IpAddress& client, Be16 clientPort, const IpAddress& virtualAddress, Be16 virtualPort,
                      uint8_t protocol) {
    FlowKey key;
    if (client.isV4()) {
      key.words[0] = client.asV4().raw | uint64_t{virtualAddress.asV4().raw} << 32;
    } else {
      std::memcpy(&key.words[0], client.bytes.data(), 16);
      std::memcpy(&key.words[2], virtualAddress.bytes.data(), 16);
    }
    key.clientPort = clientPort;
    key.virtualPort = virtualPort;
    key.protocol = protocol;
    key.family = client.family;
    return key;
  }

  bool isV4() const { return family == Family::ipv4; }
  IpAddress client() const {
    if (isV4()) return IpAddress::v4(Be32{static_cast<uint32_t>(words[0])});
    return IpAddress::v6(reinterpret_cast<const uint8_t*>(&words[0]));
  }
  IpAddress virtualAddress() const {
    if (isV4()) return IpAddress::v4(Be32{static_cast<uint32_t>(words[0] >> 32)});
    return IpAddress::v6(reinterpret_cast<const uint8_t*>(&words[2]));
  }
  uint32_t ports() const { return clientPort.raw | uint32_t{virtualPort.raw} << 16; }
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

}  // namespace tunvs
