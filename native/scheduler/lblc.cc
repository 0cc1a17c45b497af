// lblc, locality-based least connection: a destination stays with its server until the server has outgrown its weight;
// wlc chooses a server for a new destination. It is made for caches behind one firewall mark.
//
// A remembered server is taken even at its upper threshold, as IPVS takes it.
#include "scheduler/destination_cache.h"
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class LocalityBased final : public Scheduler {
 public:
  std::string_view name() const override { return "lblc"; }
  void begin(ServerList, SchedulerState& state) const override { state.memory = std::make_shared<DestinationCache>(); }

  const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext& context) const override {
    auto& cache = static_cast<DestinationCache&>(*state.memory);
    cache.collect(context.now, context.lblcExpiration);
    const IpAddress destination = context.flow.virtualAddress();
    DestinationCache::Entry* entry = cache.find(destination, context.now);
    if (entry != nullptr) {
      const Candidate* known = nullptr;
      cache.forEachServer(*entry, servers, [&](const Candidate& server) { known = &server; });
      if (known != nullptr && known->weight > 0 && !hasOutgrownItsWeight(*known, servers)) return known;
    }
    const Candidate* chosen = leastCost(servers, /*weighted=*/true, loadOf);
    if (chosen == nullptr) return nullptr;
    if (entry == nullptr) entry = &cache.add(destination, context.now);
    cache.eraseAll(*entry);
    cache.insert(*entry, servers, *chosen, context.now);
    return chosen;
  }
};

}  // namespace

const Scheduler& lblcScheduler() {
  static const LocalityBased scheduler;
  return scheduler;
}

}  // namespace tunvs
