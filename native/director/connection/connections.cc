#include "director/connection/connections.h"

namespace tunvs {
namespace {

constexpr uint32_t kNewSeconds = 3;  // IPVS's: how long a connection lasts before a packet has changed its state

// Returns whose packets a connection's client's are to the state: those of both sides change a translated one's.
Side clientSideOf(const Conn& conn) { return isTranslated(conn) ? Side::client : Side::clientOnly; }

// Tells whether packets of a connection in this state may go by a fast path.
bool mayHandOver(uint8_t protocol, uint8_t state) {
  return protocol == kUdpProtocol || (protocol == kTcpProtocol && state == static_cast<uint8_t>(TcpState::established));
}

void giveToKernel(Conn& conn) {
  if (conn.packets.load(std::memory_order_relaxed) < HandOver::kLeastPackets) return;  // another one of the same key
  if ((conn.server.load(std::memory_order_relaxed) & kTranslated) != 0) return;
  conn.flags.fetch_or(kConnHandedOver | kConnFast);
  // Another worker may have changed the state meanwhile. Of the two, the later one sees what the other has done.
  if (!mayHandOver(conn.protocol, conn.state.load())) conn.flags.fetch_and(static_cast<uint8_t>(~kConnFast));
}

}  // namespace

void Connections::handOver(HandOver& noted, bool isQueueEmpty) const {
  const auto find = [&](const FlowKey& key, uint64_t& hash) {
    const ConnTable& table = entries_.table(key.family);
    hash = table.hash(key);
    return table.find(key, hash);
  };
  uint64_t hash = 0;
  for (const FlowKey& key : std::span(noted.keys, noted.count)) {
    Conn* const conn = find(key, hash);
    if (conn == nullptr) continue;
    const bool isFirst = (conn->flags.load(std::memory_order_relaxed) & kConnHandedOver) == 0;
    const uint32_t packets = conn->packets.load(std::memory_order_relaxed);
    const bool hasWaited =
        isFirst ? packets >= HandOver::kPacketsUnderLoad : packets % HandOver::kPacketsUntilAgain == 0;
    if (isQueueEmpty || hasWaited) {
      giveToKernel(*conn);
    } else {
      noted.wait(key, hash);
    }
  }
  noted.count = 0;
  if (!isQueueEmpty || noted.waiting == 0) return;
  for (size_t i = 0; i < HandOver::kPlaces; i++) {
    if (!std::exchange(noted.isTaken[i], false)) continue;
    if (Conn* const conn = find(noted.places[i], hash)) giveToKernel(*conn);
  }
  noted.waiting = 0;
}

[[gnu::noinline]] std::optional<Verdict> Connections::pinned(Pass& pass, const ParsedPacket& parsed, uint64_t hash,
                                                             const ServerView*& server) {
  Pin* pin = pins_.find(parsed.key, hash, pass.now);
  if (pin == nullptr) return std::nullopt;
  if (!pin->takes(parsed)) {
    pin->countKept(Verdict::dropBadSource);
    return Verdict::dropBadSource;
  }
  server = entries_.serverById(pass.services, pin->server);
  pass.pin = pin;
  return server != nullptr ? Verdict::pinned : Verdict::dropServerGone;
}

Pin* Connections::pinOf(const ServiceTable*& services, const FlowKey& flow, uint64_t hash, Tick now,
                        const ServerView*& server) const {
  Pin* pin = pins_.find(flow, hash, now);
  if (pin != nullptr) server = entries_.serverById(services, pin->server);
  return server != nullptr ? pin : nullptr;
}

bool Connections::mustEndOpening(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                                 const Tunables& tunables) const {
  if (isSilent(server)) {
    const bool isDue = tunables.expireNodestConn != 0 || (server.rescheduleUdp && parsed.protocol == kUdpProtocol);
    return isDue && !server.isAwaited;
  }
  if (isReset(server, parsed) || isMoved(conn, server, parsed)) return true;
  if (!server.carries || !isOpening(parsed)) return false;
  if (tunables.expireNodestConn != 0 && server.weight == 0) return true;
  if (tunables.connReuseMode == 0 || entries_.controllerOf(parsed.key.family, conn) != 0) return false;
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  if (parsed.protocol == kSctpProtocol) return static_cast<SctpState>(state) == SctpState::closed;
  switch (static_cast<TcpState>(state)) {
    case TcpState::timeWait:
    case TcpState::close: return true;
    case TcpState::finWait: return (tunables.connReuseMode & 2) != 0;
    default: return false;
  }
}

void Connections::update(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash) {
  const uint32_t packets = conn->packets.load(std::memory_order_relaxed) + 1;
  conn->packets.store(packets, std::memory_order_relaxed);
  const uint8_t before = conn->state.load(std::memory_order_relaxed);
  noteSignals(pass, server, parsed, before, packets);
  take(pass, conn, server, parsed, hash, clientSideOf(*conn), isRise(packets));
}

void Connections::updateByReply(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed) {
  const ConnTable& conns = table(parsed.key.family);
  take(pass, conn, server, parsed, conns.hash(conns.keyOf(*conn)), Side::server, /*isRise=*/false);
  if (!assuresTemplate(parsed.protocol, conn->state.load(std::memory_order_relaxed), Side::server)) return;
  if (const uint32_t controller = entries_.controllerOf(parsed.key.family, *conn))
    entries_.assure(parsed.key.family, controller);
}

Connections::Step Connections::stepOf(const Pass& pass, const Conn& conn, const ServerView& server,
                                      const ParsedPacket& parsed, Side side) const {
  const uint8_t before = conn.state.load(std::memory_order_relaxed);
  const uint8_t after = nextState(parsed.protocol, before, parsed.event, defence_.securesTcp(pass.tunables()), side);
  return {before, after, pass.now + timeoutOf(pass.tunables(), server.timeouts.get(), parsed.protocol, after)};
}

void Connections::take(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash,
                       Side side, bool isRise) {
  const Step step = stepOf(pass, *conn, server, parsed, side);
  // A connection that has shown more is reported at once where it may matter soon. Elsewhere the table finds out when
  // it next looks at the entry, within seconds. A template has to know at once. A reply entry is marked, and the table
  // finds that out as it does the rest.
  const bool mustTell =
      isRise && (entries_.controllerOf(parsed.key.family, *conn) != 0 || table(parsed.key.family).isNearlyFull(hash));
  if (step.after == step.before && reached(step.deadline, conn->expires.load(std::memory_order_relaxed)) && !mustTell) {
    conn->expires.store(step.deadline, std::memory_order_relaxed);
    if (isRise && isTranslated(*conn) && StandingJudge::isProven(*conn)) entries_.proveReply(parsed.key.family, *conn);
    return;
  }
  uint32_t controller = 0;
  {
    ConnTable::Guard guard(table(parsed.key.family), hash);
    if (!conn->isLive()) return;  // it ended meanwhile
    updateLocked(pass, conn, server, parsed, hash, side);
    if (!StandingJudge::isProven(*conn)) return;
    controller = entries_.controllerOf(parsed.key.family, *conn);
    if (isTranslated(*conn)) entries_.proveReply(parsed.key.family, *conn);
  }
  if (controller != 0) entries_.prove(parsed.key.family, controller);
}

// Replies mostly do not pass the director, but a client that gets none, or a wrong one, shows that.
void Connections::noteSignals(Pass& pass, const ServerView& server, const ParsedPacket& parsed, uint8_t state,
                              uint32_t packets) {
  if (packets == 2 && isOpening(parsed) && phaseOf(parsed.protocol, state) == Phase::opening)
    pool_.counters(pass.worker.index, server.id).repeatedOpenings.add(1);
  if (isAborting(parsed) && !isClosed(parsed.protocol, state))
    pool_.counters(pass.worker.index, server.id).clientResets.add(1);
}

void Connections::updateLocked(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed,
                               uint64_t hash, Side side) {
  const auto [before, after, deadline] = stepOf(pass, *conn, server, parsed, side);
  // In this order; see Connections::handOver().
  conn->state.store(after, std::memory_order_seq_cst);
  if (!mayHandOver(parsed.protocol, after)) conn->flags.fetch_and(static_cast<uint8_t>(~kConnFast));
  const bool wasActive = isActiveConn(*conn);
  if (wasActive != isActiveState(parsed.protocol, after)) {
    server.state->active.fetch_add(wasActive ? -1 : 1, std::memory_order_seq_cst);
    server.state->inactive.fetch_add(wasActive ? 1 : -1, std::memory_order_seq_cst);
    conn->flags.fetch_xor(kConnInactive, std::memory_order_relaxed);
  }
  if (const uint32_t controller = entries_.controllerOf(parsed.key.family, *conn);
      controller != 0 && assuresTemplate(parsed.protocol, after, side)) {
    entries_.assure(parsed.key.family, controller);
  }
  entries_.moveLocked(conn, parsed.key.family, hash, deadline, pass.now);
}

std::optional<Verdict> Connections::meetLocked(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Meeting& meeting,
                                               const ServerView*& server, Loose& loose) {
  ConnTable& conns = entries_.table(parsed.key.family);
  Conn* known = conns.find(parsed.key, hash);
  if (known == nullptr) return std::nullopt;
  // It is a server's, or was until a moment ago.
  if (isReplyEntry(*known)) return Verdict::dropUnmatchedReply;
  const ServerView* named = serverOf(pass.services, *known);
  const bool isOver = entries_.isOver(parsed.key.family, *known, pass.now);
  if (!isOver && named != nullptr && !mustEnd(*known, *named, parsed, pass.tunables())) {
    server = named;
    if (!named->carries) return withheldFrom(*named);
    known->packets.store(known->packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    updateLocked(pass, known, *named, parsed, hash, clientSideOf(*known));
    if (isTranslated(*known)) pass.endpoints = translations_.toServer(parsed.key.family, *known);
    return Verdict::forwarded;
  }
  const bool isBeingReset = !isOver && named != nullptr && isReset(*named, parsed);
  meeting.isMoved = !isOver && named != nullptr && isMoved(*known, *named, parsed);
  // The server may be up again before another takes the connection.
  const bool ends = meeting.isMoved ? meeting.step == Meeting::taken : meeting.step != Meeting::look;
  if (!isOver && !isBeingReset && !ends) return std::nullopt;
  loose = entries_.unbind(pass.worker.stats, parsed.key.family, *known);
  conns.removeLocked(known, hash);
  WorkerStats& stats = pass.worker.stats;
  (isOver ? stats.connectionsExpired : stats.connectionsDropped).add(1);
  if (meeting.isMoved) stats.connectionsRescheduled.add(1);
  if (!isBeingReset) return std::nullopt;
  stats.connectionsReset.add(1);
  return Verdict::dropConnectionReset;
}

std::optional<Verdict> Connections::meet(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Meeting& meeting,
                                         const ServerView*& server) {
  Loose loose;
  std::optional<Verdict> met;
  {
    ConnTable::Guard guard(table(parsed.key.family), hash);
    met = meetLocked(pass, parsed, hash, meeting, server, loose);
  }
  entries_.settleLoose(parsed.key.family, loose);
  return met;
}

void Connections::askOpened(Pass& pass, const ParsedPacket& parsed, uint64_t hash) {
  // One-packet scheduling leaves no connection.
  const Conn* const conn = table(parsed.key.family).find(parsed.key, hash);
  if (conn == nullptr || isReplyEntry(*conn)) return;
  if (const ServerView* const its = serverOf(pass.services, *conn))
    pass.sync->ask(pass, parsed.key.family, *conn, *its);
}

Verdict Connections::openUntold(Pass& pass, const ParsedPacket& parsed, uint64_t hash, const Conn* known,
                                const ServerView*& server, PolicyTurn* turn) {
  Meeting meeting;
  // A connection that another worker opens meanwhile is met before this one would be inserted.
  if (known != nullptr) {
    if (const auto verdict = meet(pass, parsed, hash, meeting, server)) return *verdict;
  }
  if (data_.mayExpect() && parsed.protocol == kTcpProtocol && isOpening(parsed)) [[unlikely]] {
    if (const Conn* opened = data_.open(pass, parsed, hash); opened != nullptr && isTranslated(*opened)) {
      server = serverOf(pass.services, *opened);
      if (server == nullptr) return Verdict::dropServerGone;
      pass.endpoints = translations_.toServer(parsed.key.family, *opened);
      return Verdict::forwarded;
    }
  }
  const ServiceView* service = nullptr;
  Templates::Affinity choice;
  const bool wasMoved = meeting.isMoved;
  Verdict admitted = choice_.admit(pass, parsed, service, choice, turn, wasMoved);
  const bool isPassing = admitted == Verdict::forwarded && service->config.onePacket && parsed.protocol == kUdpProtocol;
  Opening opening{choice.server, choice.controller};
  if (admitted == Verdict::forwarded && !isPassing) admitted = prepare(pass, parsed.key, *service, opening);
  const TimeoutTicks* own = choice.server != nullptr ? choice.server->timeouts.get() : nullptr;
  const bool isAdopted = service != nullptr && !wasMoved && isMidStream(parsed, service->config);
  const bool goesOn = isAdopted || (wasMoved && !isOpening(parsed));
  const uint8_t state =
      nextState(parsed.protocol, goesOn ? establishedState(parsed.protocol) : 0, parsed.event,
                defence_.securesTcp(pass.tunables()), opening.reply != 0 ? Side::client : Side::clientOnly);
  const Tick deadline = pass.now + timeoutOf(pass.tunables(), own, parsed.protocol, state);
  Loose left, evicted;
  std::optional<Verdict> met;
  Conn* made = nullptr;
  {
    ConnTable::Guard guard(table(parsed.key.family), hash);
    meeting.step = admitted == Verdict::forwarded ? Meeting::taken : Meeting::refused;
    met = meetLocked(pass, parsed, hash, meeting, server, left);
    if (!met && admitted == Verdict::forwarded && !isPassing)
      made = insertLocked(pass, parsed.key, hash, state, deadline, opening, evicted);
  }
  entries_.settleLoose(parsed.key.family, left);
  if (admitted != Verdict::forwarded) return met.value_or(admitted);
  if (isPassing && !met) {
    entries_.bindPassing(*choice.server);
    if (choice.controller != 0) entries_.release(parsed.key.family, choice.controller);
    pool_.counters(pass.worker.index, choice.server->id).connections.add(1);
    server = choice.server;
    if (server->traits->takesSource) return Verdict::dropNoPort;
    if (server->traits->rewrites()) pass.endpoints = Translations::toServer(*service, *server, parsed.key);
    return Verdict::forwarded;
  }
  finishOpening(pass, parsed.key, made, opening, evicted);
  if (isAdopted && made != nullptr) pass.worker.stats.connectionsMidStream.add(1);
  if (met) return *met;
  server = choice.server;
  if (made == nullptr) return Verdict::dropTableFull;
  if (opening.reply != 0) pass.endpoints = translations_.toServer(parsed.key.family, *made);
  return Verdict::forwarded;
}

const ServerView* Connections::openQuoted(Pass& pass, const FlowKey& flow, uint64_t hash) {
  const ServiceView* service = pass.services->find(flow, pass.worker.mark);
  if (service == nullptr) return nullptr;
  if (pass.worker.dropPacket.picks(defence_.dropRate(pass.tunables()))) return nullptr;
  Templates::Affinity choice;
  if (choice_.choose(pass, *service, flow, {}, choice, /*turn=*/nullptr) != Verdict::forwarded) return nullptr;
  Opening opening{choice.server, choice.controller};
  if (prepare(pass, flow, *service, opening) != Verdict::forwarded) return nullptr;
  Loose evicted;
  Conn* made = nullptr;
  {
    ConnTable::Guard guard(table(flow.family), hash);
    if (table(flow.family).find(flow, hash) == nullptr) {
      made = insertLocked(pass, flow, hash, 0, pass.now + ticksFromSeconds(kNewSeconds), opening, evicted);
    }
  }
  finishOpening(pass, flow, made, opening, evicted);
  if (made == nullptr) return nullptr;
  if (opening.reply != 0) pass.endpoints = translations_.toServer(flow.family, *made);
  return choice.server;
}

Verdict Connections::prepare(Pass& pass, const FlowKey& flow, const ServiceView& service, Opening& opening) {
  if (!opening.server->traits->rewrites()) return Verdict::forwarded;
  const ServerView& server = *opening.server;
  const Endpoint at{server.address, Translations::serverPort(service, server, flow)};
  Verdict why = Verdict::forwarded;
  opening.reply = translations_.reserve(pass, server, flow, at, opening.controller, why, {});
  if (opening.reply != 0) return Verdict::forwarded;
  if (opening.controller != 0) entries_.release(flow.family, opening.controller);
  return why;
}

Conn* Connections::insertLocked(Pass& pass, const FlowKey& flow, uint64_t hash, uint8_t state, Tick deadline,
                                const Opening& opening, Loose& loose) {
  Conn* made = entries_.openLocked(pass.worker.stats, flow, hash, state, deadline, pass.now, opening, loose);
  if (made == nullptr) return nullptr;
  if (opening.controller != 0 && assuresTemplate(flow.protocol(), state, clientSideOf(*made)))
    entries_.assure(flow.family, opening.controller);
  const ClientTold told = opening.server->config.tunnel.told;
  if (told != ClientTold::none && flow.protocol() == kTcpProtocol && opening.reply != 0)
    entries_.beginTold(flow.family, opening.reply, told);
  return made;
}

void Connections::finishOpening(Pass& pass, const FlowKey& flow, const Conn* made, const Opening& opening,
                                Loose loose) {
  entries_.finishOpening(pass.worker.stats, flow.family, made != nullptr, opening, loose);
  if (made == nullptr) return;
  pool_.counters(pass.worker.index, opening.server->id).connections.add(1);
}

}  // namespace tunvs
