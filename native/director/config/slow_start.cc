#include "director/config/slow_start.h"

#include <algorithm>

namespace tunvs {

std::optional<Tick> rampSince(const ServiceConfig& service, const ServerView* before, int32_t weight, Tick now) {
  if (service.slowStartSeconds == 0 || weight == 0) return std::nullopt;
  return before != nullptr && before->available && before->fullWeight() > 0 ? before->rampSince : now;
}

std::vector<std::shared_ptr<const ServerView>> rampWeights(ServiceView& service, Tick now) {
  const uint32_t seconds = service.config.slowStartSeconds;
  if (seconds == 0 && !service.isRamping) return {};
  const auto rampOf = [&](const ServerView& server) { return Ramp{server.rampSince, seconds, service.weightScale}; };
  int32_t heaviest = 1;
  service.isRamping = false;
  for (const auto& server : service.owned) {
    heaviest = std::max(heaviest, server->fullWeight());
    service.isRamping |= !rampOf(*server).isOver(now);
  }
  service.weightScale = service.isRamping ? std::max(1, std::min(kSlowStartScale, INT32_MAX / heaviest)) : 1;
  std::vector<std::shared_ptr<const ServerView>> displaced;
  for (auto& server : service.owned) {
    const Ramp ramp = rampOf(*server);
    const bool over = ramp.isOver(now);
    const int32_t weight = effectiveWeight(server->config, server->condition, ramp, now);
    if (weight == server->weight && over == !server->rampSince) continue;
    auto changed = std::make_shared<ServerView>(*server);
    changed->weight = weight;
    if (over) changed->rampSince.reset();
    displaced.push_back(std::exchange(server, std::move(changed)));
  }
  return displaced;
}

bool isRampDue(const ServiceView& service, Tick now) {
  if (!service.isRamping) return false;
  ServiceView copy = service;
  return !rampWeights(copy, now).empty();
}

}  // namespace tunvs
