#include "director/delivery/reply_path.h"

#include "director/config/one_packet_answers.h"
#include "director/delivery/answers.h"
#include "director/protocol/protocol_state.h"
#include "packet/icmp.h"

namespace tunvs {

ReplyPath::Found ReplyPath::note(Pass& pass, const Conn& reply, const ParsedPacket& parsed) {
  Conn* conn = connections_.connectionOf(parsed.key.family, reply);
  if (conn == nullptr || connections_.isOver(parsed.key.family, *conn, pass.now)) return {};
  // The server may have been removed, or be down. What it still sends belongs to its client nevertheless.
  const ServerView* server = connections_.serverOf(pass.services, *conn);
  if (server == nullptr) return {};
  connections_.updateByReply(pass, conn, *server, parsed);
  return {conn, server, connections_.translations().toClient(parsed.key.family, *conn)};
}

Verdict ReplyPath::handle(Pass& pass, const Conn& reply, const Outgoing& packet) {
  const Found found = note(pass, reply, packet.parsed);
  if (found.conn != nullptr) {
    if (ToldPath::concerns(*found.server, packet.parsed, reply)) [[unlikely]]
      return told_.sendReply(pass, *found.conn, *found.server, packet, found.to);
    if (FtpPath::concerns(*found.server, packet.parsed, found.to.source.port)) [[unlikely]]
      return ftp_.sendReply(pass, *found.conn, *found.server, packet, found.to);
    return forwarder_.sendReply(pass, *found.server, packet, found.to);
  }
  return handleUnmatched(pass, packet).value_or(Verdict::dropUnmatchedReply);
}

std::optional<ReplyPath::Fate> ReplyPath::foresee(const ServiceTable& services, const ParsedPacket& parsed) const {
  // What comes to full NAT's addresses would only come back.
  if (settings_.natSources.contains(parsed.key.virtualAddress())) return Fate{};
  if (!isForeign(services, parsed.key.virtualAddress())) return std::nullopt;
  const NatIndex::Endpoint* from = services.nat().find(parsed.key.client(), parsed.key.clientPort(), parsed.protocol);
  if (from == nullptr) return Fate{Verdict::passedOn};
  // One-packet scheduling leaves no connection behind, but the service is known by its server, which no other service
  // may have then.
  if (parsed.protocol == kUdpProtocol && from->service != nullptr && answersAlone(*from->service, from->server)) {
    const ServiceKey& service = from->service->key;
    if (const auto at = from->service->indexOf(from->server)) {
      return Fate{
          Verdict::returned,
          from->service->owned[*at].get(),
          {{service.address, Be16::from(service.port)}, {parsed.key.virtualAddress(), parsed.key.virtualPort()}}};
    }
  }
  const bool passes = settings_.unmatchedReplies == UnmatchedReplies::pass && services.tunables().natIcmpSend == 0;
  return Fate{passes ? Verdict::passedOn : Verdict::dropUnmatchedReply};
}

std::optional<Verdict> ReplyPath::handleUnmatched(Pass& pass, const Outgoing& packet) {
  const auto fate = foresee(*pass.services, packet.parsed);
  if (!fate) return std::nullopt;
  switch (fate->verdict) {
    case Verdict::returned: return forwarder_.sendReply(pass, *fate->server, packet, fate->to);
    case Verdict::passedOn: return Forwarder::passOn(pass, packet);
    default: return refuse(pass, packet);
  }
}

std::optional<Verdict> ReplyPath::handleForeign(Pass& pass, const Outgoing& packet) {
  if (!isForeign(*pass.services, packet.parsed.key.virtualAddress())) return std::nullopt;
  return Forwarder::passOn(pass, packet);
}

Verdict ReplyPath::refuse(Pass& pass, const Outgoing& packet) {
  const ParsedPacket& parsed = packet.parsed;
  const auto& own = settings_.source(parsed.key.family);
  if (pass.tunables().natIcmpSend != 0 && own && !isAborting(parsed)) {
    const bool isV4 = parsed.key.isV4();
    Answers(pass, packet.cause)
        .error({packet.data, parsed.length}, parsed.key.family, isV4 ? icmp4::kUnreachable : icmp6::kUnreachable,
               isV4 ? icmp4::kPortUnreachable : icmp6::kPortUnreachable, 0, own->at(0), parsed.key.client(),
               pass.worker.limits.unreachable);
  }
  return Verdict::dropUnmatchedReply;
}

}  // namespace tunvs
