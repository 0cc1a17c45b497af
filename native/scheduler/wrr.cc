// wrr goes round at falling weight levels. A level lets through the servers whose weight reaches it; levels go down
// from maxWeight by weightStep (the weights' greatest common divisor) to 1, then begin again.
#include <algorithm>
#include <numeric>

#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class WeightedRoundRobin final : public Scheduler {
 public:
  std::string_view name() const override { return "wrr"; }
  SchedulerTraits traits() const override { return {.stableCursor = true, .randomStart = true, .ramps = true}; }

  void begin(ServerList servers, SchedulerState& state) const override {
    measure(servers, state);
    state.currentWeight = state.maxWeight;
    setCursor(servers, state, -1);
  }

  // In IPVS every change sends the walk back to the head of the list; the level stays if it can.
  void changed(ServerList before, ServerList after, SchedulerState& state, bool keepsCursor) const override {
    if (keepsCursor) {
      keepCursor(before, after, state);
    } else {
      setCursor(after, state, -1);
      state.isAtStart = true;
    }
    measure(after, state);
    if (state.currentWeight > state.maxWeight || state.currentWeight == 0) {
      state.currentWeight = state.maxWeight;
    } else if (state.weightStep > 1) {
      state.currentWeight = state.currentWeight / state.weightStep * state.weightStep + 1;
    }
  }

  const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext& context) const override {
    if (state.maxWeight == 0) return nullptr;
    if (state.isAtStart && context.options.randomStart) startAnywhere(servers, state);
    state.isAtStart = false;
    const auto count = static_cast<ptrdiff_t>(servers.size());
    const ptrdiff_t start = cursorIndex(servers, state);
    ptrdiff_t stop = -1;  // last index to look at, once the lowest level has been entered after a restart
    bool restarted = false;
    bool wasLowest = false;
    int32_t reachable = -1;  // the highest level that lets anybody through; -1: not computed yet
    for (ptrdiff_t index = start;;) {
      for (index++; index < count; index++) {
        const Candidate* server = servers[static_cast<size_t>(index)];
        if (!isOverloaded(*server) && server->weight >= state.currentWeight) {
          setCursor(servers, state, index);
          return server;
        }
        if (index == stop) return nullptr;
      }
      index = -1;
      state.currentWeight -= state.weightStep;
      if (state.currentWeight <= 0) {
        state.currentWeight = state.maxWeight;
        // Every server was looked at on the lowest level: in one round of it, or in the first round from the list's
        // head.
        if (wasLowest || start < 0) {
          setCursor(servers, state, -1);
          return nullptr;
        }
        restarted = true;
      }
      if (reachable < 0) reachable = heaviestWithRoom(servers);
      skipEmptyLevels(state, reachable);
      wasLowest = state.currentWeight <= state.weightStep;
      // The lowest level's first round covered what follows `start`, so the rest is enough now.
      if (wasLowest && restarted && start >= 0) stop = start;
    }
  }

 private:
  // Starts before any turn of the whole round, each with equal probability.
  static void startAnywhere(ServerList servers, SchedulerState& state) {
    const auto turnsOf = [&](const Candidate& server) {
      return static_cast<uint64_t>(server.weight / state.weightStep);
    };
    uint64_t turns = 0;
    for (const Candidate* server : servers) turns += turnsOf(*server);
    uint64_t turn = state.random.below(turns);
    ptrdiff_t index = 0;
    for (; turn >= turnsOf(*servers[static_cast<size_t>(index)]); index++)
      turn -= turnsOf(*servers[static_cast<size_t>(index)]);
    state.currentWeight = static_cast<int32_t>(turn) * state.weightStep + 1;
    setCursor(servers, state, index - 1);
  }

  static int32_t heaviestWithRoom(ServerList servers) {
    int32_t heaviest = 0;
    for (const Candidate* server : servers) {
      if (!isOverloaded(*server)) heaviest = std::max(heaviest, server->weight);
    }
    return heaviest;
  }

  // Goes on to the next level that lets anybody through, or to the lowest: while heavy servers are at their thresholds
  // there can be billions of levels between.
  static void skipEmptyLevels(SchedulerState& state, int32_t reachable) {
    const int32_t target = std::max(reachable, state.weightStep);
    if (state.currentWeight <= target) return;
    const int32_t above = state.currentWeight - target;
    const int32_t levels = above / state.weightStep + (above % state.weightStep != 0);
    state.currentWeight -= levels * state.weightStep;
  }

  static void measure(ServerList servers, SchedulerState& state) {
    int32_t divisor = 0;
    int32_t heaviest = 0;
    for (const Candidate* server : servers) {
      if (server->weight <= 0) continue;
      if (divisor != 1 && divisor != server->weight) divisor = std::gcd(divisor, server->weight);
      heaviest = std::max(heaviest, server->weight);
    }
    state.weightStep = divisor == 0 ? 1 : divisor;
    // Ending on level 1 rather than on weightStep finds servers whose weight fell below it.
    state.maxWeight = heaviest == 0 ? 0 : heaviest - (state.weightStep - 1);
  }
};

}  // namespace

const Scheduler& wrrScheduler() {
  static const WeightedRoundRobin scheduler;
  return scheduler;
}

}  // namespace tunvs
