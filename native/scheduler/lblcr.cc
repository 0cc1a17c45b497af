// lblcr, lblc with replication: a destination has a set of servers, of which the least loaded takes it. When that one
// has outgrown its weight, wlc chooses from all servers and the set grows; a set that has not changed for long loses
// its most loaded server.
#include "scheduler/destination_cache.h"
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

// Compares `load` per weight exactly.
bool isLess(int64_t load, int32_t weight, int64_t otherLoad, int32_t otherWeight) {
  __extension__ using Wide = __int128;
  return static_cast<Wide>(load) * otherWeight < static_cast<Wide>(otherLoad) * weight;
}

const Candidate* leastLoaded(DestinationCache& cache, const DestinationCache::Entry& entry, ServerList servers) {
  const Candidate* best = nullptr;
  cache.forEachServer(entry, servers, [&](const Candidate& server) {
    if (!isEligible(server)) return;
    if (best == nullptr || isLess(loadOf(server), server.weight, loadOf(*best), best->weight)) best = &server;
  });
  return best;
}

const Candidate* mostLoaded(DestinationCache& cache, const DestinationCache::Entry& entry, ServerList servers) {
  const Candidate* worst = nullptr;
  cache.forEachServer(entry, servers, [&](const Candidate& server) {
    if (server.weight <= 0) return;
    if (worst == nullptr || isLess(loadOf(*worst), worst->weight, loadOf(server), server.weight)) worst = &server;
  });
  return worst;
}

class LocalityBasedWithReplication final : public Scheduler {
 public:
  std::string_view name() const override { return "lblcr"; }
  void begin(ServerList, SchedulerState& state) const override { state.memory = std::make_shared<DestinationCache>(); }

  const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext& context) const override {
    auto& cache = static_cast<DestinationCache&>(*state.memory);
    cache.collect(context.now, context.lblcrExpiration);
    const IpAddress destination = context.flow.virtualAddress();
    DestinationCache::Entry* entry = cache.find(destination, context.now);
    if (entry != nullptr) {
      const Candidate* known = leastLoaded(cache, *entry, servers);
      if (entry->members > 1 && context.now - entry->lastChange >= context.lblcrExpiration) {
        if (const Candidate* worst = mostLoaded(cache, *entry, servers)) cache.erase(*entry, *worst, context.now);
      }
      if (known != nullptr && !hasOutgrownItsWeight(*known, servers)) return known;
    }
    const Candidate* chosen = leastCost(servers, /*weighted=*/true, loadOf);
    if (chosen == nullptr) return nullptr;
    if (entry == nullptr) entry = &cache.add(destination, context.now);
    cache.insert(*entry, servers, *chosen, context.now);
    return chosen;
  }
};

}  // namespace

const Scheduler& lblcrScheduler() {
  static const LocalityBasedWithReplication scheduler;
  return scheduler;
}

}  // namespace tunvs
