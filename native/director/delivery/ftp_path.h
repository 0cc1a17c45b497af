// FTP's control connections through a director that rewrites addresses: what they announce of data connections is
// expected, the server's address in a 227 becomes the virtual one, and the sequence numbers that follow move with it.
//
// The client has to announce an address of its own, or nothing is expected; IPVS takes any. Nothing of what is said has
// to be believed: whoever lies reaches what he can reach anyway.
//
// Thread safety: as Director::process.
#pragma once

#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/worker/pass.h"

namespace tunvs {

class FtpPath {
 public:
  FtpPath(Connections& connections, Forwarder& forwarder) : connections_(connections), forwarder_(forwarder) {}

  // Tells whether a packet of a connection to this virtual port is one to look into.
  static bool isControl(const ParsedPacket& parsed, Be16 virtualPort) {
    return virtualPort.host() == kFtpPort && parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp) &&
           parsed.packetClass == PacketClass::flow;
  }
  // These send a packet of a control connection, as Forwarder::sendReply() and deliver() do. REQUIRES: isControl()
  Verdict sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                    const Endpoints& to);
  Verdict deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet);

 private:
  bool hasSession(Family family, const Conn& conn) const;

  Connections& connections_;
  Forwarder& forwarder_;
};

}  // namespace tunvs
