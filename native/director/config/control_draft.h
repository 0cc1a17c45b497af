// What a transaction of Control works on: it has private copies of the services that it has touched, and publishes them
// when all is well.
#pragma once

#include <algorithm>

#include "director/config/control.h"
#include "director/config/slow_start.h"

namespace tunvs {

struct Control::Draft {
  std::vector<std::shared_ptr<const ServiceView>> services;
  std::vector<std::shared_ptr<ServiceView>> touched;  // parallel to services; null: still the published one
  std::vector<SchedulerState> states;                 // parallel; what a touched service's scheduler remembers
  std::vector<Removed> removed;
  std::vector<MarkRule> marks;
  std::vector<uint32_t> newIds;  // given back when the transaction fails
  std::vector<ServiceKey> added, deleted;
  std::vector<std::optional<ServiceKey>> zeroed;
  std::vector<ServerState*> relieved;  // whose overload ends with the transaction
  bool serversRemoved = false;
  Tick now = 0;

  // As in IPVS, an edit ends an overload when it lifts or raises the limit.
  void updateOverload(const ServerView& before, const ServerConfig& after) {
    if (after.upperThreshold == 0 || after.upperThreshold > before.config.upperThreshold)
      relieved.push_back(before.state);
  }

  size_t find(const ServiceKey& key) const {
    for (size_t i = 0; i < services.size(); i++) {
      if (services[i]->key == key) return i;
    }
    return SIZE_MAX;
  }

  ServiceView& touch(size_t i) {
    if (touched[i] == nullptr) {
      touched[i] = std::make_shared<ServiceView>(*services[i]);
      services[i] = touched[i];
      SpinGuard guard(touched[i]->state->lock);
      states[i] = touched[i]->state->scheduler;
    }
    return *touched[i];
  }

  // Runs `change` on the service's list of servers and tells the scheduler if it sees another list. Returns the server
  // that `change` took out of the list: it has to live until the scheduler has seen it.
  template <typename Change>
  std::shared_ptr<const ServerView> changeServers(size_t i, Change&& change, bool keepsCursor = false) {
    ServiceView& service = touch(i);
    const std::vector<const Candidate*> before = std::move(service.candidates);
    std::shared_ptr<const ServerView> displaced = change(service.owned);
    const auto ramped = rampWeights(service, now);
    service.list();
    if (service.candidates == before) return displaced;
    service.scheduler->changed(before, service.candidates, states[i],
                               keepsCursor || service.config.schedulerOptions.stableCursor);
    return displaced;
  }

  // Brings the slow starts of the service's servers up to now; the list stays as it is.
  void stepSlowStart(size_t i) {
    changeServers(
        i, [](auto&) { return std::shared_ptr<const ServerView>(); }, /*keepsCursor=*/true);
  }

  // Makes new views of the same servers when what they know of their service has changed. The scheduler is not told.
  static void retell(ServiceView& service) {
    for (auto& server : service.owned) {
      auto view = std::make_shared<ServerView>(*server);
      service.tell(*view);
      server = std::move(view);
    }
    service.list();
  }
};

}  // namespace tunvs
