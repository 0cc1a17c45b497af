#include "director/connection/expiry.h"

#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

// Since its last packet, going by the timeout that its state has now; 0 when that has become shorter since.
uint32_t idleTicks(const Conn& conn, const ServerView& server, const Tunables& tunables, Tick now) {
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  const Tick timeout = timeoutOf(tunables, server.timeouts.get(), conn.protocol, state);
  const auto idle = static_cast<int32_t>(timeout - (conn.expires.load(std::memory_order_relaxed) - now));
  return idle > 0 ? static_cast<uint32_t>(idle) : 0;
}

}  // namespace

bool Expiry::expire(size_t worker, WorkerStats& stats, ExpiryRound& round, Tick now, bool exact, size_t budget) {
  // Their shards in turn.
  const uint32_t shards = entries_.shardsOfBoth();
  for (uint32_t looked = 0; looked < shards; looked++) {
    if (round.next >= shards) round.next = 0;
    const uint32_t shard = round.next / 2;
    const Family family = round.next % 2 == 0 ? Family::ipv4 : Family::ipv6;
    if (shard % workers_ == worker && !entries_.expire(stats, family, shard, now, exact, budget, round.unused))
      return false;
    round.next++;
  }
  return true;
}

void Expiry::dropEntries(size_t worker, WorkerStats& stats, DropEntry& entries, Tick now) {
  const ServiceTable* services = control_.table();
  const Tunables& tunables = services->tunables();
  const uint32_t ticks = entries.elapsed(now);
  if (!defence_.isOn(tunables.dropEntry, tunables)) return;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    ConnTable& conns = entries_.table(family);
    std::vector<uint32_t> unused;
    for (auto shard = static_cast<uint32_t>(worker); shard < conns.shardCount();
         shard += static_cast<uint32_t>(workers_)) {
      conns.sample(shard, ticks, DropEntry::kSecondsPerTable * kTicksPerSecond, entries.random, [&](Conn& conn) {
        const ServerView* server = services->server(conn.server.load(std::memory_order_relaxed));
        if (server == nullptr || ConnTable::hasExpired(conn, now)) return false;
        const bool goes = isTemplate(conn) ? DropEntry::mayDropTemplate(conn, server->isOnePacket)
                                           : entries.mayDrop(conn, idleTicks(conn, *server, tunables, now));
        if (!goes) return false;
        entries_.endEarly(stats, family, conn, unused);
        return true;
      });
    }
    for (const uint32_t controller : unused) entries_.dropTemplate(stats, family, controller);
  }
}

}  // namespace tunvs
