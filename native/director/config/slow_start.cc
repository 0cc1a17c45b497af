#include "director/config/slow_start.h"

#include <algorithm>

namespace tunvs {

int32_t rampedWeight(int32_t weight, int32_t scale, Tick elapsed, uint32_t seconds) {
  const int64_t total = ticksFromSeconds(seconds);
  const int64_t done = std::min<int64_t>(elapsed, total);
  const int64_t full = int64_t{weight} * scale;
  const int64_t part = kSlowStartFloorPercent * total + (100 - kSlowStartFloorPercent) * done;
  __extension__ using Wide = __int128;
  return std::max(1, static_cast<int32_t>(Wide{full} * part / (100 * total)));
}

std::optional<Tick> rampSince(const ServiceConfig& service, const ServerView* before, int32_t weight, Tick now) {
  if (service.slowStartSeconds == 0 || weight == 0) return std::nullopt;
  return before != nullptr && before->available && before->config.weight > 0 ? before->rampSince : now;
}

std::vector<std::shared_ptr<const ServerView>> rampWeights(ServiceView& service, Tick now) {
  const uint32_t seconds = service.config.slowStartSeconds;
  if (seconds == 0 && !service.isRamping) return {};
  const auto isOver = [&](const ServerView& server) {
    return !server.rampSince || now - *server.rampSince >= ticksFromSeconds(seconds);
  };
  int32_t heaviest = 1;
  service.isRamping = false;
  for (const auto& server : service.owned) {
    heaviest = std::max(heaviest, server->config.weight);
    service.isRamping |= !isOver(*server);
  }
  service.weightScale = service.isRamping ? std::max(1, std::min(kSlowStartScale, INT32_MAX / heaviest)) : 1;
  std::vector<std::shared_ptr<const ServerView>> displaced;
  for (auto& server : service.owned) {
    const bool over = isOver(*server);
    const int32_t weight =
        over ? server->config.weight * service.weightScale
             : rampedWeight(server->config.weight, service.weightScale, now - *server->rampSince, seconds);
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
