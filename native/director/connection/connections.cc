#include "director/connection/connections.h"

namespace tunvs {
namespace {

constexpr uint32_t kNewSeconds = 3;  // IPVS's: how long a connection lasts before a packet has moved its state
constexpr uint16_t kNoPort = 65535;  // what IPVS gives a template that is not to be followed any more

// Whether the packet is one that leaves the state as it is, going by what is quickly told.
bool keepsState(const ParsedPacket& parsed, uint8_t state) {
  static_assert(nextTcpState(TcpState::established, TcpEvent::ack, false) == TcpState::established &&
                nextTcpState(TcpState::established, TcpEvent::ack, true) == TcpState::established);
  if (parsed.protocol == kTcpProtocol) [[likely]] {
    return state == static_cast<uint8_t>(TcpState::established) && parsed.event == static_cast<uint8_t>(TcpEvent::ack);
  }
  return parsed.protocol == kUdpProtocol;  // which has but one
}

bool isEstablished(uint8_t protocol, uint8_t state) {
  return (protocol == kTcpProtocol && state == static_cast<uint8_t>(TcpState::established)) ||
         (protocol == kSctpProtocol && state == static_cast<uint8_t>(SctpState::established));
}

// Since its last packet, going by the timeout that its state has now; 0 when that has become shorter since.
uint32_t idleTicks(const Conn& conn, const ServerView& server, const Tunables& tunables, Tick now) {
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  const Tick timeout = timeoutOf(tunables, server.timeouts.get(), conn.protocol, state);
  const auto idle = static_cast<int32_t>(timeout - (conn.expires.load(std::memory_order_relaxed) - now));
  return idle > 0 ? static_cast<uint32_t>(idle) : 0;
}

}  // namespace

// A packet from the middle of a connection that another director may have had. A TCP packet without flags is of none.
bool Connections::isMidStream(const ParsedPacket& parsed, const ServiceConfig& service) {
  if (!service.hashesMidStream) return false;
  if (parsed.protocol == kTcpProtocol)
    return parsed.event == static_cast<uint8_t>(TcpEvent::ack) || parsed.event == static_cast<uint8_t>(TcpEvent::fin);
  return parsed.protocol == kSctpProtocol && !isOpening(parsed);
}

// Whether a packet of no connection may begin one.
bool Connections::maySchedule(const ParsedPacket& parsed, const ServiceConfig& service, const Tunables& tunables) {
  if (parsed.key.clientPort().host() == ServiceIndex::kFtpDataPort) return false;
  switch (parsed.protocol) {
    case kTcpProtocol:
      if (parsed.event == static_cast<uint8_t>(TcpEvent::rst)) return false;
      return isOpening(parsed) || tunables.sloppyTcp != 0 || isMidStream(parsed, service);
    case kSctpProtocol:
      if (parsed.event == static_cast<uint8_t>(SctpEvent::abort)) return false;
      return isOpening(parsed) || tunables.sloppySctp != 0 || isMidStream(parsed, service);
    default: return true;
  }
}

bool Connections::mustEndOpening(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                                 const Tunables& tunables) {
  if (!server.available)
    return tunables.expireNodestConn != 0 || (server.reschedulesUdp && parsed.protocol == kUdpProtocol);
  if (!isOpening(parsed)) return false;
  if (tunables.expireNodestConn != 0 && server.weight == 0) return true;
  if (tunables.connReuseMode == 0 || conn.control.load(std::memory_order_relaxed) != 0) return false;
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
  // What nearly every packet is needs no look at the states' tables, and no call that registers are saved for.
  const uint8_t state = conn->state.load(std::memory_order_relaxed);
  if (keepsState(parsed, state) && !isRise(packets)) [[likely]] {
    const Tick deadline = pass.now + timeoutOf(pass.tunables(), server.timeouts.get(), parsed.protocol, state);
    // Later than the deadline that the wheel knows: it will find out by itself.
    if (reached(deadline, conn->expires.load(std::memory_order_relaxed))) [[likely]] {
      conn->expires.store(deadline, std::memory_order_relaxed);
      return;
    }
  }
  change(pass, conn, server, parsed, hash, packets);
}

[[gnu::noinline]] void Connections::change(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed,
                                           uint64_t hash, uint32_t packets) {
  const uint8_t before = conn->state.load(std::memory_order_relaxed);
  const uint8_t after = nextState(parsed.protocol, before, parsed.event, defence_.securesTcp(pass.tunables()));
  const Tick deadline = pass.now + timeoutOf(pass.tunables(), server.timeouts.get(), parsed.protocol, after);
  // That a connection has shown more is told at once where it may matter soon; elsewhere the table finds it out
  // when it looks at the entry next, within seconds. A template has to know at once.
  const bool mustTell = isRise(packets) && (conn->control.load(std::memory_order_relaxed) != 0 ||
                                            table(parsed.key.family).isNearlyFull(hash));
  if (after == before && reached(deadline, conn->expires.load(std::memory_order_relaxed)) && !mustTell) {
    conn->expires.store(deadline, std::memory_order_relaxed);
    return;
  }
  {
    ConnTable::Guard guard(table(parsed.key.family), hash);
    if (!conn->isLive()) return;  // it ended meanwhile
    updateLocked(pass, conn, server, parsed, hash);
  }
  const uint32_t controller = conn->control.load(std::memory_order_relaxed);
  if (controller != 0 && StandingJudge::isProven(*conn)) entries_.prove(parsed.key.family, controller);
}

void Connections::updateLocked(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed,
                               uint64_t hash) {
  const uint8_t after = nextState(parsed.protocol, conn->state.load(std::memory_order_relaxed), parsed.event,
                                  defence_.securesTcp(pass.tunables()));
  conn->state.store(after, std::memory_order_relaxed);
  const bool wasActive = isActiveConn(*conn);
  if (wasActive != isActiveState(parsed.protocol, after)) {
    server.state->active.fetch_add(wasActive ? -1 : 1, std::memory_order_seq_cst);
    server.state->inactive.fetch_add(wasActive ? 1 : -1, std::memory_order_seq_cst);
    conn->flags.fetch_xor(kConnInactive, std::memory_order_relaxed);
  }
  if (const uint32_t controller = conn->control.load(std::memory_order_relaxed);
      controller != 0 && isEstablished(parsed.protocol, after)) {
    entries_.assure(parsed.key.family, controller);
  }
  const Tick timeout = timeoutOf(pass.tunables(), server.timeouts.get(), parsed.protocol, after);
  entries_.moveLocked(conn, parsed.key.family, hash, pass.now + timeout, pass.now);
}

std::optional<Verdict> Connections::meetLocked(Pass& pass, const ParsedPacket& parsed, uint64_t hash, bool ends,
                                               const ServerView*& server, uint32_t& unused) {
  ConnTable& conns = entries_.table(parsed.key.family);
  Conn* known = conns.find(parsed.key, hash);
  if (known == nullptr) return std::nullopt;
  const ServerView* named = serverOf(pass.services, *known);
  const bool isOver = ConnTable::hasExpired(*known, pass.now);
  if (!isOver && named != nullptr && !mustEnd(*known, *named, parsed, pass.tunables())) {
    server = named;
    if (!named->available) return Verdict::dropServerGone;
    known->packets.store(known->packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    updateLocked(pass, known, *named, parsed, hash);
    return Verdict::forwarded;
  }
  if (!isOver && !ends) return std::nullopt;
  unused = entries_.unbind(pass.worker.stats, parsed.key.family, *known);
  conns.removeLocked(known, hash);
  (isOver ? pass.worker.stats.connectionsExpired : pass.worker.stats.connectionsDropped).add(1);
  return std::nullopt;
}

std::optional<Verdict> Connections::meet(Pass& pass, const ParsedPacket& parsed, uint64_t hash,
                                         const ServerView*& server) {
  uint32_t unused = 0;
  std::optional<Verdict> met;
  {
    ConnTable::Guard guard(table(parsed.key.family), hash);
    met = meetLocked(pass, parsed, hash, /*ends=*/false, server, unused);
  }
  if (unused != 0) entries_.relink(parsed.key.family, unused);
  return met;
}

Verdict Connections::open(Pass& pass, const ParsedPacket& parsed, uint64_t hash, const ServerView*& server,
                          PolicyTurn* turn) {
  if (const auto verdict = meet(pass, parsed, hash, server)) return *verdict;
  const ServiceView* service = nullptr;
  Templates::Affinity choice;
  const Verdict admitted = admit(pass, parsed, service, choice, turn);
  const bool isPassing = admitted == Verdict::forwarded && service->config.onePacket && parsed.protocol == kUdpProtocol;
  const TimeoutTicks* own = choice.server != nullptr ? choice.server->timeouts.get() : nullptr;
  const bool isAdopted = service != nullptr && isMidStream(parsed, service->config);
  const uint8_t state = nextState(parsed.protocol, isAdopted ? establishedState(parsed.protocol) : 0, parsed.event,
                                  defence_.securesTcp(pass.tunables()));
  const Tick deadline = pass.now + timeoutOf(pass.tunables(), own, parsed.protocol, state);
  uint32_t left = 0, unused = 0;
  std::optional<Verdict> met;
  Conn* made = nullptr;
  {
    ConnTable::Guard guard(table(parsed.key.family), hash);
    met = meetLocked(pass, parsed, hash, /*ends=*/true, server, left);
    if (!met && admitted == Verdict::forwarded && !isPassing)
      made = insertLocked(pass, parsed.key, hash, state, deadline, choice, unused);
  }
  if (left != 0) entries_.relink(parsed.key.family, left);
  if (admitted != Verdict::forwarded) return met.value_or(admitted);
  if (isPassing && !met) {
    entries_.bindPassing(*choice.server);
    if (choice.controller != 0) entries_.release(parsed.key.family, choice.controller);
    pool_.counters(pass.worker.index, choice.server->id).connections.add(1);
    server = choice.server;
    return Verdict::forwarded;
  }
  settle(pass, parsed.key, made, choice, unused);
  if (isAdopted && made != nullptr) pass.worker.stats.connectionsMidStream.add(1);
  if (met) return *met;
  server = choice.server;
  return made != nullptr ? Verdict::forwarded : Verdict::dropTableFull;
}

Verdict Connections::admit(Pass& pass, const ParsedPacket& parsed, const ServiceView*& service,
                           Templates::Affinity& choice, PolicyTurn* turn) {
  service = pass.services->find(parsed.key, pass.worker.mark);
  if (service == nullptr) return Verdict::dropNoService;
  if (!maySchedule(parsed, service->config, pass.tunables())) return Verdict::dropNotScheduled;
  const bool isFirstLook = turn == nullptr || turn->kind == PolicyTurn::Kind::ask;
  if (isFirstLook && pass.worker.dropPacket.picks(defence_.dropRate(pass.tunables()))) return Verdict::dropDefence;
  // What is mid-stream goes where the hash says, as on every director.
  if (isMidStream(parsed, service->config)) turn = nullptr;
  return choose(pass, *service, parsed.key, payloadOf(parsed), choice, turn);
}

const ServerView* Connections::openQuoted(Pass& pass, const FlowKey& flow, uint64_t hash) {
  const ServiceView* service = pass.services->find(flow, pass.worker.mark);
  if (service == nullptr) return nullptr;
  if (pass.worker.dropPacket.picks(defence_.dropRate(pass.tunables()))) return nullptr;
  Templates::Affinity choice;
  if (choose(pass, *service, flow, {}, choice, /*turn=*/nullptr) != Verdict::forwarded) return nullptr;
  uint32_t unused = 0;
  Conn* made = nullptr;
  {
    ConnTable::Guard guard(table(flow.family), hash);
    if (table(flow.family).find(flow, hash) == nullptr) {
      made = insertLocked(pass, flow, hash, 0, pass.now + ticksFromSeconds(kNewSeconds), choice, unused);
    }
  }
  settle(pass, flow, made, choice, unused);
  return made != nullptr ? choice.server : nullptr;
}

// FTP's data connections follow the control connection, and only persistence knows where that went.
Verdict Connections::withoutServer(const ServiceView& service, const FlowKey& flow) {
  const bool isFtpData = service.isFtp() && !service.takes(flow.virtualPort());
  return isFtpData ? Verdict::dropNotScheduled : Verdict::dropNoServer;
}

Verdict Connections::choose(Pass& pass, const ServiceView& service, const FlowKey& flow,
                            std::span<const uint8_t> payload, Templates::Affinity& choice, PolicyTurn* turn) {
  const bool isPersistent = service.config.isPersistent();
  if (!isPersistent && !service.takes(flow.virtualPort())) return withoutServer(service, flow);
  std::optional<TemplateName> name;
  if (isPersistent) {
    name = templateName(service, flow, payload);
    if (!name) return Verdict::dropNoCallId;
    choice = templates_.follow(pass, service, *name);
    if (choice.server != nullptr) return Verdict::forwarded;
  }
  if (turn != nullptr && service.policy.mustBeAsked(*turn)) return Verdict::parked;
  choice.server = service.schedule(flow, pass.now, pass.tunables(), turn);
  if (choice.server == nullptr) return withoutServer(service, flow);
  if (!isPersistent) return Verdict::forwarded;
  const auto made = templates_.make(pass, service, *name, *choice.server);
  if (!made) return Verdict::dropTableFull;
  choice = *made;
  return Verdict::forwarded;
}

Conn* Connections::insertLocked(Pass& pass, const FlowKey& flow, uint64_t hash, uint8_t state, Tick deadline,
                                const Templates::Affinity& choice, uint32_t& unused) {
  const bool active = isActiveState(flow.protocol(), state);
  const NewConn conn{.server = choice.server->id,
                     .expires = deadline,
                     .flags = active ? uint8_t{0} : uint8_t{kConnInactive},
                     .state = state,
                     .packets = 1,
                     .control = choice.controller};
  Conn* made = entries_.insertLocked(pass.worker.stats, flow, hash, conn, pass.now, unused);
  if (made == nullptr) return nullptr;
  entries_.bind(*choice.server, active);
  if (choice.controller != 0 && isEstablished(flow.protocol(), state)) entries_.assure(flow.family, choice.controller);
  return made;
}

void Connections::settle(Pass& pass, const FlowKey& flow, const Conn* made, const Templates::Affinity& choice,
                         uint32_t unused) {
  entries_.settle(pass.worker.stats, flow.family, unused);
  if (made == nullptr) {
    if (choice.controller != 0) entries_.release(flow.family, choice.controller);
    return;
  }
  pass.worker.stats.connectionsCreated.add(1);
  pool_.counters(pass.worker.index, choice.server->id).connections.add(1);
}

bool Connections::expire(size_t worker, size_t workers, WorkerStats& stats, ExpiryRound& round, Tick now, bool exact,
                         size_t budget) {
  // Their shards in turn.
  const uint32_t shards = shardsOfBoth();
  for (uint32_t looked = 0; looked < shards; looked++) {
    if (round.next >= shards) round.next = 0;
    const uint32_t shard = round.next / 2;
    const Family family = round.next % 2 == 0 ? Family::ipv4 : Family::ipv6;
    if (shard % workers == worker && !entries_.expire(stats, family, shard, now, exact, budget, round.unused))
      return false;
    round.next++;
  }
  return true;
}

void Connections::endEarly(WorkerStats& stats, Family family, const Conn& conn, std::vector<uint32_t>& unused) {
  if (!isTemplate(conn)) stats.connectionsDropped.add(1);
  if (const uint32_t controller = entries_.unbind(stats, family, conn)) unused.push_back(controller);
}

void Connections::dropEntries(size_t worker, size_t workers, WorkerStats& stats, DropEntry& entries, Tick now) {
  const ServiceTable* services = control_.table();
  const Tunables& tunables = services->tunables();
  const uint32_t ticks = entries.elapsed(now);
  if (!defence_.isOn(tunables.dropEntry, tunables)) return;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    ConnTable& conns = entries_.table(family);
    std::vector<uint32_t> unused;
    for (auto shard = static_cast<uint32_t>(worker); shard < conns.shardCount();
         shard += static_cast<uint32_t>(workers)) {
      conns.sample(shard, ticks, DropEntry::kSecondsPerTable * kTicksPerSecond, entries.random, [&](Conn& conn) {
        const ServerView* server = services->server(conn.server.load(std::memory_order_relaxed));
        if (server == nullptr || ConnTable::hasExpired(conn, now)) return false;
        const bool goes = isTemplate(conn) ? DropEntry::mayDropTemplate(conn, server->isOnePacket)
                                           : entries.mayDrop(conn, idleTicks(conn, *server, tunables, now));
        if (!goes) return false;
        endEarly(stats, family, conn, unused);
        return true;
      });
    }
    for (const uint32_t controller : unused) entries_.dropTemplate(stats, family, controller);
  }
}

void Connections::endUnavailable(WorkerStats& stats, const ServiceTable& services, Removal& removal, size_t holds) {
  std::vector<uint32_t> unused;
  for (; removal.left > 0 && holds > 0; holds--) {
    const uint32_t shards = table(Family::ipv4).shardCount();
    const Family family = removal.shard < shards ? Family::ipv4 : Family::ipv6;
    removal.unit = entries_.table(family).removeIf(removal.shard % shards, removal.unit, [&](Conn& conn) {
      const ServerView* server = services.server(conn.server.load(std::memory_order_relaxed));
      if (server == nullptr || server->available || Entries::isInUse(conn)) return false;
      endEarly(stats, family, conn, unused);
      return true;
    });
    for (const uint32_t controller : unused) entries_.dropTemplate(stats, family, controller, /*gone=*/true);
    unused.clear();
    if (removal.unit != 0) continue;
    removal.left--;
    removal.shard = removal.shard + 1 == 2 * shards ? 0 : removal.shard + 1;
  }
}

EndedSome Connections::endThoseOf(WorkerStats& stats, uint32_t server, uint64_t cursor, size_t holds) {
  // Of each family the connections, then the templates, when nothing counts on them any more.
  const uint32_t shards = table(Family::ipv4).shardCount();
  uint64_t round = cursor >> 32;
  auto unit = static_cast<uint32_t>(cursor);
  uint64_t ended = 0;
  std::vector<uint32_t> unused;
  for (; round < 4 * uint64_t{shards} && holds > 0; holds--) {
    const Family family = round < 2 * uint64_t{shards} ? Family::ipv4 : Family::ipv6;
    const bool ofTemplates = round / shards % 2 != 0;
    unit = entries_.table(family).removeIf(static_cast<uint32_t>(round % shards), unit, [&](Conn& conn) {
      const bool isMeant = conn.server.load(std::memory_order_relaxed) == server && isTemplate(conn) == ofTemplates;
      if (!isMeant || Entries::isInUse(conn)) return false;
      if (const uint32_t controller = entries_.unbind(stats, family, conn)) unused.push_back(controller);
      if (!ofTemplates) ended++;
      return true;
    });
    for (const uint32_t controller : unused) entries_.relink(family, controller);
    unused.clear();
    if (unit == 0) round++;
  }
  stats.connectionsDropped.add(ended);
  return {ended, round < 4 * uint64_t{shards} ? round << 32 | unit : UINT64_MAX};
}

ConnectionRow Connections::rowOf(const Conn& conn, Family family, const ServiceTable& services, Tick now) const {
  ConnectionRow row{};
  row.key = table(family).keyOf(conn);
  row.active = isActiveConn(conn);
  row.isTemplate = isTemplate(conn);
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  if (const ServerView* server = services.server(conn.server.load(std::memory_order_relaxed)))
    row.server = server->key();
  const uint16_t virtualPort = row.key.virtualPort().host();
  if (row.isTemplate) {
    row.controlled = conn.control.load(std::memory_order_relaxed);
    row.state = state == static_cast<uint8_t>(TemplateState::assured) ? "ASSURED" : "NONE";
    if (conn.kind == FlowKind::enginePersistence) {
      row.engineData = entries_.engineData().get(family, table(family).referenceOf(&conn));
      row.key = FlowKey::make(row.key.client(), {}, row.key.virtualAddress(), row.key.virtualPort(), row.key.protocol(),
                              row.key.kind());
    }
    const bool isFollowed = (conn.flags.load(std::memory_order_relaxed) & kConnInvalid) == 0;
    if (!isFollowed) {
      row.key = FlowKey::make(row.key.client(), {}, row.key.virtualAddress(), Be16::from(kNoPort), row.key.protocol(),
                              row.key.kind());
      row.server.port = kNoPort;
    } else if (virtualPort == 0) {
      row.server.port = 0;
    }
  } else {
    row.state = stateName(conn.protocol, state);
    if (row.server.port == 0) row.server.port = virtualPort;
  }
  const auto ticks = static_cast<int32_t>(conn.expires.load(std::memory_order_relaxed) - now);
  row.expiresMs = int64_t{ticks} * (1000 / kTicksPerSecond);
  return row;
}

}  // namespace tunvs
