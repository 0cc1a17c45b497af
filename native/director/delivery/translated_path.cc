#include "director/delivery/translated_path.h"

#include "director/delivery/ftp_path.h"
#include "director/delivery/told_path.h"

#include "core/prefetch.h"

namespace tunvs {

void TranslatedPath::fetchOthers(std::span<const Flow> flows, uint64_t mask) const {
  for (size_t i = 0; i < flows.size(); i++) {
    const Conn* candidate = (mask >> i & 1) != 0 ? flows[i].candidate : nullptr;
    if (candidate == nullptr) continue;
    const uint32_t server = candidate->server.load(std::memory_order_relaxed);
    if ((server & kTranslated) == 0) continue;
    const Conn* other =
        connections_.table(flows[i].parsed.key.family).named(candidate->control.load(std::memory_order_relaxed));
    // What a packet changes lies in the connection's own entry.
    if (server == kReplyEntry) {
      prefetchForWrite(other);
    } else {
      __builtin_prefetch(other);
    }
  }
}

// Tells whether something else than endpoints may have to be changed in a packet of the connection.
bool TranslatedPath::isLookedInto(const ParsedPacket& parsed, const Conn& reply) {
  if (reply.state.load(std::memory_order_relaxed) != 0) return true;
  return parsed.protocol == kTcpProtocol && ToldPath::mayBegin(parsed);
}

std::optional<Verdict> TranslatedPath::handle(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
  Conn& conn = *flow.candidate;
  const uint32_t named = conn.server.load(std::memory_order_relaxed);
  if ((named & kTranslated) == 0) return std::nullopt;
  const Outgoing outgoing{packet.data, flow.parsed, flow.hash, cause};
  if (named == kReplyEntry) return handleReply(pass, conn, outgoing);
  if (FtpPath::isControl(flow.parsed, flow.parsed.key.virtualPort())) [[unlikely]]
    return std::nullopt;
  const ConnTable& conns = connections_.table(flow.parsed.key.family);
  const Conn& reply = *conns.named(conn.control.load(std::memory_order_relaxed));
  if (isLookedInto(flow.parsed, reply)) [[unlikely]]
    return std::nullopt;
  const ServerView* server = Connections::noteUsual<Side::client>(pass, conn, flow.parsed, &reply);
  if (server == nullptr) return std::nullopt;
  return forwarder_.sendAgainst(pass, *server, outgoing, conns.keyOf(reply));
}

std::optional<Verdict> TranslatedPath::handleReply(Pass& pass, const Conn& reply, const Outgoing& packet) {
  const ParsedPacket& parsed = packet.parsed;
  Conn* conn = connections_.connectionOf(parsed.key.family, reply);
  if (conn == nullptr) return std::nullopt;
  const FlowKey key = connections_.table(parsed.key.family).keyOf(*conn);
  if (isLookedInto(parsed, reply)) [[unlikely]]
    return std::nullopt;
  if (FtpPath::isControl(parsed, key.virtualPort())) [[unlikely]]
    return std::nullopt;
  // An answer over UDP assures the template. Over TCP, the packet has that led to this state.
  const bool countsOnTemplate = reply.packets.load(std::memory_order_relaxed) != 0;
  if (countsOnTemplate && parsed.protocol != kTcpProtocol) return std::nullopt;
  const ServerView* server = Connections::noteUsual<Side::server>(pass, *conn, parsed);
  if (server == nullptr) return std::nullopt;
  return forwarder_.sendReplyAgainst(pass, *server, packet, key);
}

}  // namespace tunvs
