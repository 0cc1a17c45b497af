// The way of packets to and from real servers that are told the client's address within the connection, as full NAT has
// taken it out of the packets' headers (packet/client_address.h).
//
// A PROXY header goes in front of the client's first byte, in a segment of its own, so that no packet becomes longer;
// and again when that byte comes again. So nothing is kept but how far the sequence numbers move. A server that speaks
// first, before the client says anything, would wait for the header for ever; such a service is not to be told so. A
// client's packet that could say something in the header's place is dropped.
//
// The TCP option is in every packet of the client until the server has said something but its SYN-ACK, or has
// acknowledged what the client said. An option of that kind which the client itself has set becomes one of no meaning.
//
// Thread safety: as Director::process.
#pragma once

#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/worker/pass.h"

namespace tunvs {

class ToldPath {
 public:
  ToldPath(Connections& connections, Forwarder& forwarder) : connections_(connections), forwarder_(forwarder) {}

  // Tells whether packets of a connection are to be looked into: `reply` is its reply entry.
  static bool concerns(const ServerView& server, const ParsedPacket& parsed, const Conn& reply) {
    if (parsed.protocol != static_cast<uint8_t>(IpProtocol::tcp) || parsed.packetClass != PacketClass::flow)
      return false;
    if ((reply.state.load(std::memory_order_relaxed) & kReplyTold) != 0) return true;
    return mayBegin(parsed) && server.config.tunnel.told != ClientTold::none;
  }
  // Tells whether it can be the first packet of a connection that concerns(). REQUIRES: TCP
  static bool mayBegin(const ParsedPacket& parsed) { return (parsed.tcpFlags & (kTcpSyn | kTcpAck)) == kTcpSyn; }

  // These send a packet as Forwarder::deliver() and sendReply() do. REQUIRES: concerns()
  Verdict deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet);
  Verdict sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                    const Endpoints& to);

 private:
  Verdict deliverBehindHeader(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet);
  Verdict deliverWithOption(Pass& pass, const ServerView& server, const Outgoing& packet);

  Connections& connections_;
  Forwarder& forwarder_;
};

}  // namespace tunvs
