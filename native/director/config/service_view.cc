#include "director/config/service_view.h"

namespace tunvs {

void ServiceView::configure(const ServiceConfig& with) {
  config = with;
  timeouts = with.timeouts.isEmpty() ? nullptr : std::make_shared<const TimeoutTicks>(with.timeouts.ticks());
}

void ServiceView::use(const Scheduler& with) {
  scheduler = &with;
  remembers = with.traits().remembers;
}

void ServiceView::list() {
  candidates.clear();
  candidates.reserve(owned.size());
  for (const auto& server : owned) {
    if (!server->condition.health.isOut) candidates.push_back(server.get());
  }
}

void ServiceView::tell(ServerView& server) const {
  server.timeouts = timeouts;
  server.isOnePacket = config.onePacket;
  server.rescheduleUdp = config.rescheduleUdp;
}

ScheduleContext ServiceView::contextOf(const FlowKey& flow, Tick now, const Tunables& tunables) const {
  return {flow,
          now,
          config.schedulerOptions,
          prepared.get(),
          ticksFromSeconds(static_cast<uint32_t>(tunables.lblcExpiration)),
          ticksFromSeconds(static_cast<uint32_t>(tunables.lblcrExpiration))};
}

std::optional<size_t> ServiceView::indexOf(const ServerKey& server) const {
  for (size_t i = 0; i < owned.size(); i++) {
    if (owned[i]->key() == server) return i;
  }
  return std::nullopt;
}

const ServerView* ServiceView::schedule(const FlowKey& flow, Tick now, const Tunables& tunables,
                                        PolicyTurn* turn) const {
  if (const Candidate* chosen = policy.choose(candidates, flow, turn)) return static_cast<const ServerView*>(chosen);
  const ScheduleContext context = contextOf(flow, now, tunables);
  if (!remembers) return static_cast<const ServerView*>(scheduler->pick(candidates, state->scheduler, context));
  SpinGuard guard(state->lock);
  return static_cast<const ServerView*>(scheduler->pick(candidates, state->scheduler, context));
}

const ServerView* ServiceView::fromTable(const FlowKey& flow) const {
  return static_cast<const ServerView*>(policy.choose(candidates, flow, /*turn=*/nullptr));
}

const ServerView* ServiceView::preview(const FlowKey& flow, Tick now, const Tunables& tunables) const {
  SchedulerState copy;
  {
    SpinGuard guard(state->lock);
    copy = state->scheduler.fork();
  }
  return static_cast<const ServerView*>(scheduler->pick(candidates, copy, contextOf(flow, now, tunables)));
}

}  // namespace tunvs
