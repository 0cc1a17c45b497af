// Makes flows for scheduler tests.
#pragma once

#include "core/flow_key.h"

namespace tunvs::testing {

inline IpAddress addressOf(const char* text) { return parseIpAddress(text).value(); }

// Makes a TCP flow to 192.0.2.10:80, or to that address's IPv6 counterpart.
inline FlowKey flowFrom(const char* client, uint16_t port = 0) {
  const IpAddress address = addressOf(client);
  const IpAddress vip = addressOf(address.isV4() ? "192.0.2.10" : "2001:db8:80::10");
  return FlowKey::make(address, Be16::from(port), vip, Be16::from(80), static_cast<uint8_t>(IpProtocol::tcp));
}
inline FlowKey flowTo(const char* destination) {
  const IpAddress address = addressOf(destination);
  const IpAddress client = addressOf(address.isV4() ? "198.51.100.7" : "2001:db8::7");
  return FlowKey::make(client, Be16::from(40000), address, Be16::from(80), static_cast<uint8_t>(IpProtocol::tcp));
}
// Makes the flow of the i-th of many clients; `protocol` is an IP protocol number.
inline FlowKey flowNumber(uint32_t i, IpProtocol protocol = IpProtocol::tcp) {
  return FlowKey::make(IpAddress::v4(Be32::from(0x0b000000 + i)), Be16::from(static_cast<uint16_t>(1024 + i % 60000)),
                       IpAddress::v4(192, 0, 2, 10), Be16::from(80), static_cast<uint8_t>(protocol));
}

}  // namespace tunvs::testing
