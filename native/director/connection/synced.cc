#include "director/connection/synced.h"

#include <algorithm>

#include "core/siphash.h"
#include "director/protocol/protocol_state.h"
#include "director/protocol/sync_turns.h"

namespace tunvs {
namespace {

// Returns how long an entry lives from now on, as its record says.
Tick timeoutIn(const SyncRecord& record, const Tunables& tunables, const TimeoutTicks* own) {
  if (record.timeoutSeconds != 0) return ticksFromSeconds(std::min(record.timeoutSeconds, kMaxTimeoutSeconds));
  if (record.isTemplate()) return ticksFromSeconds(Synced::kTemplateSeconds);
  return timeoutOf(tunables, own, record.protocol, static_cast<uint8_t>(record.state));
}

// Returns how many packets the connection is taken to have had: so many that this director, as a master, tells of it
// when it would be its turn, and enough for one that has shown something.
uint32_t packetsOf(const Tunables& tunables) {
  auto packets = static_cast<uint32_t>(tunables.syncThreshold);
  const auto period = static_cast<uint32_t>(tunables.syncPeriod);
  if (packets >= kProvenPackets) return packets;
  if (period == 0) return kProvenPackets;
  return packets + (kProvenPackets - packets + period - 1) / period * period;
}

bool isInactive(const SyncRecord& record) { return (record.flags & kSyncInactive) != 0; }

ForwardingMethod methodOf(const SyncRecord& record) {
  switch (record.method()) {
    case SyncMethod::masquerade: return ForwardingMethod::nat;
    case SyncMethod::local: return ForwardingMethod::local;
    case SyncMethod::direct: return ForwardingMethod::dr;
    default: return ForwardingMethod::ipip;
  }
}

FlowKey flowOf(const SyncRecord& record) {
  return FlowKey::make(record.client, Be16::from(record.clientPort), record.virtualAddress,
                       Be16::from(record.virtualPort), record.protocol);
}

// Returns the name of a record's template, as the service has it.
TemplateName nameOf(const SyncRecord& record, const ServiceView* service) {
  FlowKind kind = FlowKind::persistence;
  TemplateName name;
  if (!record.engineData.empty()) {
    kind = FlowKind::enginePersistence;
    name.data = record.engineData;
    name.dataHash = sipHash13(SipKey{}, {reinterpret_cast<const uint8_t*>(name.data.data()), name.data.size()});
  } else if (service != nullptr && (service->key.hasPrefix() || service->key.hasRange())) {
    kind = FlowKind::rangePersistence;
  }
  name.key = FlowKey::make(record.client, Be16::from(record.clientPort), record.virtualAddress,
                           Be16::from(record.virtualPort), record.protocol, kind);
  return name;
}

}  // namespace

Synced::Target Synced::targetOf(const ServiceTable& services, const SyncRecord& record, const FlowKey& flow) const {
  const ServiceView* const service = services.find(flow, record.mark);
  if (service == nullptr) return {};
  const auto at = [&](uint16_t port) -> const ServerView* {
    const ServerKey key{record.server, port};
    if (const auto found = service->indexOf(key)) return service->owned[*found].get();
    return services.awaited(service->key, key);
  };
  const ServerView* server = at(record.serverPort);
  // A server of every port, or of a mark, has none of its own.
  return {service, server != nullptr ? server : at(0)};
}

void Synced::want(const ServiceView& service, const SyncRecord& record) {
  // Of a server whose packets are rewritten, the host would have to know. It waits for the real one.
  const ForwardingMethod method = methodOf(record);
  if (traitsOf(method).rewrites()) return;
  const bool isOfEveryPort = service.key.isMark() || service.key.port == 0;
  const WantedServer wanted{service.key, {record.server, isOfEveryPort ? uint16_t{0} : record.serverPort}, method};
  const std::scoped_lock guard(wantedMutex_);
  if (wanted_.size() < kMostWanted && std::ranges::find(wanted_, wanted) == wanted_.end()) wanted_.push_back(wanted);
}

std::vector<WantedServer> Synced::wanted() {
  const std::scoped_lock guard(wantedMutex_);
  return std::exchange(wanted_, {});
}

SyncOutcome Synced::take(Pass& pass, SyncCells& cells, const SyncRecord& record, SyncOrigin origin) {
  origin_ = origin;
  const Tick until = pass.now + timeoutIn(record, pass.tunables(), nullptr);
  bool waits = false;
  const SyncOutcome outcome = takeOnce(pass, cells, record, until, waits);
  const FlowKey key = record.isTemplate() ? nameOf(record, nullptr).variant(0) : flowOf(record);
  if (waits) {
    const bool hasRoom = waiting_.keep(key, record, until, pass.now);
    waitingCount_.store(waiting_.size(), std::memory_order_relaxed);
    return hasRoom ? outcome : SyncOutcome::noRoom;
  }
  if (waiting_.size() != 0) {
    waiting_.forget(key);
    waitingCount_.store(waiting_.size(), std::memory_order_relaxed);
  }
  return outcome;
}

void Synced::retry(Pass& pass, SyncCells& cells) {
  const uint64_t generation = pass.services->generation();
  const bool isDue = pass.now - retriedAt_ >= kTicksPerSecond;
  if (waiting_.size() == 0 || generation == seenGeneration_ || !isDue) return;
  origin_ = {};
  seenGeneration_ = generation;
  retriedAt_ = pass.now;
  waiting_.retry(pass.now, [&](const SyncRecord& record, Tick deadline) {
    bool waits = false;
    takeOnce(pass, cells, record, deadline, waits);
    return waits;
  });
  waitingCount_.store(waiting_.size(), std::memory_order_relaxed);
}

// `deadline` is the entry's, unless the state's own timeout is to hold. `waits` tells whether the record is to be kept.
SyncOutcome Synced::takeOnce(Pass& pass, SyncCells& cells, const SyncRecord& record, Tick deadline, bool& waits) {
  if (!isUnicast(record.server)) return SyncOutcome::badServer;
  const FlowKey flow = flowOf(record);
  const Target target = targetOf(*pass.services, record, flow);
  if (target.server == nullptr) {
    waits = true;
    if (target.service != nullptr) want(*target.service, record);
    return SyncOutcome::waiting;
  }
  if (record.isTemplate()) return takeTemplate(pass, cells, record, nameOf(record, target.service), target, deadline);
  if (record.timeoutSeconds == 0)
    deadline = pass.now + timeoutIn(record, pass.tunables(), target.server->timeouts.get());
  return takeConnection(pass, cells, record, flow, target, deadline);
}

// ---- connections ----

Tick Synced::timeoutHere(const Pass& pass, const Conn& conn) const {
  const ServerView* const server = pass.services->server(serverIdOf(conn));
  return timeoutOf(pass.tunables(), server == nullptr ? nullptr : server->timeouts.get(), conn.protocol,
                   conn.state.load(std::memory_order_relaxed));
}

bool Synced::isLocal(const Pass& pass, const SyncCells& cells, Family family, const Conn& conn) const {
  const Tick expires = conn.expires.load(std::memory_order_relaxed);
  const SyncCell cell = cells.load(family, entries_.table(family).referenceOf(&conn));
  if (cell.isSynced != 0 && cell.expiry == expires) return false;
  if (cell.isLeaving != 0 && cell.expiry == expires) return true;
  return !reached(pass.now, expires - timeoutHere(pass, conn) + kLocalTicks);
}

// Has an entry live for the rest of its minute, as the connection has ended at the peer. Packets that still come here
// show that it has not, and the entry lives as long as ever.
void Synced::leaveLocked(Pass& pass, SyncCells& cells, Family family, Conn& conn, uint64_t hash) {
  Tick expires = conn.expires.load(std::memory_order_relaxed);
  const uint32_t reference = entries_.table(family).referenceOf(&conn);
  SyncCell cell = cells.load(family, reference);
  if (cell.isLeaving != 0 && cell.expiry == expires) return;
  const Tick until = expires - timeoutHere(pass, conn) + kLocalTicks;
  if (reached(until, expires) || !entries_.shortenLocked(&conn, family, hash, expires, until, pass.now)) return;
  cell.expiry = until;
  cell.isTold = cell.isSynced = 0;
  cell.isLeaving = 1;
  cells.store(family, reference, cell);
}

// Brings an entry up to what a record says.
void Synced::setLocked(Pass& pass, SyncCells& cells, const SyncRecord& record, Conn& conn, uint64_t hash,
                       const ServerView& server, Tick deadline) {
  const Family family = record.family();
  conn.state.store(static_cast<uint8_t>(record.state), std::memory_order_seq_cst);
  conn.flags.fetch_and(static_cast<uint8_t>(~(kConnFast | kConnTold)));
  const bool wasActive = isActiveConn(conn);
  if (wasActive == isInactive(record)) {
    server.state->active.fetch_add(wasActive ? -1 : 1, std::memory_order_seq_cst);
    server.state->inactive.fetch_add(wasActive ? 1 : -1, std::memory_order_seq_cst);
    conn.flags.fetch_xor(kConnInactive, std::memory_order_relaxed);
  }
  conn.packets.store(packetsOf(pass.tunables()), std::memory_order_relaxed);
  entries_.moveLocked(&conn, family, hash, deadline, pass.now);
  if (isTranslated(conn)) entries_.proveReply(family, conn);
  SyncCell cell;
  cell.expiry = deadline;
  cell.state = static_cast<uint8_t>(record.state);
  cell.isSynced = 1;
  cell.packets = origin_.isTransfer ? 0 : origin_.transfer;
  cells.store(family, entries_.table(family).referenceOf(&conn), cell);
}

std::optional<SyncOutcome> Synced::meetLocked(Pass& pass, SyncCells& cells, const SyncRecord& record,
                                              const FlowKey& flow, uint64_t hash, const ServerView& server,
                                              Tick deadline, Loose& loose) {
  ConnTable& conns = entries_.table(flow.family);
  Conn* const known = conns.find(flow, hash);
  if (known == nullptr) return std::nullopt;
  // It is what a real server answers to a connection here.
  if (isReplyEntry(*known)) return SyncOutcome::keptLocal;
  if (!entries_.isOver(flow.family, *known, pass.now)) {
    bool isSame = serverIdOf(*known) == server.id && isTranslated(*known) == server.traits->rewrites();
    if (isSame && isTranslated(*known)) {
      const FlowKey reply = conns.keyOf(*conns.named(known->control.load(std::memory_order_relaxed)));
      isSame = reply.client() == record.server && reply.clientPort().host() == record.serverPort;
    }
    const bool isEnding = phaseOf(flow.protocol(), known->state.load(std::memory_order_relaxed)) == Phase::closing;
    const bool hasEnded = phaseOf(record.protocol, static_cast<uint8_t>(record.state)) == Phase::closing;
    // What ends here gives way to another connection of the peer's. To the same server it may be this one, told before
    // its end.
    const bool mayTake = isEnding && (hasEnded || !isSame);
    if (!mayTake && isLocal(pass, cells, flow.family, *known)) {
      if (isSame && hasEnded) leaveLocked(pass, cells, flow.family, *known, hash);
      return SyncOutcome::keptLocal;
    }
    const SyncCell cell = cells.load(flow.family, conns.referenceOf(known));
    if (origin_.isTransfer && cell.isSynced != 0 && cell.packets == origin_.transfer) return SyncOutcome::outOfDate;
    if (isSame) {
      setLocked(pass, cells, record, *known, hash, server, deadline);
      return SyncOutcome::updated;
    }
    if (isInactive(record)) return SyncOutcome::outOfDate;
    pass.worker.stats.connectionsDropped.add(1);
  } else {
    pass.worker.stats.connectionsExpired.add(1);
  }
  loose = entries_.unbind(pass.worker.stats, flow.family, *known);
  conns.removeLocked(known, hash);
  return std::nullopt;
}

uint32_t Synced::join(Pass& pass, const ServiceView& service, const FlowKey& flow, const ServerView& server) {
  if (!service.config.isPersistent()) return 0;
  const auto name = templateName(service, flow, {});
  if (!name) return 0;
  ConnTable& conns = entries_.table(flow.family);
  const uint64_t hash = conns.hash(name->key);
  ConnTable::Guard guard(conns, hash);
  Conn* const found = conns.find(name->key, hash);
  if (found == nullptr || serverIdOf(*found) != server.id || found->hasExpired(pass.now)) return 0;
  found->control.fetch_add(1, std::memory_order_acq_rel);
  entries_.moveLocked(found, flow.family, hash, found->expires.load(std::memory_order_relaxed), pass.now);
  return conns.referenceOf(found);
}

// Goes on with what a control connection's numbers were shifted by. Call it under the lock of the connection's shard.
void Synced::resumeFtp(const SyncRecord& record, Family family, const Conn& conn, uint32_t reply) {
  if (!record.sequences || !conn.isLive()) return;
  const SyncSequence& output = record.sequences->output;
  entries_.table(family).named(reply)->state.fetch_or(kReplyOfFtp);
  entries_.ftp().sessions.begin(family, reply);
  entries_.ftp().sessions.with(family, reply, [&](FtpSessions::Control& control) {
    // What was replaced is not said, but its first byte.
    control.shift.older = {0, 0, output.previousDelta};
    control.shift.newest = {output.initial, 1, output.previousDelta};
    control.shift.after = output.delta;
  });
}

SyncOutcome Synced::takeConnection(Pass& pass, SyncCells& cells, const SyncRecord& record, const FlowKey& flow,
                                   const Target& target, Tick deadline) {
  const ServerView& server = *target.server;
  if (server.traits->takesSource) return SyncOutcome::fullNat;
  const Family family = flow.family;
  ConnTable& conns = entries_.table(family);
  const uint64_t hash = conns.hash(flow);
  WorkerStats& stats = pass.worker.stats;
  Loose left;
  std::optional<SyncOutcome> met;
  {
    ConnTable::Guard guard(conns, hash);
    met = meetLocked(pass, cells, record, flow, hash, server, deadline, left);
  }
  entries_.settleLoose(family, left);
  if (met) return *met;
  if (conns.isNearlyFull(hash)) return SyncOutcome::noRoom;
  Entries::Opening opening{&server, join(pass, *target.service, flow, server)};
  const bool isExpected = (record.flags & kSyncNoClientPort) != 0 && flow.protocol() == kTcpProtocol;
  if (server.traits->rewrites()) {
    Verdict why;
    const uint8_t marks = isExpected ? kReplyExpected | kReplyOfFtp : 0;
    opening.reply = translations_.reserve(pass, server, flow, {record.server, Be16::from(record.serverPort)},
                                          opening.controller, why, {.marks = marks});
    if (opening.reply == 0) {
      if (opening.controller != 0) entries_.release(family, opening.controller);
      return SyncOutcome::noRoom;
    }
  }
  Loose evicted;
  Conn* made = nullptr;
  bool isMet = false;
  {
    ConnTable::Guard guard(conns, hash);
    // A packet may have opened it meanwhile.
    isMet = conns.find(flow, hash) != nullptr;
    if (!isMet) {
      made = entries_.openLocked(stats, flow, hash, static_cast<uint8_t>(record.state), deadline, pass.now, opening,
                                 evicted);
    }
    if (made != nullptr) {
      setLocked(pass, cells, record, *made, hash, server, deadline);
      if (opening.reply != 0 && isExpected) entries_.ftp().expected.fetch_add(1, std::memory_order_relaxed);
      if (opening.reply != 0 && target.service->key.isFtp()) resumeFtp(record, family, *made, opening.reply);
    }
  }
  entries_.finishOpening(stats, family, made != nullptr, opening, evicted);
  return made != nullptr ? SyncOutcome::made : isMet ? SyncOutcome::keptLocal : SyncOutcome::noRoom;
}

// ---- templates ----

SyncOutcome Synced::setTemplateLocked(Pass& pass, SyncCells& cells, const SyncRecord& record, Conn& conn, uint64_t hash,
                                      Tick deadline) {
  const Family family = record.family();
  const uint32_t reference = entries_.table(family).referenceOf(&conn);
  const SyncCell known = cells.load(family, reference);
  const Tick expires = conn.expires.load(std::memory_order_relaxed);
  const bool isOwn = known.isSynced == 0 || known.expiry != expires;
  // Connections here may go by it: it lives no shorter than they want.
  const Tick until = isOwn && reached(expires, deadline) ? expires : deadline;
  conn.packets.store(timeoutIn(record, pass.tunables(), nullptr), std::memory_order_relaxed);
  if (record.state != 0) conn.state.store(static_cast<uint8_t>(TemplateState::assured), std::memory_order_relaxed);
  entries_.moveLocked(&conn, family, hash, until, pass.now);
  SyncCell cell = known;
  cell.expiry = until;
  cell.isSynced = isOwn && until == expires ? 0 : 1;
  cell.isTold = 0;
  cells.store(family, reference, cell);
  return SyncOutcome::updated;
}

SyncOutcome Synced::takeTemplate(Pass& pass, SyncCells& cells, const SyncRecord& record, const TemplateName& name,
                                 const Target& target, Tick deadline) {
  const ServerView& server = *target.server;
  WorkerStats& stats = pass.worker.stats;
  for (size_t i = 0; i < name.variants(); i++) {
    const FlowKey key = name.variant(i);
    ConnTable& conns = entries_.table(key.family);
    const uint64_t hash = conns.hash(key);
    Loose loose;
    SyncOutcome outcome = SyncOutcome::made;
    {
      ConnTable::Guard guard(conns, hash);
      Conn* const known = conns.find(key, hash);
      if (known != nullptr && !name.data.empty() &&
          !entries_.persistenceData().is(key.family, conns.referenceOf(known), name.data))
        continue;  // another template is in the way
      if (known != nullptr && serverIdOf(*known) == server.id)
        return setTemplateLocked(pass, cells, record, *known, hash, deadline);
      if (known != nullptr && Entries::isInUse(*known)) return SyncOutcome::keptLocal;
      if (known != nullptr) {
        entries_.unbind(stats, key.family, *known);
        conns.removeLocked(known, hash);
      }
      if (conns.isNearlyFull(hash)) return SyncOutcome::noRoom;
      const NewConn fresh{.server = server.id,
                          .expires = deadline,
                          .flags = kConnInactive,
                          .state = static_cast<uint8_t>(record.state),
                          .packets = timeoutIn(record, pass.tunables(), nullptr)};
      const Conn* const made = entries_.insertLocked(stats, key, hash, fresh, pass.now, loose);
      if (made == nullptr) {
        outcome = SyncOutcome::noRoom;
      } else {
        entries_.bindTemplate(server);
        stats.templatesCreated.add(1);
        const uint32_t reference = conns.referenceOf(made);
        if (!name.data.empty()) entries_.persistenceData().set(key.family, reference, name.data);
        SyncCell cell;
        cell.expiry = deadline;
        cell.isSynced = 1;
        cells.store(key.family, reference, cell);
      }
    }
    entries_.dropLoose(stats, key.family, loose);
    return outcome;
  }
  return SyncOutcome::noRoom;
}

}  // namespace tunvs
