#include "support/program_packets.h"

#include <cstring>

#include "packet/icmp.h"
#include "support/packet_builder.h"
#include "support/program_servers.h"

namespace tunvs::testing {
namespace {

constexpr uint8_t kFlags[] = {kTcpSyn, kTcpAck, kTcpFin, kTcpRst, kTcpFin | kTcpAck, kTcpSyn | kTcpAck, 0, 0xff};

}  // namespace

Bytes programFlow(uint8_t service, uint16_t client, uint8_t flags) {
  const ServiceKey& key = kProgramServiceKeys[service % kProgramServices];
  const auto port = static_cast<uint16_t>(1024 + client % 3000);
  PacketBuilder packet;
  packet.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client / 3000)), key.address);
  if (key.protocol == 6) {
    packet.tcp(port, key.port, kFlags[flags % std::size(kFlags)]);
  } else {
    packet.udp(port, key.port);
  }
  if ((flags & 0x40) != 0) packet.dontFragment();
  if ((flags & 0x80) != 0) packet.options({148, 4, 0, 0});
  return packet.payload(flags % 7).build();
}

Bytes programPiece(uint16_t client, uint8_t number, size_t pieces, size_t at) {
  PacketBuilder piece;
  piece.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client % 200)), TestDirector::kNames.address);
  piece.identification(number).fragmentOffset(static_cast<uint16_t>(8 * at));
  if (at + 1 < pieces) piece.moreFragments();
  return at == 0 ? piece.udp(static_cast<uint16_t>(1024 + client), 53).build()
                 : piece.protocol(IpProtocol::udp).payload(8).build();
}

Bytes programAnswered(uint16_t client, size_t bytes) {
  PacketBuilder packet;
  packet.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client % 200)), TestDirector::kWeb.address);
  if (bytes % 3 == 0) return packet.tcp(client, 81, kTcpSyn).build();
  if (bytes % 3 == 1) return packet.udp(client, 81).payload(bytes).build();
  Bytes message(8 + bytes, static_cast<uint8_t>(client));
  message[0] = icmp4::kEchoRequest;
  message[1] = message[2] = message[3] = 0;
  const Be16 check = checksum(message.data(), message.size());
  std::memcpy(&message[2], &check.raw, 2);
  return packet.protocol(IpProtocol::icmp).payload(message).build();
}

}  // namespace tunvs::testing
