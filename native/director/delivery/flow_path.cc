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
    case Verdict::forwarded:
      if (pass.endpoints) return deliverRewritten(pass, flow, *server, outgoing);
      return forwarder_.deliver(pass, *server, outgoing);
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

Verdict FlowPath::deliverRewritten(Pass& pass, const Flow& flow, const ServerView& server, const Outgoing& packet) {
  const ParsedPacket& parsed = flow.parsed;
  const ConnTable& conns = connections_.table(parsed.key.family);
  const Conn* conn = conns.find(parsed.key, flow.hash);
  if (conn == nullptr || !isTranslated(*conn)) return forwarder_.deliver(pass, server, packet);
  if (FtpPath::isControl(parsed, parsed.key.virtualPort())) return ftp_.deliver(pass, *conn, server, packet);
  const Conn& reply = *conns.named(conn->control.load(std::memory_order_relaxed));
  if (ToldPath::concerns(server, parsed, reply)) return told_.deliver(pass, *conn, server, packet);
  return forwarder_.deliver(pass, server, packet);
}

}  // namespace tunvs
