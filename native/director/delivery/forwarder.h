// Sends a packet to its real server: it adds the outer header, heeds the path MTU and fragments what is too long. If
// the host itself is the real server, it hands the packet to the host.
//
// Thread safety: as Director::process.
#pragma once

#include "director/config/service_table.h"
#include "director/config/settings.h"
#include "director/connection/pin.h"
#include "director/counters/verdict.h"
#include "director/worker/pass.h"
#include "ftp/payload_range.h"
#include "packet/segment_length.h"

namespace tunvs {

// A packet on its way to a real server.
struct Outgoing {
  uint8_t* data;
  const ParsedPacket& parsed;
  uint64_t flowHash;
  size_t cause;
  bool isRelayed = false;    // an ICMP error being relayed: it is sent whatever its length, and nobody is told
  bool isRewritten = false;  // its endpoints were changed already
};

class Forwarder {
 public:
  Forwarder(const Settings& settings, ServerPool& pool) : settings_(settings), pool_(pool) {}

  Verdict send(Pass& pass, const ServerView& server, Outgoing packet) {
    if (packet.parsed.length > server.plainBytes || server.pathMtu->isNarrowed() || !packet.parsed.offload.isNone())
        [[unlikely]] {
      return sendChecked(pass, server, packet);
    }
    const Packet sent = encapsulated(pass, server, packet);
    pass.out.add(sent.data, sent.length, server.address, packet.cause);
    count(pass, server, packet.parsed.length, packet.parsed.length);
    return Verdict::forwarded;
  }

  // Sends a packet of a client's that was looked up last: pass.endpoints says what it becomes, if that changes.
  Verdict deliver(Pass& pass, const ServerView& server, const Outgoing& packet) {
    return pass.endpoints ? sendRewritten(pass, server, packet, *pass.endpoints) : send(pass, server, packet);
  }
  uint32_t pathMtuOf(const ServerView& server, Tick now) const {
    return server.pathMtu->effective(settings_.pathMtu, now);
  }
  // Sends a packet that grows by `bytes`: grow(room) makes it longer, which begins with it, and returns its new length;
  // nothing when it can't be. Returns Verdict::dropTooLong then, and when it would be too long for the path.
  // REQUIRES: pass.endpoints is set
  template <typename Grow>
  Verdict deliverLonger(Pass& pass, const ServerView& server, const Outgoing& packet, size_t bytes, Grow&& grow);
  // Sends a TCP segment of its own in front of a packet, with this payload; what the server is sent is counted for the
  // packet alone. REQUIRES: pass.endpoints is set
  void deliverBefore(Pass& pass, const ServerView& server, const Outgoing& packet, std::string_view payload);
  // Sends a packet with other endpoints.
  Verdict sendRewritten(Pass& pass, const ServerView& server, const Outgoing& packet, const Endpoints& to);
  // Sends a real server's packet to a client, with other endpoints. Returns Verdict::returned if it is sent.
  Verdict sendReply(Pass& pass, const ServerView& server, const Outgoing& packet, const Endpoints& to);
  // Does the same, and replaces a piece of the packet's payload. REQUIRES: TCP, whole, without an offload
  Verdict sendReplyReplaced(Pass& pass, const ServerView& server, const Outgoing& packet, const Endpoints& to,
                            const PayloadRange& range, std::string_view text);
  // These do what the last two do with against(key), which costs less where nothing but the endpoints changes.
  Verdict sendAgainst(Pass& pass, const ServerView& server, const Outgoing& packet, const FlowKey& key);
  Verdict sendReplyAgainst(Pass& pass, const ServerView& server, const Outgoing& packet, const FlowKey& key);
  // Sends an ICMP error to a client that was rewritten in place, and counts it as a reply.
  void sendReplyIcmp(Pass& pass, const ServerView& server, const Outgoing& packet, const IpAddress& client);
  // Sends a packet as it is, to where the host routes it.
  static Verdict passOn(Pass& pass, const Outgoing& packet);

  // Sends a packet of a pinned flow, and counts it for the pin alone. Returns Verdict::pinned if it is sent.
  Verdict sendPinned(Pass& pass, const ServerView& server, const Outgoing& packet, Pin& pin);
  // Sends a server's packet of a pinned flow to the host, whose health check it answers. Returns Verdict::pinned if it
  // is sent.
  static Verdict sendPinnedReply(Pass& pass, const Outgoing& packet, const Pin& pin);

  // Returns what send() makes of a packet of this length; answeredTooBig also if the limit of answers then forbids one.
  Verdict judge(const ServerView& server, const ParsedPacket& parsed, uint64_t flowHash, bool isRelayed, Tick now,
                const Tunables& tunables) const;
  // Tells whether send() would answer that the packet is too long for the path.
  bool wouldTellTooBig(const ServerView& server, const ParsedPacket& parsed, Tick now, const Tunables& tunables) const;

 private:
  static Packet encapsulated(Pass& pass, const ServerView& server, const Outgoing& packet) {
    return encapsulatedBy(server.outer(packet.flowHash), pass, packet);
  }
  static Packet encapsulatedBy(const OuterHeader& outer, Pass& pass, const Outgoing& packet) {
    const ParsedPacket& parsed = packet.parsed;
    const bool pmtuDisc = pass.tunables().pmtuDisc != 0;
    const bool hasDf = parsed.dontFragment && pmtuDisc && parsed.key.isV4();
    const uint16_t identification = hasDf ? 0 : nextIdentification(pass.worker.identification);
    return encapsulate(outer, packet.data, parsed, static_cast<uint32_t>(packet.flowHash ^ packet.flowHash >> 32),
                       identification, pmtuDisc);
  }

  // `longest` is the length of the longest packet that it becomes on the wire.
  static void count(Pass& pass, const ServerView& server, uint32_t bytes, uint32_t longest) {
    ServerCounters& counters = ServerPool::ofWorker(server.counters, pass.worker.index);
    counters.packets.add(1);
    counters.bytes.add(bytes);
    counters.longest.raise(longest);
    pass.worker.forwardedBytes += bytes;
  }

  // Puts a copy of a packet into the output that change(room) makes longer or shorter, of `most` bytes at the most, and
  // gives it other endpoints. Returns its length; 0: it could not be made.
  template <typename Change>
  size_t makeChanged(Pass& pass, const Outgoing& packet, size_t most, const Endpoints& to, const IpAddress& nextHop,
                     Change&& change);
  // Puts other endpoints into a packet, and the hop back that the host takes once more.
  void rewriteInPlace(const Pass& pass, const Outgoing& packet, const Endpoints& to) const;
  void returnHop(const Pass& pass, uint8_t* packet, const IpAddress& destination) const;
  void countReply(Pass& pass, const ServerView& server, uint32_t bytes);

  // Takes the packet by value, so that send() need not put it into memory.
  Verdict sendChecked(Pass& pass, const ServerView& server, Outgoing packet);
  // Handles the cases in which the path may be too narrow, there is none, or the packet is still to be cut: answers,
  // sends, sends in fragments, or hands to this host. `counters` gets answers and fragments.
  // `to` is what the packet's endpoints become; null: they stay.
  Verdict checkLength(Pass& pass, const ServerView& server, const Outgoing& packet, ServerCounters& counters,
                      const Endpoints* to = nullptr);
  // These send what may go, whole or in outer fragments. REQUIRES (both of the first two): judged as forwarded
  Verdict sendFinished(Pass& pass, const ServerView& server, const Outgoing& packet, uint32_t pathMtu,
                       ServerCounters& counters);
  Verdict finishAndSend(Pass& pass, const ServerView& server, const Outgoing& packet, uint32_t pathMtu,
                        ServerCounters& counters);
  static Verdict sendFragments(Pass& pass, const ServerView& server, const Packet& sent, size_t cause, uint32_t pathMtu,
                               ServerCounters& counters);

  const Settings& settings_;
  ServerPool& pool_;
};

template <typename Change>
size_t Forwarder::makeChanged(Pass& pass, const Outgoing& packet, size_t most, const Endpoints& to,
                              const IpAddress& nextHop, Change&& change) {
  return pass.out.make(most, nextHop, packet.cause, OutputWay::routed, [&](std::span<uint8_t> room) -> size_t {
    ParsedPacket parsed = packet.parsed;
    std::memcpy(room.data(), packet.data, parsed.length);
    const std::optional<size_t> length = change(room);
    if (!length) return 0;
    parsed.length = static_cast<uint32_t>(*length);
    parsed.data = room.data();
    rewriteInPlace(pass, {room.data(), parsed, packet.flowHash, packet.cause}, to);
    return *length;
  });
}

template <typename Grow>
Verdict Forwarder::deliverLonger(Pass& pass, const ServerView& server, const Outgoing& packet, size_t bytes,
                                 Grow&& grow) {
  const ParsedPacket& parsed = packet.parsed;
  if (segmentLength(parsed) + bytes > pathMtuOf(server, pass.now) || parsed.length + bytes > kMaxPacketBytes)
    return Verdict::dropTooLong;
  const size_t length = makeChanged(pass, packet, parsed.length + bytes, *pass.endpoints, server.address, grow);
  if (length == 0) return Verdict::dropTooLong;
  pass.out.offloadLast(parsed.offload);
  count(pass, server, parsed.length, static_cast<uint32_t>(length));
  return Verdict::forwarded;
}

}  // namespace tunvs
