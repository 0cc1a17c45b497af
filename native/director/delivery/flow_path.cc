#include "director/delivery/flow_path.h"

#include "director/delivery/answers.h"

namespace tunvs {

Verdict FlowPath::handle(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  const ServerView* server = nullptr;
  Conn* conn = connections_.table(parsed.key.family).find(parsed.key, flow.hash, flow.candidate);
  const Verdict verdict = connections_.serverFor(pass, parsed, flow.hash, conn, server, &pass.worker.asking);
  if (verdict != Verdict::forwarded) [[unlikely]]
    return handleOther(pass, verdict, server, flow, packet, cause);
  return forwarder_.send(pass, *server, {packet.data, parsed, flow.hash, cause});
}

// Handles a packet that is pinned, that goes to no real server, or does not go now.
[[gnu::noinline]] Verdict FlowPath::handleOther(Pass& pass, Verdict verdict, const ServerView* server, const Flow& flow,
                                                Packet& packet, size_t cause) {
  if (verdict == Verdict::pinned)
    return forwarder_.sendPinned(pass, *server, {packet.data, flow.parsed, flow.hash, cause}, *pass.pin);
  if (verdict == Verdict::parked) return policies_.park(pass, flow, packet, cause);
  answerUnsent(pass, settings_, verdict, flow.parsed, packet, cause);
  return verdict;
}

}  // namespace tunvs
