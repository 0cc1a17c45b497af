#include "director/delivery/policy_path.h"

#include "director/delivery/answers.h"

namespace tunvs {

Verdict PolicyPath::park(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  const Packet whole{packet.data, parsed.length, parsed.offload};
  const auto count = PolicyCounters::addOne;
  if (ParkedFlow* waiting = pass.worker.parking.find(parsed.key, flow.hash)) {
    const bool hasRoom = pass.worker.parking.parkBehind(*waiting, whole, static_cast<uint8_t>(cause));
    PolicyCounters& counters = waiting->policy->counters;
    count(hasRoom ? counters.parked : counters.dropped);
    return hasRoom ? Verdict::parked : Verdict::dropParkingFull;
  }
  const auto& policy = *pass.worker.asking.policy;
  count(policy->counters.asked);
  if (pass.worker.parking.park(parsed.key, flow.hash, whole, static_cast<uint8_t>(cause), policy, pass.now)) {
    count(policy->counters.parked);
    return Verdict::parked;
  }
  count(policy->counters.overflow);
  const ServerView* server = nullptr;
  const Conn* known = connections_.table(parsed.key.family).find(parsed.key, flow.hash);
  const Verdict verdict = connections_.open(pass, parsed, flow.hash, known, server);
  return sendOn(pass, verdict, server, parsed, packet, flow.hash, cause);
}

void PolicyPath::resume(Pass& pass, std::span<const PolicyAnswer> answers) {
  for (const PolicyAnswer& answer : answers) {
    if (ParkedFlow* flow = pass.worker.parking.flowOf(answer)) conclude(pass, *flow, &answer);
  }
  pass.worker.parking.forEachOverdue(pass.now, [&](ParkedFlow& flow) { conclude(pass, flow, /*answer=*/nullptr); });
}

// `answer` is null when there was none in time.
void PolicyPath::conclude(Pass& pass, ParkedFlow& flow, const PolicyAnswer* answer) {
  const bool isDecided = answer != nullptr && answer->kind == PolicyAnswer::Kind::server;
  PolicyTurn turn{isDecided ? PolicyTurn::Kind::decided : PolicyTurn::Kind::fallback,
                  isDecided ? answer->server : kNoServer};
  const auto policy = flow.policy;
  const uint64_t hash = flow.hash;
  pass.worker.parking.end(flow, [&](Packet packet, size_t cause) {
    ParsedPacket parsed;
    parsePacket(packet, parsed);
    if (parsed.error != ParseError::none) return;  // impossible: it was parsed when it arrived
    const ConnTable& conns = connections_.table(parsed.key.family);
    const ServerView* server = nullptr;
    const Verdict found = connections_.serverFor(pass, parsed, hash, conns.find(parsed.key, hash), server, &turn);
    const Verdict verdict = sendOn(pass, found, server, parsed, packet, hash, cause);
    const bool isSent = verdict == Verdict::forwarded || verdict == Verdict::pinned;
    (isSent ? pass.worker.stats.parkedReleased : pass.worker.stats.parkedRefused).add(1);
  });
  PolicyCounters& counters = policy->counters;
  const auto outcome = [&]() -> std::atomic<uint64_t>& {
    if (answer == nullptr) return counters.late;
    switch (answer->kind) {
      case PolicyAnswer::Kind::server: return turn.isRefused ? counters.failed : counters.answered;
      case PolicyAnswer::Kind::scheduler: return counters.answered;
      case PolicyAnswer::Kind::failed: return counters.failed;
      case PolicyAnswer::Kind::overflow: return counters.overflow;
    }
    return counters.failed;
  };
  PolicyCounters::addOne(outcome());
}

Verdict PolicyPath::sendOn(Pass& pass, Verdict verdict, const ServerView* server, const ParsedPacket& parsed,
                           Packet packet, uint64_t hash, size_t cause) {
  if (verdict == Verdict::forwarded) return toServer_.deliver(pass, *server, {packet.data, parsed, hash, cause});
  if (verdict == Verdict::pinned)
    return forwarder_.sendPinned(pass, *server, {packet.data, parsed, hash, cause}, *pass.pin);
  answerUnsent(pass, settings_, verdict, parsed, packet, cause);
  return verdict;
}

}  // namespace tunvs
