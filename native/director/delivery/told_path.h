// The way of packets to and from real servers that are told the client's address within the connection, as full NAT has
// taken it out of the packets' headers (packet/client_address.h).
//
// A PROXY header stands in front of the client's first byte, in whatever packet that comes, also when it comes again.
// So nothing is kept but how far the sequence numbers move. A server that speaks first, before the client says
// anything, would wait for the header for ever; such a service is not to be told so.
//
// Thread safety: as Director::process.
#pragma once

#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/worker/pass.h"

namespace tunvs {

class ToldPath {
 public:
  // A client's first packets carry the TCP option: the one that ends the handshake, its copies, and a few behind it.
  static constexpr uint32_t kToaPackets = 6;

  ToldPath(Connections& connections, Forwarder& forwarder) : connections_(connections), forwarder_(forwarder) {}

  // Tells whether packets of a connection are to be looked into: `reply` is its reply entry.
  static bool concerns(const ServerView& server, const ParsedPacket& parsed, const Conn& conn, const Conn& reply) {
    if (parsed.protocol != static_cast<uint8_t>(IpProtocol::tcp) || parsed.packetClass != PacketClass::flow)
      return false;
    if ((reply.state.load(std::memory_order_relaxed) & kReplyTold) != 0) return true;
    return server.config.tunnel.told != ClientTold::none && conn.packets.load(std::memory_order_relaxed) <= kToaPackets;
  }
  // These send a packet as Forwarder::deliver() and sendReply() do. REQUIRES: concerns()
  Verdict deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet);
  Verdict sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                    const Endpoints& to);

 private:
  Connections& connections_;
  Forwarder& forwarder_;
};

}  // namespace tunvs
