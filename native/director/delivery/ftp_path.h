// FTP's control connections through a director that rewrites addresses: what they announce of data connections is
// expected, the server's address in a 227 becomes the virtual one, and the sequence numbers that follow move with it.
//
// A client has to announce an address of its own, or nothing is expected; IPVS takes any. A server may name another
// host. What it says counts only on a line of its own, for a client may have it repeat what he likes: so nobody gets to
// a host or a port that the server has not named.
//
// Thread safety: as Director::process.
#pragma once

#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/worker/pass.h"
#include "ftp/ftp_text.h"

namespace tunvs {

class FtpPath {
 public:
  FtpPath(Connections& connections, Forwarder& forwarder) : connections_(connections), forwarder_(forwarder) {}

  // Tells whether a packet of a connection to this virtual port is one to look into.
  static bool isControl(const ParsedPacket& parsed, Be16 virtualPort) {
    return virtualPort.host() == kFtpPort && parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp) &&
           parsed.packetClass == PacketClass::flow;
  }
  // Tells the same of a packet whose server is known. A data connection would tell its server of no client.
  static bool concerns(const ServerView& server, const ParsedPacket& parsed, Be16 virtualPort) {
    return isControl(parsed, virtualPort) && server.config.tunnel.told == ClientTold::none;
  }
  // These send a packet of a control connection, as Forwarder::sendReply() and deliver() do. REQUIRES: concerns()
  Verdict sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                    const Endpoints& to);
  Verdict deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet);

 private:
  bool hasSession(Family family, const Conn& conn) const;
  // What a server says of data connections.
  struct Said {
    std::optional<PassiveReply> passive;
    std::optional<ExtendedPassiveReply> extended;
  };
  Said read(Family family, uint32_t control, const ParsedPacket& parsed, std::span<const uint8_t> payload);

  Connections& connections_;
  Forwarder& forwarder_;
};

}  // namespace tunvs
