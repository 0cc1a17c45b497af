// A NatDirector is a TestDirector whose real servers' packets are rewritten (LVS/NAT), and the words for both sides.
//
//   NatDirector t;
//   t.addService();
//   t.addNat(11, 8080);
//   CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn)), "11");
//   CHECK_EQ(t.send(exchanged(t.sent)), "returned");      // the server sends back what it got
//
// Thread safety: none.
#pragma once

#include "support/nat_laws.h"
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::testing {

class NatDirector : public TestDirector {
 public:
  static inline const IpAddress kClient = IpAddress::v4(198, 51, 100, 7);
  static inline const ServiceKey kWeb6{address("2001:db8::10"), 80, 6};

  explicit NatDirector(const DirectorOptions& options = defaultOptions()) : TestDirector(options) {}
  NatDirector(const DirectorOptions& options, const Director::Memory& outside) : TestDirector(options, outside) {}
  ~NatDirector() { CHECK_EQ(brokenNatLaw(director), ""); }

  static ServerConfig natConfig() { return {.tunnel = {.method = ForwardingMethod::nat}}; }
  static ServerKey natServer(uint8_t lastByte, uint16_t port) { return {IpAddress::v4(10, 0, 0, lastByte), port}; }
  void addNat(uint8_t lastByte, uint16_t port = 80, const ServiceKey& service = kWeb,
              const ServerConfig& config = natConfig()) {
    const auto added = apply(AddServer{service, natServer(lastByte, port), config});
    CHECK(added.ok());
  }

  static Bytes fromClient(uint16_t port, uint8_t flags, size_t payload = 0, const ServiceKey& service = kWeb) {
    return PacketBuilder().ip(kClient, service.address).tcp(port, service.port, flags).payload(payload).build();
  }
  static Bytes fromServer(uint8_t lastByte, uint16_t port, uint16_t clientPort, uint8_t flags, size_t payload = 0) {
    return PacketBuilder()
        .ip(IpAddress::v4(10, 0, 0, lastByte), kClient)
        .tcp(port, clientPort, flags)
        .payload(payload)
        .build();
  }
  // Sends SYN, SYN-ACK and ACK. Returns the server's last byte, or the first verdict that does not fit.
  std::string handshake(uint16_t clientPort, const ServiceKey& service = kWeb) {
    const std::string to = send(fromClient(clientPort, kTcpSyn, 0, service));
    if (to.empty() || !(to[0] >= '0' && to[0] <= '9')) return to;
    Bytes answer = exchanged(sent);
    answer[33] |= kTcpAck;
    if (const std::string back = send(answer); back != "returned") return back;
    const std::string again = send(fromClient(clientPort, kTcpAck, 0, service));
    return again == to ? to : to + " then " + again;
  }
  // Says whether what a server got, sent back exchanged, reaches the client as the client's own packet exchanged.
  std::string thereAndBack(const Bytes& packet) {
    const std::string to = send(packet);
    if (to.empty() || !(to[0] >= '0' && to[0] <= '9')) return to;
    if (const std::string back = send(exchanged(sent)); back != "returned") return back;
    return sent == exchanged(packet) ? "the same" : "another packet";
  }
  static std::string source(const Bytes& packet) {
    return toString(addressAt(packet, 12)) + ":" + std::to_string(loadBe16(&packet[20]));
  }
  static std::string destination(const Bytes& packet) {
    return toString(addressAt(packet, 16)) + ":" + std::to_string(loadBe16(&packet[22]));
  }
  std::string sentFrom() const { return source(sent); }
  std::string sentTo() const { return destination(sent); }
};

// One that has a server, 10.0.0.11, and a connection to it from the client's port 40000.
struct ConnectedNatDirector : NatDirector {
  ConnectedNatDirector() {
    addService();
    addNat(11);
    CHECK_EQ(handshake(40000), "11");
  }
};

}  // namespace tunvs::testing
