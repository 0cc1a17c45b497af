// rr takes one server after the other, whatever their weights; it skips servers of weight 0 and overloaded ones.
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class RoundRobin final : public Scheduler {
 public:
  std::string_view name() const override { return "rr"; }

  SchedulerTraits traits() const override { return {.randomStart = true}; }

  void changed(ServerList before, ServerList after, SchedulerState& state, bool) const override {
    keepCursor(before, after, state);
  }

  const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext& context) const override {
    if (state.isAtStart && context.options.randomStart && !servers.empty())
      setCursor(servers, state, static_cast<ptrdiff_t>(state.random.below(servers.size())) - 1);
    state.isAtStart = false;
    const ptrdiff_t start = cursorIndex(servers, state);
    const auto count = static_cast<ptrdiff_t>(servers.size());
    ptrdiff_t index = start;
    for (ptrdiff_t tried = 0; tried < count; tried++) {
      index = index + 1 == count ? 0 : index + 1;
      if (!isEligible(*servers[static_cast<size_t>(index)])) continue;
      setCursor(servers, state, index);
      return servers[static_cast<size_t>(index)];
    }
    return nullptr;
  }
};

}  // namespace

const Scheduler& rrScheduler() {
  static const RoundRobin scheduler;
  return scheduler;
}

}  // namespace tunvs
