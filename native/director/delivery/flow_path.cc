#include "director/delivery/flow_path.h"

#include "director/delivery/answers.h"

namespace tunvs {

[[gnu::noinline]] Verdict FlowPath::handleKnown(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
  const auto sent = translated_.handle(pass, flow, packet, cause);
  return sent ? *sent : handleOther(pass, flow, packet, cause);
}

[[gnu::noinline]] Verdict FlowPath::handleOther(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  const ServerView* server = nullptr;
  Conn* conn = connections_.table(parsed.key.family).find(parsed.key, flow.hash);
  const Outgoing outgoing{packet.data, parsed, flow.hash, cause};
  if (conn != nullptr && isReplyEntry(*conn)) return replies_.handle(pass, *conn, outgoing);
  if (conn == nullptr) {
    if (const Pin* pin = pins_.findReply(parsed.key, flow.hash, pass.now)) [[unlikely]]
      return Forwarder::sendPinnedReply(pass, outgoing, *pin);
  }
  const Verdict verdict = connections_.serverFor(pass, parsed, flow.hash, conn, server, &pass.worker.asking);
  switch (verdict) {
    case Verdict::forwarded: return toServer_.deliver(pass, *server, outgoing);
    case Verdict::pinned: return forwarder_.sendPinned(pass, *server, outgoing, *pass.pin);
    case Verdict::parked: return policies_.park(pass, flow, packet, cause);
    case Verdict::dropNoService:
      if (const auto other = replies_.handleUnmatched(pass, outgoing)) return *other;
      break;
    default: break;
  }
  answerUnsent(pass, settings_, verdict, parsed, packet, cause);
  return verdict;
}

}  // namespace tunvs
