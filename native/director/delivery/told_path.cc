#include "director/delivery/told_path.h"

#include "director/delivery/answers.h"
#include "director/delivery/finish_outgoing.h"
#include "ftp/replace_payload.h"
#include "packet/client_address.h"

namespace tunvs {
namespace {

uint32_t nameOfReply(const Conn& conn) { return conn.control.load(std::memory_order_relaxed); }

bool hasPayload(const ParsedPacket& parsed) {
  const size_t header = (parsed.data[parsed.transport + 12] >> 4) * size_t{4};
  return parsed.transport + header < parsed.length;
}

}  // namespace

Verdict ToldPath::deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet) {
  const ParsedPacket parsed = finishOutgoing(packet);
  const Outgoing plain{packet.data, parsed, packet.flowHash, packet.cause};
  const FlowKey& flow = parsed.key;
  const Family family = flow.family;
  const ClientTold told = server.config.tunnel.told;
  const uint8_t flags = parsed.tcpFlags;
  uint8_t* const tcp = packet.data + parsed.transport;
  if ((flags & kTcpSyn) != 0 && (flags & kTcpAck) == 0 && told == ClientTold::proxy) {
    // The client's first byte becomes the header and that byte.
    SequenceShift shift;
    shift.record(loadBe32(tcp + 4) + 1, 1, static_cast<uint32_t>(1 + proxyHeaderBytes(family)));
    connections_.beginTold(family, conn, shift);
    return forwarder_.deliver(pass, server, plain);
  }
  const Conn& reply = *connections_.table(family).named(nameOfReply(conn));
  if ((reply.state.load(std::memory_order_relaxed) & kReplyTold) != 0) {
    const SequenceShift shift = connections_.toldShift(family, nameOfReply(conn));
    const bool isFirst = !shift.isNone() && loadBe32(tcp + 4) == shift.newest.at && hasPayload(parsed);
    mendTcp(tcp, parsed.length - parsed.transport, shift, {}, parsed.offload);
    if (!isFirst) return forwarder_.deliver(pass, server, plain);
    char header[kMaxProxyHeaderBytes];
    const size_t bytes = writeProxyHeader(header, flow);
    const Verdict verdict = forwarder_.deliverLonger(pass, server, plain, bytes, [&](std::span<uint8_t> room) {
      return replacePayload(room, parsed.length, parsed.transport, {0, 0}, {header, bytes}, parsed.offload);
    });
    if (verdict != Verdict::dropTooLong || !parsed.dontFragment) return verdict;
    // The client was told a smaller segment size; the path has become narrower since.
    const uint32_t mtu = forwarder_.pathMtuOf(server, pass.now) - static_cast<uint32_t>(bytes);
    const bool isTold = Answers(pass, packet.cause).tooBig({packet.data, parsed.length}, parsed, mtu);
    return isTold ? Verdict::answeredTooBig : verdict;
  }
  const bool tells = told == ClientTold::toa && (flags & kTcpAck) != 0 && (flags & (kTcpSyn | kTcpRst)) == 0 &&
                     parsed.offload.isNone();
  if (!tells) return forwarder_.deliver(pass, server, plain);
  char option[kMaxToaBytes];
  const size_t bytes = writeToa(option, flow);
  const Verdict verdict = forwarder_.deliverLonger(pass, server, plain, bytes, [&](std::span<uint8_t> room) {
    return insertTcpOption(room, parsed.length, parsed.transport, {option, bytes});
  });
  // There is no place for it in this packet; the packets before and behind it have it.
  return verdict == Verdict::dropTooLong ? forwarder_.deliver(pass, server, plain) : verdict;
}

Verdict ToldPath::sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                            const Endpoints& to) {
  const ParsedPacket parsed = finishOutgoing(packet);
  uint8_t* const tcp = packet.data + parsed.transport;
  const size_t segment = parsed.length - parsed.transport;
  const Family family = parsed.key.family;
  const Conn& reply = *connections_.table(family).named(nameOfReply(conn));
  if ((reply.state.load(std::memory_order_relaxed) & kReplyTold) != 0) {
    if ((parsed.tcpFlags & kTcpSyn) != 0) lowerMss(tcp, segment, proxyHeaderBytes(family), parsed.offload);
    mendTcp(tcp, segment, {}, connections_.toldShift(family, nameOfReply(conn)), parsed.offload);
  }
  return forwarder_.sendReply(pass, server, {packet.data, parsed, packet.flowHash, packet.cause}, to);
}

}  // namespace tunvs
