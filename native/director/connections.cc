#include "director/connections.h"

namespace tunvs {
namespace {

constexpr uint16_t kFtpDataPort = 20;

void addOne(std::atomic<int32_t>& counter, int32_t n) { counter.fetch_add(n, std::memory_order_seq_cst); }

bool isActiveConn(const Conn& conn) { return (conn.flags.load(std::memory_order_relaxed) & kConnInactive) == 0; }

bool isOverloadOver(const ServerState& state, const ServerConfig& config) {
  const int64_t total =
      int64_t{state.active.load(std::memory_order_seq_cst)} + state.inactive.load(std::memory_order_seq_cst);
  if (config.lowerThreshold != 0) return total < config.lowerThreshold;
  return config.upperThreshold == 0 || total * 4 < int64_t{config.upperThreshold} * 3;
}

size_t bytesOf(Family family, uint32_t capacity) {
  return (ConnTable::regionBytes(family, capacity) + 4095) / 4096 * 4096;
}

}  // namespace

size_t Connections::regionBytes(uint32_t capacity) {
  return bytesOf(Family::ipv4, capacity) + bytesOf(Family::ipv6, capacity);
}

Connections::Connections(const Options& options, std::span<std::byte> region, Control& control, ServerPool& pool,
                         Epochs& epochs)
    : v4_(ConnTable::create(region.first(bytesOf(Family::ipv4, options.capacity)), Family::ipv4, options.capacity,
                            options.secret, options.now, epochs)),
      v6_(ConnTable::create(region.subspan(bytesOf(Family::ipv4, options.capacity)), Family::ipv6, options.capacity,
                            options.secret, options.now, epochs)),
      control_(control),
      pool_(pool),
      epochs_(epochs) {}

// Whether a packet of no connection may begin one.
bool Connections::maySchedule(const ParsedPacket& parsed, const Tunables& tunables) {
  if (parsed.key.clientPort().host() == kFtpDataPort) return false;
  switch (parsed.protocol) {
    case kTcpProtocol:
      if (parsed.event == static_cast<uint8_t>(TcpEvent::rst)) return false;
      return isOpening(parsed) || tunables.sloppyTcp != 0;
    case kSctpProtocol:
      if (parsed.event == static_cast<uint8_t>(SctpEvent::abort)) return false;
      return isOpening(parsed) || tunables.sloppySctp != 0;
    default: return true;
  }
}

bool Connections::mustEndOpening(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                                 const Tunables& tunables) {
  if (!server.available) return tunables.expireNodestConn != 0;
  if (!isOpening(parsed)) return false;
  if (tunables.expireNodestConn != 0 && server.weight == 0) return true;
  if (tunables.connReuseMode == 0) return false;
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  if (parsed.protocol == kSctpProtocol) return static_cast<SctpState>(state) == SctpState::closed;
  switch (static_cast<TcpState>(state)) {
    case TcpState::timeWait:
    case TcpState::close: return true;
    case TcpState::finWait: return (tunables.connReuseMode & 2) != 0;
    default: return false;
  }
}

void Connections::update(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Tick now,
                         const Tunables& tunables) {
  conn->packets.store(conn->packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const uint8_t before = conn->state.load(std::memory_order_relaxed);
  const uint8_t after = nextState(parsed.protocol, before, parsed.event);
  const Tick deadline = now + timeoutOf(tunables, parsed.protocol, after);
  // Later than the deadline that the wheel knows: it will find out by itself.
  if (after == before && reached(deadline, conn->expires.load(std::memory_order_relaxed))) {
    conn->expires.store(deadline, std::memory_order_relaxed);
    return;
  }
  ConnTable& conns = table(parsed.key.family);
  ConnTable::Guard guard(conns, hash);
  if (conn->isLive()) updateLocked(conn, server, parsed, hash, now, tunables);  // else it ended meanwhile
}

void Connections::updateLocked(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash,
                               Tick now, const Tunables& tunables) {
  const uint8_t after = nextState(parsed.protocol, conn->state.load(std::memory_order_relaxed), parsed.event);
  conn->state.store(after, std::memory_order_relaxed);
  const bool wasActive = isActiveConn(*conn);
  if (wasActive != isActiveState(parsed.protocol, after)) {
    addOne(server.state->active, wasActive ? -1 : 1);
    addOne(server.state->inactive, wasActive ? 1 : -1);
    conn->flags.fetch_xor(kConnInactive, std::memory_order_relaxed);
  }
  table(parsed.key.family).setDeadlineLocked(conn, hash, now + timeoutOf(tunables, parsed.protocol, after));
}

void Connections::bind(const ServerView& server, bool active) {
  ServerState& state = *server.state;
  addOne(active ? state.active : state.inactive, 1);
  addOne(pool_.references(server.id), 1);
  if (server.config.upperThreshold == 0 || state.connections() < server.config.upperThreshold) return;
  state.overloaded.store(true, std::memory_order_seq_cst);
  // Those that made it so many may have gone before they could see the mark, and nobody come to take it off again.
  if (isOverloadOver(state, server.config)) state.overloaded.store(false, std::memory_order_relaxed);
}

void Connections::unbind(const Conn& conn) {
  const uint32_t id = conn.server.load(std::memory_order_relaxed);
  ServerState& state = pool_.state(id);
  addOne(isActiveConn(conn) ? state.active : state.inactive, -1);
  if (state.overloaded.load(std::memory_order_seq_cst)) {
    const ServerView* server = control_.table()->server(id);
    if (server == nullptr || isOverloadOver(state, server->config))
      state.overloaded.store(false, std::memory_order_relaxed);
  }
  // Last: from here on the id may be released.
  pool_.references(id).fetch_sub(1, std::memory_order_release);
}

Verdict Connections::open(size_t worker, WorkerStats& stats, const ServiceTable*& services, const ParsedPacket& parsed,
                          uint64_t hash, Tick now, const ServerView*& server) {
  ConnTable& conns = table(parsed.key.family);
  ConnTable::Guard guard(conns, hash);
  // Another worker may have opened or ended it since the lookup.
  if (Conn* known = conns.find(parsed.key, hash); known != nullptr) {
    const ServerView* named = serverOf(services, *known);
    const bool isOver = ConnTable::hasExpired(*known, now);
    if (!isOver && named != nullptr && !mustEnd(*known, *named, parsed, services->tunables())) {
      server = named;
      if (!named->available) return Verdict::dropServerGone;
      known->packets.store(known->packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      updateLocked(known, *named, parsed, hash, now, services->tunables());
      return Verdict::forwarded;
    }
    unbind(*known);
    conns.removeLocked(known, hash);
    (isOver ? stats.connectionsExpired : stats.connectionsDropped).add(1);
  }

  const ServiceView* service = services->find(parsed.key);
  if (service == nullptr) return Verdict::dropNoService;
  const Tunables& tunables = services->tunables();
  if (!maySchedule(parsed, tunables)) return Verdict::dropNotScheduled;
  server = service->schedule(parsed.key, now, tunables);
  if (server == nullptr) return Verdict::dropNoServer;

  const uint8_t state = nextState(parsed.protocol, 0, parsed.event);
  const bool active = isActiveState(parsed.protocol, state);
  const Tick deadline = now + timeoutOf(tunables, parsed.protocol, state);
  bool hasEvicted = false;
  Conn* conn =
      conns.insertLocked(parsed.key, hash, server->id, active ? 0 : kConnInactive, deadline, [&](Conn& victim) {
        unbind(victim);
        stats.connectionsEvicted.add(1);
        return hasEvicted = true;
      });
  // What was evicted is needed again soon: the room for those that wait is small.
  if (hasEvicted) epochs_.advance();
  if (conn == nullptr) return Verdict::dropTableFull;
  conn->state.store(state, std::memory_order_relaxed);
  conn->packets.store(1, std::memory_order_relaxed);
  bind(*server, active);
  stats.connectionsCreated.add(1);
  pool_.counters(worker, server->id).connections.add(1);
  return Verdict::forwarded;
}

bool Connections::expire(size_t worker, size_t workers, WorkerStats& stats, Tick now, bool exact, size_t budget) {
  uint64_t expired = 0;
  bool done = true;
  for (ConnTable* conns : {&v4_, &v6_}) {
    for (auto shard = static_cast<uint32_t>(worker); shard < conns->shardCount();
         shard += static_cast<uint32_t>(workers)) {
      done &= conns->expire(shard, now, exact, budget, [&](Conn& conn) {
        unbind(conn);
        expired++;
        return 0u;
      });
    }
  }
  stats.connectionsExpired.add(expired);
  return done;
}

uint64_t Connections::endUnavailable(const ServiceTable& services) {
  uint64_t ended = 0;
  for (ConnTable* conns : {&v4_, &v6_}) {
    conns->removeIf([&](Conn& conn) {
      const ServerView* server = services.server(conn.server.load(std::memory_order_relaxed));
      if (server == nullptr || server->available) return false;
      unbind(conn);
      ended++;
      return true;
    });
  }
  return ended;
}

ConnectionRow Connections::rowOf(const Conn& conn, Family family, const ServiceTable& services, Tick now) const {
  ConnectionRow row{table(family).keyOf(conn),
                    {},
                    stateName(conn.protocol, conn.state.load(std::memory_order_relaxed)),
                    0,
                    isActiveConn(conn)};
  if (const ServerView* server = services.server(conn.server.load(std::memory_order_relaxed)))
    row.server = server->key();
  const auto ticks = static_cast<int32_t>(conn.expires.load(std::memory_order_relaxed) - now);
  row.expiresMs = int64_t{ticks} * (1000 / kTicksPerSecond);
  return row;
}

}  // namespace tunvs
