#include "support/program_packets.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "packet/icmp.h"
#include "support/packet_builder.h"
#include "support/program_servers.h"

namespace tunvs::testing {
namespace {

constexpr uint8_t kFlags[] = {kTcpSyn, kTcpAck, kTcpFin, kTcpRst, kTcpFin | kTcpAck, kTcpSyn | kTcpAck, 0, 0xff};

IpAddress clientOf(uint16_t client) { return IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client / 3000)); }
uint16_t portOf(uint16_t client) { return static_cast<uint16_t>(1024 + client % 3000); }

IpAddress pieceClient(uint16_t client) { return IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client % 200)); }

// Makes the piece `at` of a datagram of pieces of 8 bytes.
Bytes pieceOf(PacketBuilder piece, uint8_t number, uint16_t source, uint16_t destination, size_t pieces, size_t at) {
  piece.identification(number).fragmentOffset(static_cast<uint16_t>(8 * at));
  if (at + 1 < pieces) piece.moreFragments();
  return at == 0 ? piece.udp(source, destination).build() : piece.protocol(IpProtocol::udp).payload(8).build();
}

// Puts a sequence number and an acknowledgement into a TCP segment.
void number(Bytes& packet, uint32_t sequence, uint32_t acknowledged) {
  storeBe32(&packet[24], sequence);
  storeBe32(&packet[28], acknowledged);
  const auto segment = std::span(packet).subspan(20);
  seal(segment, 16,
       pseudoHeaderSum(addressAt(packet, 12), addressAt(packet, 16), 6, static_cast<uint32_t>(segment.size())));
}

}  // namespace

Bytes programReply(uint8_t service, uint8_t server, uint16_t client, uint8_t flags) {
  const ServiceKey& key = kProgramServiceKeys[service % kProgramServices];
  PacketBuilder packet;
  packet.ip(programServer(key, server).address, clientOf(client));
  if (key.protocol == 6) {
    packet.tcp(key.port, portOf(client), kFlags[flags % std::size(kFlags)]);
  } else {
    packet.udp(key.port, portOf(client));
  }
  if ((flags & 0x40) != 0) packet.dontFragment();
  return packet.payload(flags % 7).build();
}

Bytes programReplyPiece(uint8_t server, uint16_t client, uint8_t number, size_t pieces, size_t at) {
  PacketBuilder piece;
  piece.ip(programServer(TestDirector::kNames, server).address, pieceClient(client));
  return pieceOf(piece, number, 53, static_cast<uint16_t>(1024 + client), pieces, at);
}

Bytes programFtp(uint8_t server, uint16_t client, bool isServers, uint8_t what) {
  static constexpr std::string_view kLines[] = {
      "227 Entering Passive Mode (10,0,0,14,200,10).\r\n",
      "227 =10,0,0,15,200,10\r\n",
      "229 Entering Extended Passive Mode (|||51211|)\r\n",
      "150 Here it comes.\r\n",
      "PORT 198,51,100,1,195,80\r\n",
      "EPRT |1|198.51.100.2|50000|\r\n",
      "PASV\r\n",
      "",
  };
  const IpAddress to = clientOf(client), from = programServer(kProgramFtp, server).address;
  PacketBuilder packet;
  if (isServers) {
    packet.ip(from, to);
  } else {
    packet.ip(to, kProgramFtp.address);
  }
  const auto of = static_cast<uint16_t>((what & 0x80) != 0 ? 20 : 51210 + (what >> 5 & 1));
  const auto ofClient = (what & 0x80) != 0 ? uint16_t{50000} : portOf(client);
  if ((what & 0x40) != 0)
    return packet.tcp(isServers ? of : ofClient, isServers ? ofClient : of, kFlags[what & 3]).build();
  const std::string_view line = kLines[what % std::size(kLines)];
  packet.tcp(isServers ? 21 : portOf(client), isServers ? portOf(client) : 21, kTcpAck);
  Bytes made = packet.payload(Bytes(line.begin(), line.end())).build();
  const uint32_t at = 1000 + 40 * uint32_t{static_cast<uint8_t>(what >> 3 & 7)};
  number(made, at, at);
  return made;
}

Bytes programError(const Bytes& about, const IpAddress& from, uint8_t what, size_t bytes) {
  static constexpr uint8_t kTypes[] = {icmp4::kUnreachable, icmp4::kTimeExceeded, icmp4::kParameterProblem,
                                       icmp4::kRedirect};
  IpAddress sender = from;
  std::copy_n(&about[12], 4, sender.bytes.begin());
  const Bytes quoted = firstOf(about, std::min(bytes, about.size()));
  return icmpPacket(from, sender, kTypes[what % std::size(kTypes)], what / 4 % 5, what * uint32_t{8}, quoted);
}

Bytes programFlow(uint8_t service, uint16_t client, uint8_t flags) {
  const ServiceKey& key = kProgramServiceKeys[service % kProgramServices];
  const uint16_t port = portOf(client);
  PacketBuilder packet;
  packet.ip(clientOf(client), key.address);
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
  piece.ip(pieceClient(client), TestDirector::kNames.address);
  return pieceOf(piece, number, static_cast<uint16_t>(1024 + client), 53, pieces, at);
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
