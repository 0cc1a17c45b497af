// p2c, power of two choices (Mitzenmacher 2001; Azar and others 1994), draws two different servers by weight and takes
// the one with less load for its weight.
//
// It differs from twos in what load is. The new connection counts, so an idle heavy server comes before an idle light
// one. A UDP connection, which IPVS never counts as active, counts in full from its first packet until it is idle for
// its timeout.
#include "scheduler/alias_table.h"
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

constexpr int64_t kActive = 256;  // the load of an active connection, where an inactive one has 1
constexpr int kDraws = 8;         // tries to find two servers that differ and may be chosen

struct Weights final : Prepared {
  explicit Weights(const std::vector<uint32_t>& weights) : table(weights) {}
  AliasTable table;
};

int64_t costOf(const Candidate& server, bool isUdp) {
  const int64_t load = isUdp ? server.state->connections() * kActive : loadOf(server);
  return load + kActive;
}

class PowerOfTwoChoices final : public Scheduler {
 public:
  std::string_view name() const override { return "p2c"; }
  SchedulerTraits traits() const override { return {.ramps = true}; }

  std::shared_ptr<const Prepared> prepare(ServerList servers, const SchedulerOptions&) const override {
    std::vector<uint32_t> weights;
    for (const Candidate* server : servers) weights.push_back(static_cast<uint32_t>(server->weight));
    return std::make_shared<Weights>(weights);
  }

  const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext& context) const override {
    const AliasTable& table = static_cast<const Weights&>(*context.prepared).table;
    if (table.isEmpty()) return nullptr;
    const bool isUdp = context.flow.protocol() == static_cast<uint8_t>(IpProtocol::udp);
    const Candidate* drawn[2] = {};
    for (int i = 0; i < kDraws && drawn[1] == nullptr; i++) {
      const Candidate* server = servers[table.draw(state.random)];
      if (!isEligible(*server) || server == drawn[0]) continue;
      drawn[drawn[0] == nullptr ? 0 : 1] = server;
    }
    // If so many draws found nobody, most of the weight is at its threshold, and the remaining servers are searched.
    if (drawn[0] == nullptr) {
      return leastCost(servers, /*weighted=*/true, [&](const Candidate& server) { return costOf(server, isUdp); });
    }
    return leastCost(ServerList(drawn, drawn[1] == nullptr ? 1 : 2), /*weighted=*/true,
                     [&](const Candidate& server) { return costOf(server, isUdp); });
  }
};

}  // namespace

const Scheduler& p2cScheduler() {
  static const PowerOfTwoChoices scheduler;
  return scheduler;
}

}  // namespace tunvs
