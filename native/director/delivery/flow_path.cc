#include "director/delivery/flow_path.h"

#include "director/delivery/answers.h"

namespace tunvs {

Verdict FlowPath::handle(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  const ServerView* server = nullptr;
  Conn* conn = connections_.table(parsed.key.family).find(parsed.key, flow.hash, flow.candidate);
  const Verdict verdict = connections_.serverFor(pass, parsed, flow.hash, conn, server, &pass.worker.asking);
  if (verdict != Verdict::forwarded) [[unlikely]]
    return keepBack(pass, verdict, flow, packet, cause);
  return forwarder_.send(pass, *server, {packet.data, parsed, flow.hash, cause});
}

// Handles a packet that goes to no real server, or does not go now.
[[gnu::noinline]] Verdict FlowPath::keepBack(Pass& pass, Verdict verdict, const Flow& flow, Packet& packet,
                                             size_t cause) {
  if (verdict == Verdict::parked) return policies_.park(pass, flow, packet, cause);
  answerUnsent(pass, settings_, verdict, flow.parsed, packet, cause);
  return verdict;
}

}  // namespace tunvs
