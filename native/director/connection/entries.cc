#include "director/connection/entries.h"

#include <algorithm>

#include "director/connection/sync_teller.h"
#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

void addTo(std::atomic<int32_t>& counter, int32_t n) { counter.fetch_add(n, std::memory_order_seq_cst); }

bool isOverloadOver(const ServerState& state, const ServerConfig& config) {
  const int64_t total =
      int64_t{state.active.load(std::memory_order_seq_cst)} + state.inactive.load(std::memory_order_seq_cst);
  if (config.lowerThreshold != 0) return total < config.lowerThreshold;
  return config.upperThreshold == 0 || total * 4 < int64_t{config.upperThreshold} * 3;
}

size_t bytesOf(Family family, uint32_t capacity) {
  return (ConnTable::regionBytes(family, capacity) + 4095) / 4096 * 4096;
}

ConnTable tableIn(std::span<std::byte> region, Family family, uint32_t capacity, const HashSecret& secret, Tick now,
                  Epochs& epochs, bool isOld) {
  if (!isOld) return ConnTable::create(region, family, capacity, secret, now, epochs);
  return std::move(ConnTable::attach(region, now, epochs)).value();
}

}  // namespace

size_t Entries::regionBytes(uint32_t capacity) {
  return bytesOf(Family::ipv4, capacity) + bytesOf(Family::ipv6, capacity);
}

Result<void> Entries::checkRegion(std::span<std::byte> region, uint32_t capacity) {
  size_t at = 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const size_t bytes = bytesOf(family, capacity);
    if (region.size() < at + bytes) return Error::make(ErrorCode::invalidArgument, "the tables are cut short");
    const auto found = ConnRegion::attach(region.subspan(at, bytes));
    if (!found) return found.error();
    if (found.value().family() != family || found.value().capacity() != capacity)
      return Error::make(ErrorCode::invalidArgument, "the tables have another capacity");
    at += bytes;
  }
  return {};
}

Entries::Entries(uint32_t capacity, const HashSecret& secret, Tick now, std::span<std::byte> region, Control& control,
                 ServerPool& pool, Epochs& epochs, bool isOld, std::span<std::byte> notes)
    : v4_(tableIn(region.first(bytesOf(Family::ipv4, capacity)), Family::ipv4, capacity, secret, now, epochs, isOld)),
      v6_(tableIn(region.subspan(bytesOf(Family::ipv4, capacity)), Family::ipv6, capacity, secret, now, epochs, isOld)),
      persistenceData_(static_cast<uint32_t>(std::max(v4_.regionSize(), v6_.regionSize()) / sizeof(Conn))),
      notes_(notes),
      ftp_(notes_),
      told_(notes_),
      control_(control),
      pool_(pool) {}

// Judges the entries of one family, on behalf of one worker.
class Entries::Judge : public StandingJudge {
 public:
  Judge(Entries& entries, WorkerStats& stats, Family family, Tick now)
      : Judge(entries, *entries.control_.table(), stats, family, now) {}

  void evict(Conn& conn, Standing standing) {
    assert(!isInUse(conn));
    if (isTemplate(conn)) {
      stats_.templatesEvicted.add(1);
    } else {
      stats_.connectionsEvicted.add(1);
      counterOf(standing).add(1);
    }
    loose = entries_.unbind(stats_, family_, conn);
  }
  uint32_t onDue(Conn& conn) {
    loose = {};
    const uint32_t longer = entries_.onDue(stats_, family_, conn, loose);
    if (loose.isAny()) list->push_back(loose);
    if (longer != 0 && !isReplyEntry(conn)) {
      SyncTeller* const teller = entries_.syncTeller_.load(std::memory_order_acquire);
      if (teller != nullptr) teller->tellAgain(services_, family_, conn, now_);
    }
    return longer;
  }

  Loose loose;
  std::vector<Loose>* list = nullptr;  // onDue()'s list

 private:
  Judge(Entries& entries, const ServiceTable& services, WorkerStats& stats, Family family, Tick now)
      : StandingJudge(services, now),
        entries_(entries),
        services_(services),
        stats_(stats),
        family_(family),
        now_(now) {}
  Counter& counterOf(Standing standing) const {
    switch (standing) {
      case Standing::closing: return stats_.evictedClosing;
      case Standing::stale:
      case Standing::opening:
      case Standing::fresh: return stats_.evictedUnproven;
      default: return stats_.evictedIdle;
    }
  }

  Entries& entries_;
  const ServiceTable& services_;
  WorkerStats& stats_;
  Family family_;
  Tick now_;
};

Conn* Entries::insertLocked(WorkerStats& stats, const FlowKey& key, uint64_t hash, const NewConn& made, Tick now,
                            Loose& loose) {
  Judge judge(*this, stats, key.family, now);
  Conn* conn = table(key.family).insertLocked(key, hash, made, now, judge);
  loose = judge.loose;
  if (SyncCells* const cells = syncCells_.load(std::memory_order_acquire); cells != nullptr && conn != nullptr)
    cells->clear(key.family, table(key.family).referenceOf(conn));
  return conn;
}

uint32_t Entries::makeReply(WorkerStats& stats, const FlowKey& key, uint32_t controller, Tick now, bool mayHide,
                            uint8_t marks) {
  ConnTable& conns = table(key.family);
  const uint64_t hash = conns.hash(key);
  const NewConn fresh{.server = kReplyEntry,
                      .expires = now + kReplyLook,
                      .flags = kConnInactive,
                      .state = marks,
                      .packets = controller,
                      .control = kPendingReply};
  Loose loose;
  const Conn* made = nullptr;
  {
    ConnTable::Guard guard(conns, hash);
    Conn* known = conns.find(key, hash);
    if (known != nullptr && !(mayHide && isReplyEntry(*known))) return 0;
    if (known != nullptr) known->flags.fetch_or(kConnInvalid, std::memory_order_release);
    made = insertLocked(stats, key, hash, fresh, now, loose);
    if (made == nullptr && known != nullptr) known->flags.fetch_and(static_cast<uint8_t>(~kConnInvalid));
  }
  dropLoose(stats, key.family, loose);
  return made == nullptr ? 0 : conns.referenceOf(made);
}

void Entries::dropReply(Family family, uint32_t reply) {
  ConnTable& conns = table(family);
  Conn* conn = conns.named(reply);
  const FlowKey key = conns.keyOf(*conn);
  const uint64_t hash = conns.hash(key);
  ConnTable::Guard guard(conns, hash);
  assert(conn->isLive() && isReplyEntry(*conn));
  const bool wasHidden = (conn->flags.load(std::memory_order_relaxed) & kConnInvalid) != 0;
  conns.removeLocked(conn, hash);
  if (wasHidden) return;
  if (Conn* hidden = conns.findHiddenLocked(key, hash)) hidden->flags.fetch_and(static_cast<uint8_t>(~kConnInvalid));
}

Conn* Entries::connectionOf(Family family, const Conn& reply) const {
  const ConnTable& conns = table(family);
  const uint32_t name = reply.control.load(std::memory_order_acquire);
  if (name == kPendingReply) return nullptr;
  Conn* conn = conns.named(name);
  const bool isOwn = conn->isLive() && isTranslated(*conn) &&
                     conn->control.load(std::memory_order_relaxed) == conns.referenceOf(&reply);
  return isOwn ? conn : nullptr;
}

Conn* Entries::openLocked(WorkerStats& stats, const FlowKey& flow, uint64_t hash, uint8_t state, Tick deadline,
                          Tick now, const Opening& opening, Loose& loose) {
  const bool active = isActiveState(flow.protocol(), state);
  const bool isRewritten = opening.reply != 0;
  const NewConn conn{.server = opening.server->id | (isRewritten ? kTranslated : 0),
                     .expires = deadline,
                     .flags = active ? uint8_t{0} : uint8_t{kConnInactive},
                     .state = state,
                     .packets = 1,
                     .control = isRewritten ? opening.reply : opening.controller};
  Conn* made = insertLocked(stats, flow, hash, conn, now, loose);
  if (made == nullptr) return nullptr;
  const ConnTable& conns = table(flow.family);
  if (isRewritten) conns.named(opening.reply)->control.store(conns.referenceOf(made), std::memory_order_release);
  bind(*opening.server, active);
  return made;
}

void Entries::finishOpening(WorkerStats& stats, Family family, bool made, const Opening& opening, Loose loose) {
  dropLoose(stats, family, loose);
  if (made) {
    stats.connectionsCreated.add(1);
    return;
  }
  if (opening.reply != 0) dropReply(family, opening.reply);
  if (opening.controller != 0) release(family, opening.controller);
}

void Entries::bind(const ServerView& server, bool active) {
  ServerState& state = *server.state;
  addTo(active ? state.active : state.inactive, 1);
  addTo(pool_.references(server.id), 1);
  if (server.config.upperThreshold == 0 || state.connections() < server.config.upperThreshold) return;
  state.overloaded.store(true, std::memory_order_seq_cst);
  // The connections that made it overloaded may have ended before they could see the mark; then nobody would remove it.
  if (isOverloadOver(state, server.config)) state.overloaded.store(false, std::memory_order_relaxed);
}

void Entries::bindTemplate(const ServerView& server) {
  addTo(server.state->persistent, 1);
  addTo(pool_.references(server.id), 1);
}

void Entries::bindPassing(const ServerView& server) {
  bind(server, /*active=*/false);
  unbindServer(server.id, /*active=*/false);
}

void Entries::unbindServer(uint32_t id, bool active) {
  ServerState& state = pool_.state(id);
  addTo(active ? state.active : state.inactive, -1);
  if (state.overloaded.load(std::memory_order_seq_cst)) {
    const ServerView* server = control_.table()->server(id);
    if (server == nullptr || isOverloadOver(state, server->config))
      state.overloaded.store(false, std::memory_order_relaxed);
  }
  // This comes last: from here on the id may be released.
  pool_.references(id).fetch_sub(1, std::memory_order_release);
}

Loose Entries::unbind(WorkerStats& stats, Family family, const Conn& conn) {
  assert(!isReplyEntry(conn));
  const uint32_t id = serverIdOf(conn);
  if (isTemplate(conn)) {
    stats.templatesEnded.add(1);
    if (conn.kind == FlowKind::enginePersistence) persistenceData_.erase(family, table(family).referenceOf(&conn));
    addTo(pool_.state(id).persistent, -1);
    pool_.references(id).fetch_sub(1, std::memory_order_release);
    return {};
  }
  Loose loose;
  if (isTranslated(conn)) {
    loose.reply = conn.control.load(std::memory_order_relaxed);
    if (const uint8_t marks = table(family).named(loose.reply)->state.load(std::memory_order_relaxed)) [[unlikely]] {
      if ((marks & kReplyExpected) != 0) ftp_.expected.fetch_sub(1, std::memory_order_relaxed);
      if ((marks & kReplyOfFtp) != 0) ftp_.sessions.forget(family, loose.reply);
      if ((marks & kReplyTold) != 0) told_.forget(family, loose.reply);
    }
  }
  const uint32_t controller = controllerOf(family, conn);
  unbindServer(id, isActiveConn(conn));
  if (controller == 0) return loose;
  const uint32_t before = table(family).named(controller)->control.fetch_sub(1, std::memory_order_acq_rel);
  if (before == 1) loose.controller = controller;
  return loose;
}

uint32_t Entries::onDue(WorkerStats& stats, Family family, Conn& conn, Loose& loose) {
  if (isReplyEntry(conn)) return kReplyLook;
  if (isInUse(conn)) {
    conn.packets.store(ticksFromSeconds(kInUseSeconds), std::memory_order_relaxed);
    return ticksFromSeconds(kInUseSeconds);
  }
  if (hasFtpData(family, conn)) return ticksFromSeconds(kInUseSeconds);
  if (!isTemplate(conn)) stats.connectionsExpired.add(1);
  loose = unbind(stats, family, conn);
  return 0;
}

bool Entries::hasFtpData(Family family, const Conn& conn) const {
  if (!isTranslated(conn)) return false;
  const uint32_t reply = conn.control.load(std::memory_order_relaxed);
  const uint8_t marks = table(family).named(reply)->state.load(std::memory_order_relaxed);
  return (marks & kReplyOfFtp) != 0 && ftp_.sessions.hasData(family, reply);
}

bool Entries::expire(WorkerStats& stats, Family family, uint32_t shard, Tick now, bool exact, size_t& budget,
                     std::vector<Loose>& loose) {
  loose.clear();
  Judge judge(*this, stats, family, now);
  judge.list = &loose;
  const bool isDone = table(family).expire(shard, now, exact, budget, judge);
  for (const Loose& each : loose) settleLoose(family, each);
  return isDone;
}

void Entries::relinkLocked(ConnTable& conns, Conn& conn, uint64_t hash) {
  conns.moveLocked(&conn, hash, StandingJudge(*control_.table(), conns.timeLocked(hash)).place(conn));
}

void Entries::relink(Family family, uint32_t controller) {
  ConnTable& conns = table(family);
  Conn* conn = conns.named(controller);
  const uint64_t hash = conns.hash(conns.keyOf(*conn));
  ConnTable::Guard guard(conns, hash);
  if (!conn->isLive() || !isTemplate(*conn)) return;
  relinkLocked(conns, *conn, hash);
}

void Entries::prove(Family family, uint32_t controller) {
  auto& flags = table(family).named(controller)->flags;
  if ((flags.load(std::memory_order_relaxed) & kConnProven) != 0) return;
  flags.fetch_or(kConnProven, std::memory_order_relaxed);
  relink(family, controller);
}

void Entries::dropTemplate(WorkerStats& stats, Family family, uint32_t controller, bool gone) {
  ConnTable& conns = table(family);
  Conn* conn = conns.named(controller);
  const uint64_t hash = conns.hash(conns.keyOf(*conn));
  ConnTable::Guard guard(conns, hash);
  if (!conn->isLive() || !isTemplate(*conn) || isInUse(*conn)) return;
  if (!gone && conn->state.load(std::memory_order_relaxed) == static_cast<uint8_t>(TemplateState::assured)) {
    relinkLocked(conns, *conn, hash);
    return;
  }
  unbind(stats, family, *conn);
  conns.removeLocked(conn, hash);
}

void Entries::endEarly(WorkerStats& stats, Family family, const Conn& conn, std::vector<Loose>& loose) {
  if (!isTemplate(conn)) stats.connectionsDropped.add(1);
  if (const Loose left = unbind(stats, family, conn); left.isAny()) loose.push_back(left);
}

}  // namespace tunvs
