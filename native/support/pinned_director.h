// A PinnedDirector is a TestDirector with two servers, whose host checks them by pinned flows.
#pragma once

#include "support/icmp_errors.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::testing {

struct PinnedDirector : TestDirector {
  static constexpr Tick kTtl = ticksFromSeconds(5);

  explicit PinnedDirector(const DirectorOptions& options = defaultOptions()) : TestDirector(options) {
    addService();
    addServer(11);
    addServer(12);
  }

  static FlowKey flow(uint16_t port, const ServiceKey& service = kWeb) {
    return FlowKey::make(kDirector, Be16::from(port), service.address, Be16::from(service.port), service.protocol);
  }
  static PinRequest request(uint16_t port, uint8_t lastByte, const ServiceKey& service = kWeb) {
    return {.flow = flow(port, service), .service = service, .server = server(lastByte, service), .ttl = kTtl};
  }
  Result<uint32_t> tryPin(uint16_t port, uint8_t lastByte, const ServiceKey& service = kWeb) {
    return director.pin(request(port, lastByte, service), now);
  }
  // Pins a flow of the host's own to a server. Returns the pin's name.
  uint32_t pin(uint16_t port, uint8_t lastByte, const ServiceKey& service = kWeb) {
    auto made = tryPin(port, lastByte, service);
    if (!made) std::printf("%s\n", made.error().message.c_str());
    if (!made) std::abort();
    return made.value();
  }
  PinReport report(uint32_t name) const { return director.pinReport(name).value_or(PinReport{}); }

  static PacketBuilder fromHost(uint16_t port, uint8_t flags = kTcpSyn) {
    return PacketBuilder().ip(kDirector, kWeb.address).tcp(port, kWeb.port, flags);
  }
  // Sends a packet of the host's own, and says what became of it: "pinned 11" if it went to 10.0.0.11 by a pin.
  std::string check(uint16_t port, uint8_t flags = kTcpSyn) { return check(fromHost(port, flags).build()); }
  std::string check(const Bytes& packet, size_t worker = 0) {
    const std::string verdict = send(packet, worker);
    return verdict == "pinned" ? verdict + " " + std::to_string(sent.size() > 19 ? sent[19] : 0) : verdict;
  }
};

}  // namespace tunvs::testing
