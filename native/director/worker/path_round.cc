#include "director/worker/path_round.h"

#include <algorithm>

namespace tunvs {

// A length counts as sent lately for one to two of these rounds.
constexpr uint32_t kRoundTicks = ticksFromSeconds(30);
constexpr size_t kServersAtOnce = 1024;  // so that packets never wait long

void PathRound::goOn(const ServiceTable& services, ServerPool& pool, size_t worker, Tick now) {
  if (next_ == 0) {
    if (now - began_ < kRoundTicks) return;
    began_ = now;
  }
  const auto end = static_cast<uint32_t>(std::min(services.idCount(), next_ + kServersAtOnce));
  for (uint32_t id = next_; id < end; id++) {
    const ServerView* server = services.server(id);
    if (server == nullptr) continue;
    pool.counters(worker, id).longest.turn();
    if (worker == 0) pool.kernel().forgetLongest(id);
    server->pathMtu->forgetExpired(now);
  }
  next_ = end < services.idCount() ? end : 0;
}

}  // namespace tunvs
