// rr: one after the other, whatever the weights; weight 0 and overloaded servers are passed over.
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class RoundRobin final : public Scheduler {
 public:
  std::string_view name() const override { return "rr"; }

  // When the remembered server goes, its predecessor takes its place, so that nobody's turn is skipped.
  void changed(ServerList before, ServerList after, SchedulerState& state) const override {
    if (cursorIndex(after, state) >= 0) return;
    ptrdiff_t index = cursorIndex(before, state);
    while (index >= 0) {
      state.last = before[static_cast<size_t>(index)]->id;
      if (cursorIndex(after, state) >= 0) return;
      index--;
    }
    setCursor(after, state, -1);
  }

  const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext&) const override {
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
