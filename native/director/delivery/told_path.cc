#include "director/delivery/told_path.h"

#include "director/delivery/finish_outgoing.h"
#include "packet/client_address.h"

namespace tunvs {
namespace {

using Segment = ToldConnection::Segment;
using Step = ToldConnection::Step;

uint32_t nameOfReply(const Conn& conn) { return conn.control.load(std::memory_order_relaxed); }

Segment segmentOf(const ParsedPacket& parsed) {
  const uint8_t* const tcp = parsed.data + parsed.transport;
  const size_t headers = parsed.transport + (tcp[12] >> 4) * size_t{4};
  return {.sequence = loadBe32(tcp + 4),
          .acknowledged = loadBe32(tcp + 8),
          .payloadBytes = static_cast<uint32_t>(parsed.length - std::min<size_t>(headers, parsed.length)),
          .isSyn = (parsed.tcpFlags & kTcpSyn) != 0,
          .isAck = (parsed.tcpFlags & kTcpAck) != 0,
          .isFin = (parsed.tcpFlags & kTcpFin) != 0,
          .isRst = (parsed.tcpFlags & kTcpRst) != 0};
}

}  // namespace

Verdict ToldPath::deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet) {
  const ParsedPacket parsed = finishOutgoing(packet);
  const Outgoing plain{packet.data, parsed, packet.flowHash, packet.cause};
  const Family family = parsed.key.family;
  if (mayBegin(parsed)) connections_.beginTold(family, conn, server.config.tunnel.told);
  const uint32_t reply = nameOfReply(conn);
  switch (connections_.told().of(family, reply).how()) {
    case ClientTold::none: break;
    case ClientTold::proxy: return deliverBehindHeader(pass, conn, server, plain);
    case ClientTold::toa:
      if (mayBegin(parsed)) {
        const uint32_t first = segmentOf(parsed).sequence + 1;
        connections_.told().change(family, reply, [&](ToldConnection& told) { told.noteSyn(first, pass.now); });
      }
      return deliverWithOption(pass, server, plain);
  }
  return forwarder_.deliver(pass, server, plain);
}

Verdict ToldPath::deliverBehindHeader(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet) {
  const ParsedPacket& parsed = packet.parsed;
  uint8_t* const tcp = packet.data + parsed.transport;
  const size_t segmentBytes = parsed.length - parsed.transport;
  Step step = Step::forged;
  SequenceShift shift;
  ToldConnection::Disguise disguise;
  const Segment segment = segmentOf(parsed);
  connections_.told().change(parsed.key.family, nameOfReply(conn), [&](ToldConnection& told) {
    step = told.noteClient(segment, proxyHeaderBytes(parsed.key.family), pass.now);
    // A SYN begins anew, with numbers that nothing was put in front of.
    // A segment that begins behind the header moves as what follows it.
    if (!segment.isSyn) shift = step == Step::first ? SequenceShift::everywhere(told.shift().after) : told.shift();
    disguise = told.disguise(segment, shift.forward(segment.sequence));
  });
  if (step == Step::forged) return Verdict::dropForged;
  clearUrgent(tcp, parsed.offload);
  if (step == Step::first) {
    char header[kMaxProxyHeaderBytes];
    const size_t bytes = writeProxyHeader(header, parsed.key);
    forwarder_.deliverBefore(pass, server, packet, {header, bytes});
  }
  mendTcp(tcp, segmentBytes, shift, {}, parsed.offload);
  moveNumbers(tcp, disguise.sequenceUp, disguise.acknowledgedDown, parsed.offload);
  return forwarder_.deliver(pass, server, packet);
}

Verdict ToldPath::deliverWithOption(Pass& pass, const ServerView& server, const Outgoing& packet) {
  const ParsedPacket& parsed = packet.parsed;
  hideToa(packet.data + parsed.transport, parsed.length - parsed.transport, parsed.offload);
  const bool tells = (parsed.tcpFlags & (kTcpAck | kTcpSyn | kTcpRst)) == kTcpAck && parsed.offload.isNone();
  if (!tells) return forwarder_.deliver(pass, server, packet);
  char option[kMaxToaBytes];
  const size_t bytes = writeToa(option, parsed.key);
  const Verdict verdict = forwarder_.deliverLonger(pass, server, packet, bytes, [&](std::span<uint8_t> room) {
    return insertTcpOption(room, parsed.length, parsed.transport, {option, bytes});
  });
  // There is no place for it in this packet; the packets before and behind it have it.
  return verdict == Verdict::dropTooLong ? forwarder_.deliver(pass, server, packet) : verdict;
}

Verdict ToldPath::sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                            const Endpoints& to) {
  const ParsedPacket parsed = finishOutgoing(packet);
  const Family family = parsed.key.family;
  const Segment segment = segmentOf(parsed);
  bool isForged = false, isEnough = false;
  SequenceShift shift;
  connections_.told().change(family, nameOfReply(conn), [&](ToldConnection& told) {
    const bool isOfProxy = told.how() == ClientTold::proxy;
    if (segment.isAck && segment.isSyn) {
      isForged = !told.noteSynAck(segment.sequence, segment.acknowledged, pass.now) && isOfProxy;
    } else if (isOfProxy) {
      told.noteServer(segment, pass.now);
    } else if (segment.isAck && !segment.isRst && told.isAnswered()) {
      isEnough = segment.payloadBytes != 0 || segment.acknowledged != told.first();
    }
    shift = told.shift();
  });
  if (isForged) return Verdict::dropForged;
  if (isEnough) connections_.endTold(family, conn);
  mendTcp(packet.data + parsed.transport, parsed.length - parsed.transport, {}, shift, parsed.offload);
  return forwarder_.sendReply(pass, server, {packet.data, parsed, packet.flowHash, packet.cause}, to);
}

}  // namespace tunvs
