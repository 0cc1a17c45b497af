#include "director/delivery/forwarder.h"

#include <memory>
#include <utility>

#include "director/connection/translated.h"
#include "director/delivery/answers.h"
#include "forward/outer_fragment.h"
#include "forward/tunnel_mtu.h"
#include "ftp/replace_payload.h"
#include "packet/checksum.h"
#include "packet/client_address.h"
#include "packet/finish_checksum.h"
#include "packet/rewrite_against.h"
#include "packet/segmenter.h"

namespace tunvs {
namespace {

static_assert(Offload::kMaxChecksumStart + kMaxOuterBytes <= 255);

// Lets routers, or the fragmenter, cut an outer IPv4 packet that was made to stay whole.
void clearDontFragment(uint8_t* ip, uint16_t identification) {
  const uint16_t flags = loadBe16(ip + 6);
  if ((flags & kIpv4DontFragment) == 0) return;
  const Be16 before{loadUnaligned<uint16_t>(ip + 6)}, idBefore{loadUnaligned<uint16_t>(ip + 4)};
  const Be16 after = Be16::from(flags & static_cast<uint16_t>(~kIpv4DontFragment)), id = Be16::from(identification);
  Be16 check{loadUnaligned<uint16_t>(ip + 10)};
  check = checksumReplace(checksumReplace(check, before, after), idBefore, id);
  std::memcpy(ip + 4, &id.raw, 2);
  std::memcpy(ip + 6, &after.raw, 2);
  std::memcpy(ip + 10, &check.raw, 2);
}

uint32_t overheadOf(const ServerView& server, const ParsedPacket& parsed) {
  return overhead(server.config.tunnel, parsed.key.family, server.address.family);
}

uint32_t leastPathMtu(const ServerView& server, const ParsedPacket& parsed) {
  return overheadOf(server, parsed) + kMinTunnelMtuIpv4;
}

// Returns the length of the longest packet that need not be cut. REQUIRES: pathMtu >= leastPathMtu(server, parsed)
uint32_t innerMtu(const ServerView& server, const ParsedPacket& parsed, uint32_t pathMtu) {
  const uint32_t inner = pathMtu - overheadOf(server, parsed);
  // An IPv6 host never sends less than 1280 bytes at a time, whatever it is told. Outer fragments have to do the rest.
  return parsed.key.isV4() ? inner : std::max(inner, kMinTunnelMtuIpv6);
}

// Without a tunnel the packet is the client's own, and its DF is the client's to set, whatever pmtu_disc is.
bool isClientsOwn(const ServerView& server) { return !server.traits->isTunnel(); }

// Tells whether the packet is too long and only the client may send it in smaller pieces.
bool isClientsToCut(const ServerView& server, const ParsedPacket& parsed, uint32_t mtu, const Tunables& tunables) {
  if (segmentLength(parsed) <= mtu) return false;
  return parsed.key.isV4() ? parsed.dontFragment && (tunables.pmtuDisc != 0 || isClientsOwn(server)) : true;
}

// IPv4 hosts are told only of the first fragment (RFC 1122 section 3.2.2).
bool mayTell(const ParsedPacket& parsed) {
  return !parsed.key.isV4() || parsed.packetClass != PacketClass::fragment || parsed.fragmentOffset == 0;
}

// Tells whether each segment needs an outer UDP checksum, which whoever cuts the packet can make.
bool sealsSegments(const OuterHeader& outer, const ParsedPacket& parsed) {
  return outer.method == ForwardingMethod::gue && outer.checksum == TunnelChecksum::checksum &&
         parsed.offload.isToBeCut();
}

// A packet that is still to be cut goes whole if each of its segments would go whole. It is never put into outer
// fragments, nor behind a checksum that would have to cover unfinished parts, unless it is one for each segment.
bool mayStayWhole(const OuterHeader& outer, const ParsedPacket& parsed, uint32_t pathMtu) {
  return segmentLength(parsed) + outer.length <= pathMtu &&
         (outer.checksum == TunnelChecksum::none || sealsSegments(outer, parsed)) &&
         parsed.length <= maxInnerLength(outer);
}

// Tells whether the packet has the protocol and the family that the offload is about.
bool isOfKind(const ParsedPacket& parsed, OffloadKind kind) {
  const bool isTcp = parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp);
  switch (kind) {
    case OffloadKind::none: return true;
    case OffloadKind::tcpChecksum: return isTcp;
    case OffloadKind::tcp4: return isTcp && parsed.key.isV4();
    case OffloadKind::tcp6: return isTcp && !parsed.key.isV4();
    case OffloadKind::udpChecksum:
    case OffloadKind::udp: break;
  }
  return parsed.protocol == static_cast<uint8_t>(IpProtocol::udp);
}

// Tells whether finishing the packet changes only its own transport header, also behind an outer header.
bool isSound(const ParsedPacket& parsed) {
  const Offload& offload = parsed.offload;
  if (offload.isNone()) return true;
  return parsed.packetClass == PacketClass::flow && offload.checksumStart == parsed.transport &&
         offload.checksumStart <= Offload::kMaxChecksumStart && isOfKind(parsed, offload.kind);
}

// Segments take consecutive identifications from the outer header's on.
void passIdentifications(WorkerContext& worker, const ParsedPacket& parsed) {
  if (parsed.offload.segmentBytes == 0) return;
  worker.identification = static_cast<uint16_t>(worker.identification + parsed.length / parsed.offload.segmentBytes);
}

bool isLaterFragment(const ParsedPacket& parsed) {
  return parsed.packetClass == PacketClass::fragment && parsed.fragmentOffset != 0;
}

bool canRewriteAny(const ParsedPacket& parsed, const Endpoints& to) {
  return isLaterFragment(parsed) || canRewrite(parsed, to);
}

void rewriteAny(const Outgoing& packet, const Endpoints& to) {
  const ParsedPacket& parsed = packet.parsed;
  if (isLaterFragment(parsed)) return rewriteAddresses(packet.data, parsed, to.source.address, to.destination.address);
  rewrite(packet.data, parsed, to);
}

// Raises the TTL or the hop limit by one.
void raiseHops(uint8_t* packet) {
  const bool isV4 = packet[0] >> 4 == 4;
  uint8_t& hops = packet[isV4 ? 8 : 7];
  if (hops == UINT8_MAX) return;
  const Be16 before{loadUnaligned<uint16_t>(packet + 8)};
  hops++;
  if (!isV4) return;
  const Be16 check = checksumReplace(Be16{loadUnaligned<uint16_t>(packet + kIpv4Check)}, before,
                                     Be16{loadUnaligned<uint16_t>(packet + 8)});
  std::memcpy(packet + kIpv4Check, &check.raw, sizeof check.raw);
}

// `pathMtu` is read once, as it may change between two reads.
Verdict judgeFor(const ServerView& server, const ParsedPacket& parsed, uint64_t flowHash, bool isRelayed,
                 uint32_t pathMtu, const Tunables& tunables) {
  if (!server.isReachable) return Verdict::dropNoSource;
  if (!server.traits->hasPath()) return Verdict::forwarded;
  if (pathMtu < leastPathMtu(server, parsed)) return Verdict::dropTooLong;
  const uint32_t longest = segmentLength(parsed);
  if (longest > maxInnerLength(server.outer(flowHash))) return Verdict::dropTooLong;
  const bool isTold = !isRelayed && isClientsToCut(server, parsed, innerMtu(server, parsed, pathMtu), tunables);
  if (isTold) return mayTell(parsed) ? Verdict::answeredTooBig : Verdict::dropTooLong;
  const bool mayBeCut = !isClientsOwn(server) || !parsed.dontFragment || (isRelayed && server.traits->rewrites());
  return longest > pathMtu && !mayBeCut ? Verdict::dropTooLong : Verdict::forwarded;
}

}  // namespace

bool Forwarder::wouldTellTooBig(const ServerView& server, const ParsedPacket& parsed, Tick now,
                                const Tunables& tunables) const {
  if (!server.isReachable || !server.traits->hasPath()) return false;
  const uint32_t pathMtu = server.pathMtu->effective(settings_.pathMtu, now);
  return pathMtu >= leastPathMtu(server, parsed) &&
         isClientsToCut(server, parsed, innerMtu(server, parsed, pathMtu), tunables);
}

Verdict Forwarder::judge(const ServerView& server, const ParsedPacket& parsed, uint64_t flowHash, bool isRelayed,
                         Tick now, const Tunables& tunables) const {
  return judgeFor(server, parsed, flowHash, isRelayed, server.pathMtu->effective(settings_.pathMtu, now), tunables);
}

Verdict Forwarder::sendChecked(Pass& pass, const ServerView& server, Outgoing packet) {
  const ServerView* suited = server.suitedTo(/*rewrites=*/packet.isRewritten);
  if (suited == nullptr) return Verdict::dropServerGone;
  const Verdict verdict = checkLength(pass, *suited, packet, pool_.counters(pass.worker.index, server.id));
  if (verdict == Verdict::forwarded) count(pass, server, packet.parsed.length, segmentLength(packet.parsed));
  return verdict;
}

Verdict Forwarder::sendRewritten(Pass& pass, const ServerView& server, const Outgoing& packet, const Endpoints& to) {
  const ServerView* suited = server.suitedTo(/*rewrites=*/true);
  if (suited == nullptr) return Verdict::dropServerGone;
  const Verdict verdict = checkLength(pass, *suited, packet, pool_.counters(pass.worker.index, server.id), &to);
  if (verdict == Verdict::forwarded) count(pass, server, packet.parsed.length, segmentLength(packet.parsed));
  return verdict;
}

Verdict Forwarder::sendReply(Pass& pass, const ServerView& server, const Outgoing& packet, const Endpoints& to) {
  const ParsedPacket& parsed = packet.parsed;
  if (!isSound(parsed)) return Verdict::dropBadChecksum;
  if (!canRewriteAny(parsed, to)) return Verdict::dropFragment;
  rewriteInPlace(pass, packet, to);
  pass.out.addOffloaded(packet.data, parsed.length, to.destination.address, packet.cause, OutputWay::routed,
                        parsed.offload, /*outerBytes=*/0);
  countReply(pass, server, parsed.length);
  return Verdict::returned;
}

Verdict Forwarder::sendReplyReplaced(Pass& pass, const ServerView& server, const Outgoing& packet, const Endpoints& to,
                                     const PayloadRange& range, std::string_view text) {
  const ParsedPacket& parsed = packet.parsed;
  const size_t most = std::min(parsed.length + text.size(), kMaxPacketBytes);
  const size_t length = makeChanged(pass, packet, most, to, to.destination.address, [&](std::span<uint8_t> room) {
    return replacePayload(room, parsed.length, parsed.transport, range, text);
  });
  if (length == 0) return Verdict::dropTooLong;
  countReply(pass, server, static_cast<uint32_t>(length));
  return Verdict::returned;
}

void Forwarder::deliverBefore(Pass& pass, const ServerView& server, const Outgoing& packet, std::string_view payload) {
  ParsedPacket parsed = packet.parsed;
  const size_t most = parsed.transport + kMaxTcpHeaderBytes + payload.size();
  pass.out.make(most, server.address, packet.cause, OutputWay::routed, [&](std::span<uint8_t> room) -> size_t {
    const size_t length = writeSegment(room, packet.parsed, payload);
    if (length == 0) return 0;  // whoever has the packet finds that it is none
    parsed.length = static_cast<uint32_t>(length);
    parsed.data = room.data();
    parsed.offload = {};
    rewriteInPlace(pass, {room.data(), parsed, packet.flowHash, packet.cause}, *pass.endpoints);
    return length;
  });
}

Verdict Forwarder::sendAgainst(Pass& pass, const ServerView& server, const Outgoing& packet, const FlowKey& key) {
  const ParsedPacket& parsed = packet.parsed;
  if (parsed.length > server.rewrittenBytes || server.pathMtu->isNarrowed() || !takesAgainst(parsed)) [[unlikely]]
    return sendRewritten(pass, server, packet, against(key));
  rewriteAgainst(packet.data, parsed, key);
  returnHop(pass, packet.data, server.address);
  pass.out.add(packet.data, parsed.length, server.address, packet.cause, OutputWay::routed);
  count(pass, server, parsed.length, parsed.length);
  return Verdict::forwarded;
}

Verdict Forwarder::sendReplyAgainst(Pass& pass, const ServerView& server, const Outgoing& packet, const FlowKey& key) {
  const ParsedPacket& parsed = packet.parsed;
  if (!takesAgainst(parsed)) [[unlikely]]
    return sendReply(pass, server, packet, against(key));
  rewriteAgainst(packet.data, parsed, key);
  const IpAddress client = key.client();
  returnHop(pass, packet.data, client);
  pass.out.add(packet.data, parsed.length, client, packet.cause, OutputWay::routed);
  countReply(pass, server, parsed.length);
  return Verdict::returned;
}

void Forwarder::sendReplyIcmp(Pass& pass, const ServerView& server, const Outgoing& packet, const IpAddress& client) {
  pass.out.add(packet.data, packet.parsed.length, client, packet.cause, OutputWay::routed);
  countReply(pass, server, packet.parsed.length);
}

Verdict Forwarder::passOn(Pass& pass, const Outgoing& packet) {
  const ParsedPacket& parsed = packet.parsed;
  if (!isSound(parsed)) return Verdict::dropBadChecksum;
  pass.out.addOffloaded(packet.data, parsed.length, parsed.key.virtualAddress(), packet.cause, OutputWay::routed,
                        parsed.offload, /*outerBytes=*/0);
  return Verdict::passedOn;
}

void Forwarder::rewriteInPlace(const Pass& pass, const Outgoing& packet, const Endpoints& to) const {
  rewriteAny(packet, to);
  returnHop(pass, packet.data, to.destination.address);
}

void Forwarder::returnHop(const Pass& pass, uint8_t* packet, const IpAddress& destination) const {
  // What would come back to the director must not live for ever.
  if (settings_.returnsHop && pass.services->virtualAddress(destination) == nullptr) raiseHops(packet);
}

void Forwarder::countReply(Pass& pass, const ServerView& server, uint32_t bytes) {
  ServerCounters& counters = ServerPool::ofWorker(server.counters, pass.worker.index);
  counters.outPackets.add(1);
  counters.outBytes.add(bytes);
}

Verdict Forwarder::sendPinned(Pass& pass, const ServerView& server, const Outgoing& packet, Pin& pin) {
  ServerCounters unshown;
  // A flow that was pinned while its server got packets in another way goes on in that way.
  const ServerView* suited = server.suitedTo(/*rewrites=*/pin.reply.has_value());
  std::optional<Endpoints> to;
  if (pin.reply) to = against(*pin.reply);
  const Verdict verdict =
      suited == nullptr ? Verdict::dropServerGone : checkLength(pass, *suited, packet, unshown, to ? &*to : nullptr);
  if (verdict != Verdict::forwarded) {
    pin.countKept(verdict);
    return verdict;
  }
  pin.countForwarded(packet.parsed);
  // An ICMP error about this packet may lower the path's MTU, as one about a client's may.
  pool_.counters(pass.worker.index, server.id).longest.raise(segmentLength(packet.parsed));
  return Verdict::pinned;
}

Verdict Forwarder::sendPinnedReply(Pass& pass, const Outgoing& packet, const Pin& pin) {
  const ParsedPacket& parsed = packet.parsed;
  const Endpoints to = against(pin.flow);
  if (!isSound(parsed)) return Verdict::dropBadChecksum;
  if (!canRewriteAny(parsed, to)) return Verdict::dropFragment;
  rewriteAny(packet, to);
  pass.out.addOffloaded(packet.data, parsed.length, to.destination.address, packet.cause, OutputWay::host,
                        parsed.offload, /*outerBytes=*/0);
  return Verdict::pinned;
}

Verdict Forwarder::checkLength(Pass& pass, const ServerView& server, const Outgoing& packet, ServerCounters& counters,
                               const Endpoints* to) {
  const ParsedPacket& parsed = packet.parsed;
  if (!isSound(parsed)) return Verdict::dropBadChecksum;
  if (to != nullptr && !canRewriteAny(parsed, *to)) return Verdict::dropFragment;
  if (!server.traits->hasPath()) {
    pass.out.addOffloaded(packet.data, parsed.length, server.address, packet.cause, OutputWay::host, parsed.offload,
                          /*outerBytes=*/0);
    return Verdict::forwarded;
  }
  const uint32_t pathMtu = server.pathMtu->effective(settings_.pathMtu, pass.now);
  const Verdict verdict = judgeFor(server, parsed, packet.flowHash, packet.isRelayed, pathMtu, pass.tunables());
  if (verdict == Verdict::answeredTooBig) {
    const uint32_t mtu = innerMtu(server, parsed, pathMtu);
    Answers answers(pass, packet.cause);
    if (!answers.tooBig({packet.data, parsed.length}, parsed, mtu)) return Verdict::dropTooLong;
    counters.tooBig.add(1);
    return Verdict::answeredTooBig;
  }

  if (verdict != Verdict::forwarded) return verdict;
  // The client is told of its own packet, so that is only rewritten now.
  if (to != nullptr) rewriteInPlace(pass, packet, *to);

  if (parsed.offload.isNone()) return sendFinished(pass, server, packet, pathMtu, counters);
  if (!mayStayWhole(server.outer(packet.flowHash), parsed, pathMtu))
    return finishAndSend(pass, server, packet, pathMtu, counters);
  OuterHeader outer = server.outer(packet.flowHash);
  const bool sealsOuter = sealsSegments(outer, parsed);
  if (sealsOuter) outer.checksum = TunnelChecksum::none;
  const Packet sent = encapsulatedBy(outer, pass, packet);
  const uint32_t outerBytes = sent.length - parsed.length;
  passIdentifications(pass.worker, parsed);
  pass.out.addOffloaded(sent.data, sent.length, server.address, packet.cause, server.way(),
                        parsed.offload.behind(outerBytes), outerBytes, sealsOuter);
  return Verdict::forwarded;
}

Verdict Forwarder::sendFinished(Pass& pass, const ServerView& server, const Outgoing& packet, uint32_t pathMtu,
                                ServerCounters& counters) {
  const Packet sent = encapsulated(pass, server, packet);
  if (sent.length <= pathMtu) {
    pass.out.add(sent.data, sent.length, server.address, packet.cause, server.way());
    return Verdict::forwarded;
  }
  return sendFragments(pass, server, sent, packet.cause, pathMtu, counters);
}

Verdict Forwarder::sendFragments(Pass& pass, const ServerView& server, const Packet& sent, size_t cause,
                                 uint32_t pathMtu, ServerCounters& counters) {
  if (!isClientsOwn(server) && server.address.isV4())
    clearDontFragment(sent.data, nextIdentification(pass.worker.identification));
  const uint32_t identification =
      server.address.isV4() ? nextIdentification(pass.worker.identification) : ++pass.worker.identification6;
  OuterFragmenter fragments({sent.data, sent.length}, pathMtu, identification);
  if (fragments.count() == 0) return Verdict::dropTooLong;
  while (!fragments.isDone()) {
    pass.out.make(fragments.longestBytes(), server.address, cause, server.way(),
                  [&](std::span<uint8_t> room) { return fragments.next(room).size(); });
  }
  pass.worker.stats.fragmentsSent.add(fragments.count());
  counters.fragments.add(fragments.count());
  return Verdict::forwarded;
}

// Cuts a packet here, or finishes its checksum, since it can't go on as it is: behind a tunnel's checksum, in outer
// fragments, or because no outer header has room for its length.
Verdict Forwarder::finishAndSend(Pass& pass, const ServerView& server, const Outgoing& packet, uint32_t pathMtu,
                                 ServerCounters& counters) {
  ParsedPacket parsed = packet.parsed;
  const Offload offload = std::exchange(parsed.offload, Offload());
  if (offload.segmentBytes == 0) {
    if (!finishChecksum({packet.data, parsed.length}, offload.checksumStart, offload.checksumField()))
      return Verdict::dropBadChecksum;
    return sendFinished(pass, server, {packet.data, parsed, packet.flowHash, packet.cause}, pathMtu, counters);
  }
  Segmenter segments({packet.data, parsed.length, server.address, offload});
  if (segments.count() == 0) return Verdict::dropBadChecksum;
  const size_t outerBytes = server.outer(packet.flowHash).length;
  const bool fits = segments.longestBytes() + outerBytes <= pathMtu;
  // Outer fragments are made of a whole segment, which is needed only as long as that takes.
  std::unique_ptr<uint8_t[]> whole;
  if (!fits) whole = std::make_unique_for_overwrite<uint8_t[]>(kHeadroom + segments.longestBytes());
  Verdict verdict = Verdict::forwarded;
  pass.worker.stats.segmentsMade.add(segments.count());
  while (!segments.isDone() && verdict == Verdict::forwarded) {
    const auto encapsulateNext = [&](uint8_t* inner) {
      parsed.length = static_cast<uint32_t>(segments.next({inner, segments.longestBytes()}));
      parsed.data = inner;
      return encapsulated(pass, server, {inner, parsed, packet.flowHash, packet.cause});
    };
    if (fits) {
      pass.out.make(outerBytes + segments.longestBytes(), server.address, packet.cause, server.way(),
                    [&](std::span<uint8_t> room) { return encapsulateNext(room.data() + outerBytes).length; });
      continue;
    }
    const Packet sent = encapsulateNext(whole.get() + kHeadroom);
    if (sent.length > pathMtu) {
      verdict = sendFragments(pass, server, sent, packet.cause, pathMtu, counters);
    } else {
      pass.out.make(sent.length, server.address, packet.cause, server.way(), [&](std::span<uint8_t> room) {
        std::memcpy(room.data(), sent.data, sent.length);
        return room.size();
      });
    }
  }
  return verdict;
}

}  // namespace tunvs
