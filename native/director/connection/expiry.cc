#include "director/connection/expiry.h"

#include "director/connection/standing.h"

namespace tunvs {

bool Expiry::expire(size_t worker, WorkerStats& stats, ExpiryRound& round, Tick now, bool exact, size_t budget) {
  // The worker takes its shards in turn.
  const uint32_t shards = entries_.shardsOfBoth();
  for (uint32_t looked = 0; looked < shards; looked++) {
    if (round.next >= shards) round.next = 0;
    const uint32_t shard = round.next / 2;
    const Family family = round.next % 2 == 0 ? Family::ipv4 : Family::ipv6;
    if (shard % workers_ == worker && !entries_.expire(stats, family, shard, now, exact, budget, round.loose))
      return false;
    round.next++;
  }
  return true;
}

void Expiry::dropEntries(size_t worker, WorkerStats& stats, DropEntry& entries, Tick now) {
  const ServiceTable* services = control_.table();
  const Tunables& tunables = services->tunables();
  const StandingJudge judge(*services, now);
  const uint32_t ticks = entries.elapsed(now);
  if (!defence_.isOn(tunables.dropEntry, tunables)) return;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    ConnTable& conns = entries_.table(family);
    std::vector<Loose> loose;
    for (auto shard = static_cast<uint32_t>(worker); shard < conns.shardCount();
         shard += static_cast<uint32_t>(workers_)) {
      conns.sample(shard, ticks, DropEntry::kSecondsPerTable * kTicksPerSecond, entries.random, [&](Conn& conn) {
        const ServerView* server = services->server(serverIdOf(conn));
        if (server == nullptr || ConnTable::hasExpired(conn, now)) return false;
        const bool goes = isTemplate(conn) ? DropEntry::mayDropTemplate(conn, server->isOnePacket)
                                           : entries.mayDrop(conn, judge.idle(conn));
        if (!goes) return false;
        entries_.endEarly(stats, family, conn, loose);
        return true;
      });
    }
    for (const Loose& each : loose) entries_.dropLoose(stats, family, each);
  }
}

}  // namespace tunvs
