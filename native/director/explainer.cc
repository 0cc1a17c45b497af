#include "director/explainer.h"

#include <algorithm>
#include <vector>

#include "director/counters/parse_verdict.h"

namespace tunvs {

Explanation Explainer::explain(const ParsedPacket& parsed, Tick now, uint32_t mark) {
  if (parsed.error != ParseError::none) return {.verdict = verdictOf(parsed.error)};
  Explanation said;
  switch (parsed.packetClass) {
    case PacketClass::flow: said = explainFlow(parsed, now, mark); break;
    case PacketClass::fragment: said = explainFragment(parsed, now, mark); break;
    case PacketClass::icmp: said = explainIcmp(parsed, now, mark); break;
    case PacketClass::other:
      said.verdict = control_.table()->virtualAddress(parsed.key.virtualAddress()) != nullptr ? Verdict::dropProtocol
                                                                                              : Verdict::dropNoService;
      break;
  }
  return said;
}

Explanation Explainer::explainFlow(const ParsedPacket& parsed, Tick now, uint32_t mark) const {
  const ServerView* server = nullptr;
  Explanation said = connections_.explain(parsed, mark, now, server);
  if (server != nullptr && (said.verdict == Verdict::forwarded || said.verdict == Verdict::pinned)) {
    const uint64_t hash = connections_.table(parsed.key.family).hash(parsed.key);
    const Verdict judged =
        forwarder_.judge(*server, parsed, hash, /*isRelayed=*/false, now, control_.table()->tunables());
    if (judged != Verdict::forwarded) said.verdict = judged;
  }
  // In a service of every port or of a mark, the server has the packet's own port.
  if (said.server && said.server->port == 0) said.server->port = parsed.key.virtualPort().host();
  return said;
}

Explanation Explainer::explainFragment(const ParsedPacket& parsed, Tick now, uint32_t mark) const {
  const FragmentInfo info = fragmentInfoOf(parsed);
  // In IPv6, only the first fragment says what it is.
  if (!isBalanced(parsed.protocol) && (parsed.key.isV4() || info.isFirst())) return {.verdict = Verdict::dropFragment};
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
  const ServiceTable* services = control_.table();
  const Pin* pin = Pins::isName(answer.decision.server) ? pins_.named(answer.decision.server, now) : nullptr;
  const ServerView* server = services->server(pin != nullptr ? pin->server : answer.decision.server);
  if (server == nullptr || (!server->available && pin == nullptr)) return {.verdict = Verdict::dropServerGone};
  Explanation said;
  said.by = DecidedBy::datagram;
  said.server = server->key();
  said.verdict =
      forwarder_.judge(*server, parsed, answer.decision.flowHash, /*isRelayed=*/false, now, services->tunables());
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
