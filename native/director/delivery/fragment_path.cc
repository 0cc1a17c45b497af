#include "director/delivery/fragment_path.h"

#include <array>

#include "director/delivery/answers.h"

namespace tunvs {

namespace {

constexpr size_t kMaxReleased = 128;  // fragments of one datagram: FragmentTable's own limit

// Tells whether more than the endpoints would have to be changed in a fragment, or it could say what only the director
// may say.
bool isLookedInto(const ParsedPacket& parsed, const Conn& reply, Be16 virtualPort) {
  if (parsed.protocol != kTcpProtocol) return false;
  const uint8_t marks = reply.state.load(std::memory_order_relaxed);
  return (marks & kReplyTold) != 0 || ((marks & kReplyOfFtp) != 0 && virtualPort.host() == kFtpPort);
}

}  // namespace

bool FragmentPath::Course::isSent() const {
  return kVerdictInfos[static_cast<size_t>(verdict)].kind == VerdictKind::sent;
}

FragmentPath::Course FragmentPath::decide(Pass& pass, const ParsedPacket& parsed, const Outgoing& packet) {
  Course course{Verdict::dropFragment};
  const auto setEndpoints = [&](FragmentWay way, const Endpoints& to) {
    course.endpoints = to;
    course.decision.way = way;
    course.decision.source = to.source.address;
    course.decision.destination = to.destination.address;
  };
  const auto passOn = [&] {
    course.verdict = Verdict::passedOn;
    course.decision.way = kPassedOn;
    return course;
  };
  if (!isBalanced(parsed.protocol))
    return replies_.isForeign(*pass.services, parsed.key.virtualAddress()) ? passOn() : course;
  const ConnTable& conns = connections_.table(parsed.key.family);
  const uint64_t hash = conns.hash(parsed.key);
  course.decision.flowHash = hash;
  Conn* conn = conns.find(parsed.key, hash);
  if (conn != nullptr && isReplyEntry(*conn)) {
    const ReplyPath::Found found = replies_.note(pass, *conn, parsed);
    if (found.conn != nullptr) {
      if (isLookedInto(parsed, *conn, found.to.source.port)) return {Verdict::dropFragment};
      course.server = found.server;
      course.verdict = Verdict::returned;
      course.decision.server = course.server->id;
      setEndpoints(kToClient, found.to);
      return course;
    }
    conn = nullptr;
  }
  if (const auto fate = replies_.foresee(*pass.services, parsed)) {
    if (fate->verdict == Verdict::passedOn) return passOn();
    course.verdict = fate->verdict;
    if (fate->verdict == Verdict::dropUnmatchedReply) replies_.refuse(pass, packet);
    if (fate->verdict != Verdict::returned) return course;
    course.server = fate->server;
    course.decision.server = fate->server->id;
    setEndpoints(kToClient, fate->to);
    return course;
  }
  course.verdict = connections_.serverFor(pass, parsed, hash, conn, course.server);
  if (!course.isSent()) return course;
  course.decision.server = course.verdict == Verdict::pinned ? pass.pin->name : course.server->id;
  if (!pass.endpoints) return course;
  const Conn* made = conns.find(parsed.key, hash);
  if (made != nullptr && isTranslated(*made)) {
    const Conn& reply = *conns.named(made->control.load(std::memory_order_relaxed));
    if (isLookedInto(parsed, reply, parsed.key.virtualPort())) return {Verdict::dropFragment};
  }
  setEndpoints(kToServerRewritten, *pass.endpoints);
  return course;
}

Verdict FragmentPath::handle(Pass& pass, FragmentLease& lease, const ParsedPacket& parsed, Packet& packet,
                             size_t cause) {
  // In IPv6, only the first fragment says what it is.
  if (parsed.key.isV4() && !isBalanced(parsed.protocol)) {
    const Outgoing outgoing{packet.data, parsed, /*flowHash=*/0, cause};
    return replies_.handleForeign(pass, outgoing).value_or(Verdict::dropFragment);
  }
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
  Course course = decide(pass, parsed, {packet.data, parsed, /*flowHash=*/0, cause});
  FragmentDecision& decision = course.decision;
  const bool isSent = course.isSent();
  if (isSent) {
    // The first fragment is why the client is told; without it the others are of no use.
    const bool isRewritten = decision.way == kToServerRewritten;
    const bool isToServer = isRewritten || decision.way == kToServer;
    const ServerView* suited = isToServer ? course.server->suitedTo(isRewritten) : nullptr;
    if (suited != nullptr && forwarder_.wouldTellTooBig(*suited, parsed, pass.now, pass.tunables()))
      decision.refusal = static_cast<uint8_t>(Verdict::dropFragment);
  } else {
    decision.refusal = static_cast<uint8_t>(course.verdict);
    answerUnsent(pass, settings_, course.verdict, parsed, packet, cause);
  }
  // The fragments that waited are sent behind the first. They stay where they are until the lease is cleared.
  std::array<Packet, kMaxReleased> released;
  size_t count = 0;
  const FragmentAnswer answer = fragments_.conclude(info, decision, pass.now, lease, [&](Packet waited) {
    if (count < released.size()) released[count++] = waited;
  });
  if (answer.verdict != FragmentVerdict::forward) {
    if (!isSent) return course.verdict;
    if (answer.reason != FragmentDrop::refused || decision.refusal == 0) return Verdict::dropFragment;
    return send(pass, decision, parsed, packet, cause, course.endpoints);
  }
  const Verdict sent = send(pass, answer.decision, parsed, packet, cause, course.endpoints);
  for (size_t i = 0; i < count; i++) {
    ParsedPacket again;
    parsePacket(released[i], again);
    if (again.error != ParseError::none) continue;  // impossible: it was parsed when it arrived
    const Verdict waited = send(pass, answer.decision, again, released[i], cause);
    const bool isReleased = kVerdictInfos[static_cast<size_t>(waited)].kind == VerdictKind::sent;
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
                           size_t cause, const std::optional<Endpoints>& first) {
  const Outgoing outgoing{packet.data, parsed, decision.flowHash, cause};
  if (decision.way == kPassedOn) return Forwarder::passOn(pass, outgoing);
  if (Pins::isName(decision.server)) {
    Pin* pin = pins_.named(decision.server, pass.now);
    const ServerView* to = pin == nullptr ? nullptr : pass.services->server(pin->server);
    if (to == nullptr) return Verdict::dropServerGone;
    if (pin->takes(parsed)) return forwarder_.sendPinned(pass, *to, outgoing, *pin);
    pin->countKept(Verdict::dropBadSource);
    return Verdict::dropBadSource;
  }
  const ServerView* server = pass.services->server(decision.server);
  if (server == nullptr) return Verdict::dropServerGone;
  // The datagram was decided by another copy of its first fragment, which went another way.
  if (!first && decision.way != kToServer && parsed.fragmentOffset == 0) return Verdict::dropFragment;
  const Endpoints to = first.value_or(Endpoints{{decision.source, {}}, {decision.destination, {}}});
  if (decision.way == kToClient) return forwarder_.sendReply(pass, *server, outgoing, to);
  if (!server->carries) return withheldFrom(*server);
  if (decision.way == kToServerRewritten) return forwarder_.sendRewritten(pass, *server, outgoing, to);
  return forwarder_.send(pass, *server, outgoing);
}

}  // namespace tunvs
