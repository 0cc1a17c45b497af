// Lists the configuration together with what was counted.
#include "director/config/control.h"

#include "director/config/checks.h"

#include <algorithm>

namespace tunvs {

const ServiceView* Control::find(const ServiceKey& service) const {
  for (const auto& view : current_->services()) {
    if (view->key == service) return view.get();
  }
  return nullptr;
}

Result<uint32_t> Control::serverId(const ServiceKey& service, const ServerKey& server) const {
  const ServiceView* view = find(service);
  if (view == nullptr) return noSuchService(service);
  const auto at = view->indexOf(server);
  if (!at) return noSuchServer(service, server);
  return view->owned[*at]->id;
}

Result<uint32_t> Control::knownServerId(const ServiceKey& service, const ServerKey& server) const {
  const auto configured = serverId(service, server);
  if (configured) return configured;
  for (const auto& removed : removed_) {
    if (removed.service == service && removed.view->key() == server) return removed.view->id;
  }
  return configured;
}

std::vector<NatServerRow> Control::natServers() const {
  std::vector<NatServerRow> rows;
  const auto add = [&](const ServiceKey& service, const ServerView& server) {
    const ServerView* rewriting = server.suitedTo(/*rewrites=*/true);
    if (rewriting == nullptr || rewriting->traits->takesSource) return;
    rows.push_back({server.key(), service.protocol, service.isFtp()});
  };
  for (const auto& service : current_->services()) {
    for (const auto& server : service->owned) add(service->key, *server);
  }
  for (const auto& removed : removed_) add(removed.service, *removed.view);
  return rows;
}

SourceUse Control::sourceUse(std::span<const std::shared_ptr<const ServiceView>> services) const {
  SourceUse use;
  const auto takesSource = [](const auto& server) { return server->traits->takesSource; };
  const bool isWanted = std::any_of(services.begin(), services.end(), [&](const auto& service) {
    return std::any_of(service->owned.begin(), service->owned.end(), takesSource);
  });
  if (!isWanted) return use;
  for (const auto& service : current_->services()) {
    for (const auto& server : service->owned) use.add(service->key, *server);
  }
  for (const auto& removed : removed_) use.add(removed.service, *removed.view);
  return use;
}

std::vector<ServiceRow> Control::rows(Tick now) const {
  const SourceUse use = sourceUse(current_->services());
  std::vector<ServiceRow> rows;
  for (const auto& service : current_->services()) rows.push_back(rowOf(*service, now, use));
  return rows;
}

std::optional<ServiceRow> Control::row(const ServiceKey& service, Tick now) const {
  for (const auto& view : current_->services()) {
    if (view->key == service) return rowOf(*view, now, sourceUse({&view, 1}));
  }
  return std::nullopt;
}

std::optional<ServerRow> Control::row(const ServiceKey& service, const ServerKey& server, Tick now) const {
  for (const auto& view : current_->services()) {
    if (view->key != service) continue;
    const auto at = view->indexOf(server);
    if (!at) return std::nullopt;
    const ServerView& found = *view->owned[*at];
    const uint64_t inUse = found.traits->takesSource ? sourceUse({&view, 1}).of(service, found.key()) : 0;
    return rowOf(*view, found, now, inUse);
  }
  return std::nullopt;
}

ServiceRow Control::rowOf(const ServiceView& service, Tick now, const SourceUse& use) const {
  ServiceRow row{service.key,
                 service.config,
                 traffic_.ofService(service.key, serversOf(service)),
                 {},
                 service.policy.policy().connection};
  for (const auto& server : service.owned) {
    const uint64_t inUse = server->traits->takesSource ? use.of(service.key, server->key()) : 0;
    row.servers.push_back(rowOf(service, *server, now, inUse));
  }
  return row;
}

ServerRow Control::rowOf(const ServiceView& service, const ServerView& server, Tick now,
                         uint64_t sourcePairsInUse) const {
  const ServerState& state = *server.state;
  return {server.id,
          server.key(),
          server.config,
          server.condition,
          static_cast<double>(server.weight) / service.weightScale,
          state.active.load(std::memory_order_relaxed),
          state.inactive.load(std::memory_order_relaxed),
          state.persistent.load(std::memory_order_relaxed),
          state.overloaded.load(std::memory_order_relaxed),
          server.pathMtu->effective(settings_.pathMtu, now),
          traffic_.ofServer(server.id),
          server.traits->takesSource ? settings_.natSources.capacity(server.address.family) : 0,
          sourcePairsInUse};
}

}  // namespace tunvs
