// twos, weighted random twice, draws two servers by weight and takes the one less loaded for its weight; the first in a
// tie.
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

// Returns the eligible server in whose share of the weights, laid end to end, `point` falls; null beyond them all.
const Candidate* serverAt(ServerList servers, int64_t point) {
  for (const Candidate* server : servers) {
    if (!isEligible(*server)) continue;
    point -= server->weight;
    if (point <= 0) return server;
  }
  return nullptr;
}

class WeightedRandomTwice final : public Scheduler {
 public:
  std::string_view name() const override { return "twos"; }
  SchedulerTraits traits() const override { return {.ramps = true}; }

  const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext&) const override {
    int64_t total = 0;
    for (const Candidate* server : servers) {
      if (isEligible(*server)) total += server->weight;
    }
    if (total == 0) return nullptr;
    // Both ends are included, as when IPVS draws, which gives the list's first server one chance more than its weight.
    const auto draw = [&] { return static_cast<int64_t>(state.random.below(static_cast<uint64_t>(total) + 1)); };
    const Candidate* first = serverAt(servers, draw());
    const Candidate* second = serverAt(servers, draw());
    // An overload that ended between the two walks can only make the sum larger; one that began can empty the rest.
    if (first == nullptr || second == nullptr) return first != nullptr ? first : second;
    __extension__ using Wide = __int128;
    return static_cast<Wide>(loadOf(*first)) * second->weight > static_cast<Wide>(loadOf(*second)) * first->weight
               ? second
               : first;
  }
};

}  // namespace

const Scheduler& twosScheduler() {
  static const WeightedRandomTwice scheduler;
  return scheduler;
}

}  // namespace tunvs
