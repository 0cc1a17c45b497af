#include "director/explainer.h"

#include <algorithm>
#include <vector>

#include "director/counters/parse_verdict.h"
#include "director/delivery/fragment_path.h"

namespace tunvs {

Explanation Explainer::explain(const ParsedPacket& parsed, Tick now, uint32_t mark) {
  if (parsed.error != ParseError::none) return {.verdict = verdictOf(parsed.error)};
  Explanation said;
  switch (parsed.packetClass) {
    case PacketClass::flow: said = explainFlow(parsed, now, mark); break;
    case PacketClass::fragment: said = explainFragment(parsed, now, mark); break;
    case PacketClass::icmp: said = explainIcmp(parsed, now, mark); break;
    case PacketClass::other: said.verdict = explainOther(parsed); break;
  }
  // A packet that does not leave becomes nothing.
  if (kVerdictInfos[static_cast<size_t>(said.verdict)].kind != VerdictKind::sent) said.becomes.reset();
  return said;
}

Verdict Explainer::explainOther(const ParsedPacket& parsed) const {
  const IpAddress destination = parsed.key.virtualAddress();
  if (replies_.isForeign(*control_.table(), destination)) return Verdict::passedOn;
  return control_.table()->virtualAddress(destination) != nullptr ? Verdict::dropProtocol : Verdict::dropNoService;
}

void Explainer::foreseeUnmatched(const ParsedPacket& parsed, Explanation& said) const {
  const auto fate = replies_.foresee(*control_.table(), parsed);
  if (!fate) return;
  said.verdict = fate->verdict;
  if (fate->server == nullptr) return;
  said.server = fate->server->key();
  said.becomes = fate->to;
}

Explanation Explainer::explainFlow(const ParsedPacket& parsed, Tick now, uint32_t mark) const {
  const ServerView* server = nullptr;
  Explanation said = connections_.explain(parsed, mark, now, server);
  if (server != nullptr && (said.verdict == Verdict::forwarded || said.verdict == Verdict::pinned)) {
    const uint64_t hash = connections_.table(parsed.key.family).hash(parsed.key);
    const ServerView* suited = server->suitedTo(/*rewrites=*/said.becomes.has_value());
    const Verdict judged = suited == nullptr ? Verdict::dropServerGone
                                             : forwarder_.judge(*suited, parsed, hash, /*isRelayed=*/false, now,
                                                                control_.table()->tunables());
    if (judged != Verdict::forwarded) said.verdict = judged;
  }
  if (said.verdict == Verdict::dropNoService || said.verdict == Verdict::dropUnmatchedReply)
    foreseeUnmatched(parsed, said);
  // In a service of every port or of a mark, the server has the packet's own port.
  if (said.server && said.server->port == 0) said.server->port = parsed.key.virtualPort().host();
  return said;
}

Explanation Explainer::explainFragment(const ParsedPacket& parsed, Tick now, uint32_t mark) const {
  const FragmentInfo info = fragmentInfoOf(parsed);
  // In IPv6, only the first fragment says what it is.
  if (!isBalanced(parsed.protocol) && (parsed.key.isV4() || info.isFirst())) {
    const bool isForeign = replies_.isForeign(*control_.table(), parsed.key.virtualAddress());
    return {.verdict = isForeign ? Verdict::passedOn : Verdict::dropFragment};
  }
  const FragmentAnswer answer = fragments_.foresee(info, now);
  if (info.isFirst()) {
    const bool isTakenIn = answer.verdict != FragmentVerdict::drop;
    return isTakenIn ? explainFlow(parsed, now, mark) : Explanation{.verdict = Verdict::dropFragment};
  }
  if (answer.verdict == FragmentVerdict::wait) return {.verdict = Verdict::waitingFragment};
  if (answer.verdict == FragmentVerdict::drop) {
    const bool hasReason = answer.decision.refusal != 0;
    return {.verdict = hasReason ? static_cast<Verdict>(answer.decision.refusal) : Verdict::dropFragment};
  }
  if (answer.decision.way == kPassedOn) return {.verdict = Verdict::passedOn};
  const ServiceTable* services = control_.table();
  const Pin* pin = Pins::isName(answer.decision.server) ? pins_.named(answer.decision.server, now) : nullptr;
  const ServerView* server = services->server(pin != nullptr ? pin->server : answer.decision.server);
  if (server == nullptr) return {.verdict = Verdict::dropServerGone};
  const bool isReply = answer.decision.way == kToClient;
  if (!server->carries && pin == nullptr && !isReply) return {.verdict = withheldFrom(*server)};
  Explanation said;
  said.by = DecidedBy::datagram;
  said.server = server->key();
  const bool isRewritten = answer.decision.way != kToServer;
  if (isRewritten) said.becomes = Endpoints{{answer.decision.source, {}}, {answer.decision.destination, {}}};
  if (isReply) {
    said.verdict = Verdict::returned;
    return said;
  }
  const ServerView* suited = server->suitedTo(isRewritten);
  if (suited == nullptr) return {.verdict = Verdict::dropServerGone};
  said.verdict =
      forwarder_.judge(*suited, parsed, answer.decision.flowHash, /*isRelayed=*/false, now, services->tunables());
  if (pin != nullptr && said.verdict == Verdict::forwarded) said.verdict = Verdict::pinned;
  return said;
}

// The very code that handles ICMP runs on a copy, for a worker whose counters and answers nobody gets.
Explanation Explainer::explainIcmp(const ParsedPacket& parsed, Tick now, uint32_t mark) {
  if (asking_ == nullptr) asking_ = std::make_unique<WorkerContext>();
  asking_->mark = mark;
  asking_->limits = {};
  std::vector<uint8_t> copy(kHeadroom + parsed.length + 64);
  std::copy(parsed.data, parsed.data + parsed.length, copy.begin() + kHeadroom);
  Packet packet{copy.data() + kHeadroom, parsed.length};
  ParsedPacket again;
  parsePacket(packet, again);
  OutputVector out;
  Explanation said;
  Pass pass{*asking_, control_.table(), now, out};
  said.verdict = icmp_.handle(pass, again, packet, 0, &said);
  return said;
}

}  // namespace tunvs
