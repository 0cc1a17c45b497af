#include "director/service_view.h"

namespace tunvs {

const ServerView* ServiceView::schedule(const FlowKey& flow, Tick now, const Tunables& tunables) const {
  const ScheduleContext context{flow,
                                now,
                                config.schedulerOptions,
                                prepared.get(),
                                ticksFromSeconds(static_cast<uint32_t>(tunables.lblcExpiration)),
                                ticksFromSeconds(static_cast<uint32_t>(tunables.lblcrExpiration))};
  SpinGuard guard(state->lock);
  return static_cast<const ServerView*>(scheduler->pick(candidates, state->scheduler, context));
}

}  // namespace tunvs
