// A FullNat is a director whose one real server is 10.0.0.11:8080 by full NAT, with a client and a server that talk
// TCP.
#pragma once

#include "packet/transport_checksum.h"
#include "support/nat_director.h"

namespace tunvs::testing {

inline DirectorOptions withSources(std::vector<std::string> sources, uint16_t firstPort = 1024,
                                   uint16_t lastPort = 65535) {
  DirectorOptions options = NatDirector::defaultOptions();
  auto made = NatSources::make(sources, firstPort, lastPort);
  if (!made) std::abort();
  options.settings.natSources = std::move(made).value();
  return options;
}

struct FullNat : NatDirector {
  static constexpr uint32_t kIsn = 1000;  // the client's first number, and the server's: their SYNs have these
  static constexpr uint32_t kServerIsn = 1000;
  static inline const IpAddress kServer = IpAddress::v4(10, 0, 0, 11);

  explicit FullNat(const DirectorOptions& options = withSources({"10.0.0.200"}), ClientTold told = ClientTold::none,
                   const ServiceConfig& service = {"rr"}, const ServiceKey& key = kWeb)
      : NatDirector(options) {
    addServices(told, service, key);
  }
  FullNat(const DirectorOptions& options, const Director::Memory& outside, ClientTold told)
      : NatDirector(options, outside) {
    addServices(told, {"rr"}, kWeb);
  }
  static ServerConfig configOf(ClientTold told = ClientTold::none) {
    ServerConfig config;
    config.tunnel.method = ForwardingMethod::snat;
    config.tunnel.told = told;
    return config;
  }
  // A client's segment, by its offset in what the client says.
  Bytes says(uint16_t port, uint32_t offset, size_t bytes, uint8_t flags = kTcpAck) {
    Bytes packet = PacketBuilder().ip(kClient, kWeb.address).tcp(port, virtualPort, flags).payload(bytes).build();
    storeBe32(&packet[24], isn + 1 + offset);
    if ((flags & kTcpAck) != 0) storeBe32(&packet[28], acknowledges);
    sealSegment(packet);
    return packet;
  }
  static void sealSegment(Bytes& packet) {
    const auto segment = std::span(packet).subspan(20);
    seal(segment, 16, pseudoHeaderSum(kClient, kWeb.address, 6, static_cast<uint32_t>(segment.size())));
  }
  std::string send(const Bytes& packet) {
    std::string verdict = NatDirector::send(packet);
    if (!sent.empty() && addressAt(sent, 16) == kServer) toServer = sent;
    return verdict;
  }
  // What the server answers to the packet that it got last.
  Bytes answer(uint32_t acknowledged, uint8_t flags = kTcpAck, size_t bytes = 0) const {
    Bytes packet = PacketBuilder()
                       .ip(kServer, addressAt(toServer, 12))
                       .tcp(loadBe16(&toServer[22]), loadBe16(&toServer[20]), flags)
                       .payload(bytes)
                       .build();
    storeBe32(&packet[24], (flags & kTcpSyn) != 0 ? serverIsn : serverIsn + 1);
    storeBe32(&packet[28], acknowledged);
    return packet;
  }
  // Returns what the client is told that the server has acknowledged.
  uint32_t answered(uint32_t acknowledged, uint8_t flags = kTcpAck, size_t bytes = 0) {
    const Bytes last = sent;
    if (send(answer(acknowledged, flags, bytes)) != "returned") return 0;
    const uint32_t told = loadBe32(&sent[28]);
    sent = last;
    return told;
  }
  // The client's SYN, and the server's answer.
  void shakeHands(uint16_t port) {
    CHECK_EQ(send(says(port, UINT32_MAX, 0, kTcpSyn)), "11");
    CHECK_EQ(answered(kIsn + 1, kTcpSyn | kTcpAck), kIsn + 1);
  }
  bool isRight() const { return isRight(sent) && (sentAhead.empty() || isRight(sentAhead)); }
  static bool isRight(const Bytes& packet) {
    return checksum(packet.data(), 20).raw == 0 && loadBe16(&packet[2]) == packet.size() &&
           transportChecksumIsRight(addressAt(packet, 12), addressAt(packet, 16), 6, std::span(packet).subspan(20));
  }
  uint32_t sequence() const { return loadBe32(&sent[24]); }
  static std::string payloadOf(const Bytes& packet) {
    if (packet.empty()) return {};
    const size_t at = 20 + (packet[32] >> 4) * size_t{4};
    return {packet.begin() + static_cast<ptrdiff_t>(at), packet.end()};
  }
  std::string payload() const { return payloadOf(sent); }

  void addServices(ClientTold told, const ServiceConfig& service, const ServiceKey& key) {
    addService(service, key);
    if (!apply(AddServer{key, {kServer, 8080}, configOf(told)}).ok()) std::abort();
  }

  uint32_t isn = kIsn, serverIsn = kServerIsn, acknowledges = kServerIsn + 1;
  uint16_t virtualPort = 80;
  Bytes toServer;
};

}  // namespace tunvs::testing
