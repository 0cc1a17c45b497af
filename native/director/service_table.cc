#include "director/service_table.h"

#include <algorithm>
#include <bit>

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

void ServiceTable::index() {
  slots_.clear();
  mask_ = 0;
  for (const auto& service : services_) {
    const bool isUp = std::any_of(service->owned.begin(), service->owned.end(),
                                  [](const auto& server) { return server->weight > 0; });
    addresses_.push_back({service->key.address, isUp});
  }
  std::sort(addresses_.begin(), addresses_.end(), [](const auto& a, const auto& b) {
    return a.address != b.address ? a.address < b.address : a.isUp > b.isUp;
  });
  const auto repeated = std::unique(addresses_.begin(), addresses_.end(),
                                    [](const auto& a, const auto& b) { return a.address == b.address; });
  addresses_.erase(repeated, addresses_.end());
  if (services_.empty()) return;
  const size_t size = std::bit_ceil(services_.size() * 2 + 1);
  slots_.assign(size, nullptr);
  mask_ = size - 1;
  for (const auto& service : services_) {
    const FlowKey key = FlowKey::make(service->key.address, {}, service->key.address, Be16::from(service->key.port),
                                      service->key.protocol);
    size_t i = hashOf(key.words, key.virtualPort(), key.protocol(), key.family) & mask_;
    while (slots_[i] != nullptr) i = (i + 1) & mask_;
    slots_[i] = service.get();
  }
}

const ServiceTable::VirtualAddress* ServiceTable::virtualAddress(const IpAddress& address) const {
  const auto at = std::lower_bound(addresses_.begin(), addresses_.end(), address,
                                   [](const auto& known, const IpAddress& wanted) { return known.address < wanted; });
  return at != addresses_.end() && at->address == address ? &*at : nullptr;
}

}  // namespace tunvs
