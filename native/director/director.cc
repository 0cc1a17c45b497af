#include "director/director.h"

#include <cassert>

#include "forward/forward.h"

namespace tunvs {
namespace {

constexpr uint8_t kTcp = static_cast<uint8_t>(IpProtocol::tcp);
constexpr uint16_t kFtpDataPort = 20;
constexpr size_t kGroup = 16;  // packets of a vector that one stage takes at a time
constexpr std::string_view kUdpStateName = "UDP";

constexpr Verdict verdictOf(ParseError error) {
  switch (error) {
    case ParseError::none: return Verdict::forwarded;
    case ParseError::truncated: return Verdict::dropTruncated;
    case ParseError::badVersion: return Verdict::dropBadVersion;
    case ParseError::badHeader: return Verdict::dropBadHeader;
    case ParseError::badChecksum: return Verdict::dropBadChecksum;
    case ParseError::badSource: return Verdict::dropBadSource;
    case ParseError::sourceRouted: return Verdict::dropSourceRouted;
    case ParseError::ttlExpired: return Verdict::dropTtlExpired;
    case ParseError::fragment: return Verdict::dropFragment;
    case ParseError::protocol: return Verdict::dropProtocol;
    case ParseError::shortTransport: return Verdict::dropShortTransport;
  }
  return Verdict::dropBadHeader;
}

TcpState tcpStateOf(const Conn& conn) { return static_cast<TcpState>(conn.state.load(std::memory_order_relaxed)); }

void addOne(std::atomic<int32_t>& counter, int32_t n) { counter.fetch_add(n, std::memory_order_seq_cst); }

bool isOverloadOver(const ServerState& state, const ServerConfig& config) {
  const int64_t total = int64_t{state.active.load(std::memory_order_seq_cst)} + state.inactive.load(std::memory_order_seq_cst);
  if (config.lowerThreshold != 0) return total < config.lowerThreshold;
  return config.upperThreshold == 0 || total * 4 < int64_t{config.upperThreshold} * 3;
}

}  // namespace

struct Director::Flow {
  ParsedPacket parsed;
  uint64_t hash;
};

// What a worker keeps from vector to vector.
struct alignas(64) Director::Worker {
  uint16_t identification = 0;  // of outer headers without DF
  Flow flows[kVectorSize];      // of the vector at hand: here, so that no call has to clear them
};

size_t Director::tableBytes(const DirectorOptions& options) {
  return ConnTable::regionBytes(Family::ipv4, options.maxConnections);
}

Director::Director(const DirectorOptions& options, std::span<std::byte> tableRegion)
    : workers_(options.workers),
      pool_(options.workers),
      table_(ConnTable::create(tableRegion, Family::ipv4, options.maxConnections, options.secret, options.now, epochs_)),
      control_(options.sources, pool_, epochs_),
      worker_(std::make_unique<Worker[]>(options.workers)),
      stats_(std::make_unique<WorkerStats[]>(options.workers + 1)) {
  assert(options.workers >= 1 && options.workers < Epochs::kMaxReaders);
  for (size_t i = 0; i < workers_; i++) {
    // Workers number their outer headers from different starts, so that equal ones to one server are rare.
    worker_[i].identification = static_cast<uint16_t>(options.secret.words[i % 6] + i * (65536 / workers_));
  }
}

void Director::process(size_t worker, std::span<Packet> packets, Tick now, OutputVector& out, Verdict* verdicts) {
  assert(packets.size() <= kVectorSize && worker < workers_);
  Flow* flows = worker_[worker].flows;
  epochs_.enter(worker);
  const ServiceTable* services = control_.table();

  // Three stages, each a group behind the one before, so that a group's cache misses are fetched while others are worked on:
  // parse, hash and fetch the bucket; fetch the connection that its tag points to; look up and forward.
  const size_t count = packets.size();
  uint64_t bytes = 0;
  uint32_t counts[kVerdicts] = {};
  out.count = 0;
  for (size_t begin = 0; begin < count + 2 * kGroup; begin += kGroup) {
    for (size_t i = begin; i < std::min(begin + kGroup, count); i++) {
      Flow& flow = flows[i];
      parsePacket(packets[i], flow.parsed);
      bytes += packets[i].length;
      if (flow.parsed.error != ParseError::none) continue;
      flow.hash = table_.hash(flow.parsed.key);
      table_.prefetchBucket(flow.hash);
    }
    if (begin < kGroup) continue;
    for (size_t i = begin - kGroup; i < std::min(begin, count); i++) {
      if (flows[i].parsed.error == ParseError::none) __builtin_prefetch(table_.candidate(flows[i].hash), 1);
    }
    if (begin < 2 * kGroup) continue;
    for (size_t i = begin - 2 * kGroup; i < std::min(begin - kGroup, count); i++) {
      Verdict verdict = verdictOf(flows[i].parsed.error);
      if (verdict == Verdict::forwarded) verdict = forwardFlow(worker, services, flows[i], packets[i], i, now, out);
      counts[static_cast<size_t>(verdict)]++;
      if (verdicts != nullptr) verdicts[i] = verdict;
    }
  }

  WorkerStats& stats = stats_[worker];
  stats.received.add(packets.size());
  stats.receivedBytes.add(bytes);
  stats.vectors.add(packets.empty() ? 0 : 1);
  for (size_t i = 0; i < kVerdicts; i++) {
    if (counts[i] != 0) stats.verdicts[i].add(counts[i]);
  }
}

// The established path: find, check, note the state, put the outer header on.
Verdict Director::forwardFlow(size_t worker, const ServiceTable*& services, Flow& flow, Packet& packet, size_t index, Tick now,
                              OutputVector& out) {
  const ParsedPacket& parsed = flow.parsed;
  const ServerView* server = nullptr;
  Conn* conn = table_.find(parsed.key, flow.hash);
  if (conn != nullptr && !ConnTable::hasExpired(*conn, now)) server = serverOf(services, conn->server.load(std::memory_order_relaxed));
  if (server == nullptr || mustEnd(*conn, *server, parsed, services->tunables())) {
    const Verdict verdict = openConnection(worker, services, parsed, flow.hash, now, server);
    if (verdict != Verdict::forwarded) return verdict;
  } else {
    if (!server->available) return Verdict::dropServerGone;
    updateState(conn, *server, parsed, flow.hash, now, services->tunables());
  }
  if (!server->canForward) return Verdict::dropNoSource;
  if (parsed.length + server->outer.length > kMaxPacketBytes) return Verdict::dropTooLong;

  uint16_t& identification = worker_[worker].identification;
  if (!parsed.dontFragment) identification++;
  const Packet sent = encapsulate(server->outer, packet.data, parsed, static_cast<uint32_t>(flow.hash), identification);
  OutputPacket& output = out.packets[out.count];
  output.data = sent.data;
  output.length = sent.length;
  output.nextHop = server->address;
  out.causes[out.count] = static_cast<uint8_t>(index);
  out.count++;

  ServerCounters& counters = pool_.counters(worker, server->id);
  counters.packets.add(1);
  counters.bytes.add(parsed.length);
  stats_[worker].forwardedBytes.add(parsed.length);
  return Verdict::forwarded;
}

// A connection made after this worker's snapshot names a server that only a newer one knows.
const ServerView* Director::serverOf(const ServiceTable*& services, uint32_t id) const {
  const ServerView* server = services->server(id);
  if (server != nullptr) return server;
  services = control_.table();
  return services->server(id);
}

// Whether the connection gives way to a new one for this packet.
bool Director::mustEnd(const Conn& conn, const ServerView& server, const ParsedPacket& parsed, const Tunables& tunables) const {
  if (!server.available) return tunables.expireNodestConn != 0;
  if ((parsed.tcpFlags & (kTcpSyn | kTcpRst)) != kTcpSyn) return false;
  // A SYN on a known connection: the client uses its port again.
  if (tunables.expireNodestConn != 0 && server.weight == 0) return true;
  if (tunables.connReuseMode == 0) return false;
  switch (tcpStateOf(conn)) {
    case TcpState::timeWait:
    case TcpState::close:
      return true;
    case TcpState::finWait:
      return (tunables.connReuseMode & 2) != 0;
    default:
      return false;
  }
}

void Director::updateState(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Tick now,
                           const Tunables& tunables) {
  conn->packets.store(conn->packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const bool isTcp = parsed.key.protocol() == kTcp;
  const TcpState before = tcpStateOf(*conn);
  const TcpState after = isTcp ? nextTcpState(before, parsed.tcpFlags) : before;
  const Tick deadline = now + (isTcp ? tunables.tcpTimeout(after) : tunables.udpTimeout);
  // Later than the deadline that the wheel knows: it will find out by itself.
  if (after == before && reached(deadline, conn->expires.load(std::memory_order_relaxed))) {
    conn->expires.store(deadline, std::memory_order_relaxed);
    return;
  }
  ConnTable::Guard guard(table_, hash);
  if (conn->isLive()) updateStateLocked(conn, server, parsed, hash, now, tunables);  // else it expired meanwhile
}

void Director::updateStateLocked(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Tick now,
                                 const Tunables& tunables) {
  Tick deadline = now + tunables.udpTimeout;
  if (parsed.key.protocol() == kTcp) {
    const TcpState after = nextTcpState(tcpStateOf(*conn), parsed.tcpFlags);
    deadline = now + tunables.tcpTimeout(after);
    conn->state.store(static_cast<uint8_t>(after), std::memory_order_relaxed);
    const bool wasActive = (conn->flags.load(std::memory_order_relaxed) & kConnInactive) == 0;
    if (wasActive != isActive(after)) {
      addOne(server.state->active, wasActive ? -1 : 1);
      addOne(server.state->inactive, wasActive ? 1 : -1);
      conn->flags.fetch_xor(kConnInactive, std::memory_order_relaxed);
    }
  }
  table_.setDeadlineLocked(conn, hash, deadline);
}

void Director::bind(const ServerView& server, bool active) {
  ServerState& state = *server.state;
  addOne(active ? state.active : state.inactive, 1);
  addOne(pool_.references(server.id), 1);
  if (server.config.upperThreshold == 0 || state.connections() < server.config.upperThreshold) return;
  state.overloaded.store(true, std::memory_order_seq_cst);
  // Those that made it so many may have gone before they could see the mark, and nobody come to take it off again.
  if (isOverloadOver(state, server.config)) state.overloaded.store(false, std::memory_order_relaxed);
}

void Director::unbind(const Conn& conn) {
  const uint32_t id = conn.server.load(std::memory_order_relaxed);
  ServerState& state = pool_.state(id);
  const bool active = (conn.flags.load(std::memory_order_relaxed) & kConnInactive) == 0;
  addOne(active ? state.active : state.inactive, -1);
  if (state.overloaded.load(std::memory_order_seq_cst)) {
    const ServerView* server = control_.table()->server(id);
    if (server == nullptr || isOverloadOver(state, server->config)) state.overloaded.store(false, std::memory_order_relaxed);
  }
  // Last: from here on the id may be released.
  pool_.references(id).fetch_sub(1, std::memory_order_release);
}

Verdict Director::openConnection(size_t worker, const ServiceTable*& services, const ParsedPacket& parsed, uint64_t hash,
                                 Tick now, const ServerView*& server) {
  WorkerStats& stats = stats_[worker];
  ConnTable::Guard guard(table_, hash);
  // Another worker may have opened or ended it since the lookup.
  if (Conn* known = table_.find(parsed.key, hash); known != nullptr) {
    const ServerView* named = serverOf(services, known->server.load(std::memory_order_relaxed));
    const bool isOver = ConnTable::hasExpired(*known, now);
    if (!isOver && named != nullptr && !mustEnd(*known, *named, parsed, services->tunables())) {
      server = named;
      if (!named->available) return Verdict::dropServerGone;
      known->packets.store(known->packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      updateStateLocked(known, *named, parsed, hash, now, services->tunables());
      return Verdict::forwarded;
    }
    unbind(*known);
    table_.removeLocked(known, hash);
    (isOver ? stats.connectionsExpired : stats.connectionsDropped).add(1);
  }

  const ServiceView* service = services->find(parsed.key);
  if (service == nullptr) return Verdict::dropNoService;
  const Tunables& tunables = services->tunables();
  const bool isTcp = parsed.key.protocol() == kTcp;
  if (isTcp) {
    if ((parsed.tcpFlags & kTcpRst) != 0) return Verdict::dropNotScheduled;
    if ((parsed.tcpFlags & kTcpSyn) == 0 && tunables.sloppyTcp == 0) return Verdict::dropNotScheduled;
  }
  if (parsed.key.clientPort().host() == kFtpDataPort) return Verdict::dropNotScheduled;

  const Candidate* chosen;
  {
    SpinGuard serviceGuard(service->state->lock);
    chosen = service->scheduler->pick(service->candidates, service->state->scheduler, parsed.key);
  }
  if (chosen == nullptr) return Verdict::dropNoServer;
  server = static_cast<const ServerView*>(chosen);

  const TcpState state = isTcp ? nextTcpState(TcpState::none, parsed.tcpFlags) : TcpState::none;
  const bool active = isTcp && isActive(state);
  const Tick timeout = isTcp ? tunables.tcpTimeout(state) : tunables.udpTimeout;
  bool hasEvicted = false;
  Conn* conn = table_.insertLocked(parsed.key, hash, server->id, active ? 0 : kConnInactive, now + timeout, [&](Conn& victim) {
    unbind(victim);
    stats.connectionsEvicted.add(1);
    return hasEvicted = true;
  });
  // What was evicted is needed again soon: the room for those that wait is small.
  if (hasEvicted) epochs_.advance();
  if (conn == nullptr) return Verdict::dropTableFull;
  conn->state.store(static_cast<uint8_t>(state), std::memory_order_relaxed);
  conn->packets.store(1, std::memory_order_relaxed);
  bind(*server, active);
  stats.connectionsCreated.add(1);
  pool_.counters(worker, server->id).connections.add(1);
  return Verdict::forwarded;
}

Director::~Director() = default;

bool Director::expire(size_t worker, Tick now, bool exact, size_t budget) {
  epochs_.enter(worker);
  epochs_.advance();
  uint64_t expired = 0;
  bool done = true;
  for (uint32_t shard = static_cast<uint32_t>(worker); shard < table_.shardCount(); shard += static_cast<uint32_t>(workers_)) {
    done &= table_.expire(shard, now, exact, budget, [&](Conn& conn) {
      unbind(conn);
      expired++;
      return 0u;
    });
  }
  stats_[worker].connectionsExpired.add(expired);
  return done;
}

Result<void> Director::apply(std::span<const Operation> operations, size_t* failedAt) {
  bool serversRemoved = false;
  auto done = control_.apply(operations, failedAt, &serversRemoved);
  if (!done || !serversRemoved || control_.tunables().expireNodestConn == 0) return done;
  const ServiceTable* services = control_.table();
  table_.removeIf([&](Conn& conn) {
    const ServerView* server = services->server(conn.server.load(std::memory_order_relaxed));
    if (server == nullptr || server->available) return false;
    unbind(conn);
    stats_[workers_].connectionsDropped.add(1);
    return true;
  });
  return done;
}

void Director::readCounters(std::span<uint64_t> sums) const {
  assert(sums.size() == kCounters);
  for (auto& sum : sums) sum = 0;
  for (size_t i = 0; i <= workers_; i++) addTo(sums, stats_[i]);
}

ConnectionRow Director::rowOf(const Conn& conn, const ServiceTable& services, Tick now) const {
  ConnectionRow row{table_.keyOf(conn), {}, kUdpStateName, 0, false};
  if (const ServerView* server = services.server(conn.server.load(std::memory_order_relaxed))) row.server = server->key();
  if (conn.protocol == kTcp) row.state = kTcpStateNames[static_cast<size_t>(tcpStateOf(conn))];
  const auto ticks = static_cast<int32_t>(conn.expires.load(std::memory_order_relaxed) - now);
  row.expiresMs = int64_t{ticks} * (1000 / kTicksPerSecond);
  row.active = (conn.flags.load(std::memory_order_relaxed) & kConnInactive) == 0;
  return row;
}

}  // namespace tunvs
