// A flow key names a connection: address family, protocol, CIP, client port, VIP, virtual port.
#pragma once

#include "core/inet.h"

namespace tunvs {

// Entries of different kinds may share a five-tuple. The kinds are connections; persistence templates of services of
// one port or of every port; those of services of a range of ports or addresses; and those that go by what a
// persistence engine found in the packet.
enum class FlowKind : uint8_t { connection = 0, persistence = 1, rangePersistence = 2, enginePersistence = 3 };

// Everything but the addresses is one word, which is hashed, compared and stored as one.
//
// Invariants:
//  1. `words` beyond words[0] are zero for IPv4, so that comparing all of them is always right.
//  2. `tail` is ports() | protocol << 32 | kind << 40.
struct FlowKey {
  // IPv4: words[0] = client | virtual << 32 (network order); IPv6: words[0..1] client, words[2..3] virtual.
  uint64_t words[4] = {};
  uint64_t tail = 0;
  Family family = Family::ipv4;

  static uint64_t makeTail(uint32_t ports, uint8_t protocol, FlowKind kind) {
    return ports | uint64_t{protocol} << 32 | uint64_t{static_cast<uint8_t>(kind)} << 40;
  }

  static FlowKey make(const IpAddress& client, Be16 clientPort, const IpAddress& virtualAddress, Be16 virtualPort,
                      uint8_t protocol, FlowKind kind = FlowKind::connection) {
    FlowKey key;
    if (client.isV4()) {
      key.words[0] = client.asV4().raw | uint64_t{virtualAddress.asV4().raw} << 32;
    } else {
      std::memcpy(&key.words[0], client.bytes.data(), 16);
      std::memcpy(&key.words[2], virtualAddress.bytes.data(), 16);
    }
    const Be16 both[2] = {clientPort, virtualPort};
    key.tail = makeTail(loadUnaligned<uint32_t>(both), protocol, kind);
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
  // Returns the four bytes with which TCP, UDP and SCTP headers begin.
  uint32_t ports() const { return static_cast<uint32_t>(tail); }
  Be16 clientPort() const { return portAt(0); }
  Be16 virtualPort() const { return portAt(1); }
  uint8_t protocol() const { return static_cast<uint8_t>(tail >> 32); }
  FlowKind kind() const { return static_cast<FlowKind>(tail >> 40 & 0xff); }
  friend bool operator==(const FlowKey&, const FlowKey&) = default;

 private:
  Be16 portAt(size_t index) const {
    const uint32_t raw = ports();
    return {loadUnaligned<uint16_t>(reinterpret_cast<const uint8_t*>(&raw) + index * 2)};
  }
};

}  // namespace tunvs
