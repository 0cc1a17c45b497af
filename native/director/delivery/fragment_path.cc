#include "director/delivery/fragment_path.h"

#include <array>

#include "director/delivery/answers.h"

namespace tunvs {

constexpr size_t kMaxReleased = 128;  // fragments of one datagram: FragmentTable's own limit

Verdict FragmentPath::handle(Pass& pass, FragmentLease& lease, const ParsedPacket& parsed, Packet& packet,
                             size_t cause) {
  // In IPv6, only the first fragment says what it is.
  if (parsed.key.isV4() && !isBalanced(parsed.protocol)) return Verdict::dropFragment;
  const FragmentInfo info = fragmentInfoOf(parsed);
  if (info.isFirst()) return handleFirst(pass, lease, info, parsed, packet, cause);
  const FragmentAnswer answer = fragments_.follow(info, {packet.data, parsed.length}, pass.now);
  switch (answer.verdict) {
    case FragmentVerdict::wait: return Verdict::waitingFragment;
    case FragmentVerdict::drop: break;
    case FragmentVerdict::forward: return send(pass, answer.decision, parsed, packet, cause);
  }
  if (answer.decision.refusal != 0) return static_cast<Verdict>(answer.decision.refusal);
  tellSender(pass, info, answer.reason, parsed, packet, cause);
  return Verdict::dropFragment;
}

Verdict FragmentPath::handleFirst(Pass& pass, FragmentLease& lease, const FragmentInfo& info,
                                  const ParsedPacket& parsed, Packet& packet, size_t cause) {
  // A fragment that goes nowhere opens nothing and is not counted.
  const FragmentAnswer begun = fragments_.begin(info, pass.now);
  if (begun.verdict != FragmentVerdict::forward) {
    tellSender(pass, info, begun.reason, parsed, packet, cause);
    return Verdict::dropFragment;
  }
  FragmentDecision decision;
  Verdict verdict = Verdict::dropFragment;
  const ServerView* server = nullptr;
  if (isBalanced(parsed.protocol)) {
    const ConnTable& conns = connections_.table(parsed.key.family);
    const uint64_t hash = conns.hash(parsed.key);
    verdict = connections_.serverFor(pass, parsed, hash, conns.find(parsed.key, hash), server);
    decision.flowHash = hash;
  }
  const bool isSent = verdict == Verdict::forwarded || verdict == Verdict::pinned;
  if (isSent) {
    decision.server = verdict == Verdict::pinned ? pass.pin->name : server->id;
    // The first fragment is why the client is told; without it the others are of no use.
    if (forwarder_.wouldTellTooBig(*server, parsed, pass.now, pass.tunables()))
      decision.refusal = static_cast<uint8_t>(Verdict::dropFragment);
  } else {
    decision.refusal = static_cast<uint8_t>(verdict);
    answerUnsent(pass, settings_, verdict, parsed, packet, cause);
  }
  // The fragments that waited are sent behind the first. They stay where they are until the lease is cleared.
  std::array<Packet, kMaxReleased> released;
  size_t count = 0;
  const FragmentAnswer answer = fragments_.conclude(info, decision, pass.now, lease, [&](Packet waited) {
    if (count < released.size()) released[count++] = waited;
  });
  if (answer.verdict != FragmentVerdict::forward) {
    if (!isSent) return verdict;
    if (answer.reason != FragmentDrop::refused || decision.refusal == 0) return Verdict::dropFragment;
    return send(pass, decision, parsed, packet, cause);
  }
  const Verdict sent = send(pass, answer.decision, parsed, packet, cause);
  for (size_t i = 0; i < count; i++) {
    ParsedPacket again;
    parsePacket(released[i], again);
    if (again.error != ParseError::none) continue;  // impossible: it was parsed when it arrived
    const Verdict waited = send(pass, answer.decision, again, released[i], cause);
    const bool isReleased = waited == Verdict::forwarded || waited == Verdict::pinned;
    (isReleased ? pass.worker.stats.fragmentsReleased : pass.worker.stats.fragmentsRefused).add(1);
  }
  return sent;
}

// Answers only in the name of a virtual address, and only what a host would say.
void FragmentPath::tellSender(Pass& pass, const FragmentInfo& info, FragmentDrop reason, const ParsedPacket& parsed,
                              const Packet& packet, size_t cause) {
  if (parsed.key.isV4() || pass.services->virtualAddress(parsed.key.virtualAddress()) == nullptr) return;
  Answers(pass, cause).malformedFragment({packet.data, parsed.length}, parsed, info, reason);
}

Verdict FragmentPath::send(Pass& pass, const FragmentDecision& decision, const ParsedPacket& parsed, Packet packet,
                           size_t cause) {
  const Outgoing outgoing{packet.data, parsed, decision.flowHash, cause};
  if (Pins::isName(decision.server)) {
    Pin* pin = pins_.named(decision.server, pass.now);
    const ServerView* to = pin == nullptr ? nullptr : pass.services->server(pin->server);
    if (to == nullptr) return Verdict::dropServerGone;
    if (pin->takes(parsed)) return forwarder_.sendPinned(pass, *to, outgoing, *pin);
    pin->countKept(Verdict::dropBadSource);
    return Verdict::dropBadSource;
  }
  const ServerView* server = pass.services->server(decision.server);
  if (server == nullptr || !server->available) return Verdict::dropServerGone;
  return forwarder_.send(pass, *server, outgoing);
}

}  // namespace tunvs
