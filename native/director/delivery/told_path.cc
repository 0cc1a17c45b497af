#include "director/delivery/told_path.h"

#include "director/delivery/answers.h"
#include "director/delivery/finish_outgoing.h"
#include "ftp/replace_payload.h"
#include "packet/client_address.h"

namespace tunvs {
namespace {

// Numbers wrap around after four times as much.
constexpr uint32_t kSettledBytes = uint32_t{1} << 30;

uint32_t nameOfReply(const Conn& conn) { return conn.control.load(std::memory_order_relaxed); }

bool hasPayload(const ParsedPacket& parsed) {
  const size_t header = (parsed.data[parsed.transport + 12] >> 4) * size_t{4};
  return parsed.transport + header < parsed.length;
}

}  // namespace

Verdict ToldPath::deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet) {
  const ParsedPacket parsed = finishOutgoing(packet);
  const Outgoing plain{packet.data, parsed, packet.flowHash, packet.cause};
  const Family family = parsed.key.family;
  if (mayBegin(parsed)) connections_.beginTold(family, conn, server.config.tunnel.told);
  const ToldConnection told = connections_.told().of(family, nameOfReply(conn));
  switch (told.how) {
    case ClientTold::none: break;
    case ClientTold::proxy: return deliverBehindHeader(pass, server, plain, told);
    case ClientTold::toa: return deliverWithOption(pass, server, plain);
  }
  return forwarder_.deliver(pass, server, plain);
}

Verdict ToldPath::deliverBehindHeader(Pass& pass, const ServerView& server, const Outgoing& packet,
                                      const ToldConnection& told) {
  const ParsedPacket& parsed = packet.parsed;
  uint8_t* const tcp = packet.data + parsed.transport;
  const uint32_t sequence = loadBe32(tcp + 4);
  const bool saysSomething = hasPayload(parsed);
  if (saysSomething && !told.isSettled()) {
    const bool isBefore = !told.isAnswered || !hasReached(sequence, told.first) || (parsed.tcpFlags & kTcpSyn) != 0;
    if (isBefore) return Verdict::dropForged;
  }
  mendTcp(tcp, parsed.length - parsed.transport, told.shift, {}, parsed.offload);
  const bool isFirst = saysSomething && told.isAnswered && !told.isSettled() && sequence == told.first;
  if (!isFirst) return forwarder_.deliver(pass, server, packet);
  char header[kMaxProxyHeaderBytes];
  const size_t bytes = writeProxyHeader(header, parsed.key);
  const Verdict verdict = forwarder_.deliverLonger(pass, server, packet, bytes, [&](std::span<uint8_t> room) {
    return replacePayload(room, parsed.length, parsed.transport, {0, 0}, {header, bytes}, parsed.offload);
  });
  if (verdict != Verdict::dropTooLong || !parsed.dontFragment) return verdict;
  // The client was told a smaller segment size; the path has become narrower since.
  const uint32_t mtu = forwarder_.pathMtuOf(server, pass.now) - static_cast<uint32_t>(bytes);
  const bool isTold = Answers(pass, packet.cause).tooBig({packet.data, parsed.length}, parsed, mtu);
  return isTold ? Verdict::answeredTooBig : verdict;
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

ToldConnection ToldPath::noteAnswer(const Conn& conn, const ParsedPacket& parsed) {
  const Family family = parsed.key.family;
  const uint32_t acknowledged = loadBe32(parsed.data + parsed.transport + 8);
  const uint8_t flags = parsed.tcpFlags & (kTcpSyn | kTcpAck | kTcpRst);
  ToldConnection now;
  connections_.told().change(family, nameOfReply(conn), [&](ToldConnection& told) {
    if (flags == (kTcpSyn | kTcpAck) && !told.isAnswered) {
      told.isAnswered = true;
      told.first = acknowledged;
      // The client's first byte becomes the header and that byte.
      if (told.how == ClientTold::proxy)
        told.shift.record(acknowledged, 1, static_cast<uint32_t>(1 + proxyHeaderBytes(family)));
    } else if (flags == kTcpAck && told.how == ClientTold::proxy && told.isAnswered && !told.isSettled()) {
      // Before the header is too far behind for numbers that wrap around, it is behind all of them.
      const uint32_t said = told.shift.back(acknowledged) - told.first;
      const uint32_t by = told.shift.after;
      if (said >= kSettledBytes && said < 2 * kSettledBytes) told.shift = {{0, 0, by}, {0, 0, by}, by};
    }
    now = told;
  });
  const bool isEnough = now.how == ClientTold::toa && now.isAnswered && flags == kTcpAck &&
                        (acknowledged != now.first || hasPayload(parsed));
  if (isEnough) connections_.endTold(family, conn);
  return now;
}

Verdict ToldPath::sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                            const Endpoints& to) {
  const ParsedPacket parsed = finishOutgoing(packet);
  uint8_t* const tcp = packet.data + parsed.transport;
  const size_t segment = parsed.length - parsed.transport;
  const ToldConnection told = noteAnswer(conn, parsed);
  if ((parsed.tcpFlags & (kTcpSyn | kTcpAck)) == (kTcpSyn | kTcpAck)) {
    // The client can have begun two handshakes, to speak in the one of which less is known.
    if (told.how != ClientTold::none && loadBe32(tcp + 8) != told.first) return Verdict::dropForged;
    if (told.how == ClientTold::proxy) lowerMss(tcp, segment, proxyHeaderBytes(parsed.key.family), parsed.offload);
  }
  mendTcp(tcp, segment, {}, told.shift, parsed.offload);
  return forwarder_.sendReply(pass, server, {packet.data, parsed, packet.flowHash, packet.cause}, to);
}

}  // namespace tunvs
