// Changes of real servers, and the steps of their slow starts.
#include "director/config/control.h"

#include "director/config/checks.h"
#include "director/config/control_draft.h"
#include "director/config/slow_start.h"
#include "forward/tunnel_mtu.h"

#include <algorithm>
#include <utility>

namespace tunvs {
namespace {

// Returns the view that connections of before the edit go by, if their packets went in another way than by `traits`.
std::shared_ptr<const ServerView> formerOf(const std::shared_ptr<const ServerView>& before,
                                           const ForwardingTraits& traits) {
  if (before->traits->rewrites() == traits.rewrites()) return before->former;
  if (before->former == nullptr) return before;
  auto alone = std::make_shared<ServerView>(*before);
  alone->former = nullptr;
  return alone;
}

}  // namespace

Result<std::shared_ptr<ServerView>> Control::makeServer(uint32_t id, const ServerKey& key, const ServerConfig& config,
                                                        const ServerCondition& condition, const ServiceKey& service) {
  if (auto checked = checkServerConfig(config, condition); !checked) return checked.error();
  const ForwardingTraits& traits = traitsOf(config.tunnel.method);
  // A loopback address may name the host itself.
  if (traits.delivery != Delivery::host && !isUnicast(key.address)) {
    return Error::make(ErrorCode::invalidArgument,
                       toString(key.address) + " can't be a real server; its address must be unicast");
  }
  // The host routes such an address to the director itself, and a packet for it would come back.
  if (traits.delivery != Delivery::host && settings_.natSources.contains(key.address)) {
    return Error::make(ErrorCode::invalidArgument,
                       toString(key.address) +
                           " can't be a real server, because full NAT gives this address to packets as their source" +
                           "; take it out of fullNat.sources");
  }
  const TunnelOptions& tunnel = config.tunnel;
  if (auto checked = checkTunnel(tunnel, service.address.family, key.address.family); !checked) return checked.error();
  if (tunnel.told != ClientTold::none && service.isFtp()) {
    return Error::make(ErrorCode::invalidArgument,
                       "real servers of FTP are not told the client's address, as FTP's own connections are read and "
                       "changed; leave clientAddress at 'none'");
  }
  if (traits.takesSource && settings_.natSources.capacity(key.address.family) == 0) {
    return Error::make(ErrorCode::invalidArgument, "full NAT has no " +
                                                       std::string(key.address.isV4() ? "IPv4" : "IPv6") +
                                                       " address to give to packets for " + toString(key.address) +
                                                       "; open the director with one in fullNat.sources");
  }
  auto view = std::make_shared<ServerView>();
  view->id = id;
  view->address = key.address;
  view->port = key.port;
  view->mark = service.mark;
  view->config = config;
  view->condition = condition;
  view->carries = condition.health.isUp || condition.health.onDown == OnDown::keep;
  view->weight = view->fullWeight();
  // The last weight does not depend on health or drains: directors agree on it, whatever each has seen of the server.
  view->lastWeight = fullWeight(config, {.assignedWeight = condition.assignedWeight});
  view->traits = &traits;
  view->state = &pool_.state(id);
  view->pathMtu = &pool_.pathMtu(id);
  view->counters = &pool_.counters(0, id);
  const auto& source = settings_.source(key.address.family);
  view->isReachable = !traits.needsSource || source;
  if (!traits.needsSource) {
    view->outers.push_back(makeOuterHeader(tunnel, service.address.family, key.address, key.address));
  } else if (source) {
    for (size_t i = 0; i < source->count(); i++) {
      view->outers.push_back(makeOuterHeader(tunnel, service.address.family, source->at(i), key.address));
    }
  }
  if (view->isReachable) view->outerMask = static_cast<uint32_t>(view->outers.size() - 1);
  if (view->isReachable && traits.hasPath())
    view->plainBytes = tunnelMtu(settings_.pathMtu, tunnel, service.address.family, key.address.family).value_or(0);
  if (traits.rewrites()) view->rewrittenBytes = std::exchange(view->plainBytes, 0);
  view->suitsKernel = id < KernelTallies::kMaxServers && view->isReachable && traits.hasPath() && !traits.rewrites() &&
                      tunnel.checksum != TunnelChecksum::remote;
  return view;
}

Result<void> Control::addServer(Draft& draft, const AddServer& op) {
  const size_t i = draft.find(op.service);
  if (i == SIZE_MAX) return noSuchService(op.service);
  if (draft.services[i]->indexOf(op.server)) {
    return Error::make(ErrorCode::exists, "real server " + textOf(op.server) + " is in " + textOf(op.service) +
                                              " already; edit it, or delete it first");
  }
  const ServiceView& service = *draft.services[i];
  if (auto checked = service.scheduler->accepts(service.config.schedulerOptions, service.owned.size() + 1); !checked)
    return checked;
  const auto old = std::find_if(draft.removed.begin(), draft.removed.end(), [&](const Removed& removed) {
    return removed.service == op.service && removed.view->key() == op.server;
  });
  uint32_t id;
  if (old != draft.removed.end()) {
    id = old->view->id;
  } else {
    auto added = pool_.add();
    if (!added) return added.error();
    id = added.value();
    draft.newIds.push_back(id);
  }
  auto made = makeServer(id, op.server, op.config, op.condition, op.service);
  if (!made) return made.error();
  if (old == draft.removed.end() || !old->view->isAwaited)
    made.value()->rampSince = rampSince(service.config, nullptr, made.value()->fullWeight(), draft.now);
  if (old != draft.removed.end()) {
    made.value()->former = formerOf(old->view, *made.value()->traits);
    draft.updateOverload(*old->view, op.config);
    draft.removed.erase(old);
  }
  service.tell(*made.value());
  draft.changeServers(i, [&](auto& servers) -> std::shared_ptr<const ServerView> {
    servers.insert(servers.begin(), made.value());
    return nullptr;
  });
  return {};
}

Result<void> Control::editServer(Draft& draft, const EditServer& op) {
  const size_t i = draft.find(op.service);
  if (i == SIZE_MAX) return noSuchService(op.service);
  const auto at = draft.services[i]->indexOf(op.server);
  if (!at) return noSuchServer(op.service, op.server);
  const ServerView& before = *draft.services[i]->owned[*at];
  auto made = makeServer(before.id, op.server, op.config, op.condition, op.service);
  if (!made) return made.error();
  ServerView& server = *made.value();
  server.former = formerOf(draft.services[i]->owned[*at], *server.traits);
  draft.services[i]->tell(server);
  draft.updateOverload(before, op.config);
  if (server.lastWeight == 0) server.lastWeight = before.lastWeight;
  server.rampSince = rampSince(draft.services[i]->config, &before, server.fullWeight(), draft.now);
  draft.changeServers(
      i, [&](auto& all) { return std::exchange(all[*at], std::shared_ptr<const ServerView>(made.value())); });
  return {};
}

Result<void> Control::deleteServer(Draft& draft, const DeleteServer& op) {
  const size_t i = draft.find(op.service);
  if (i == SIZE_MAX) return noSuchService(op.service);
  const auto at = draft.services[i]->indexOf(op.server);
  if (!at) return noSuchServer(op.service, op.server);
  auto gone = std::make_shared<ServerView>(*draft.services[i]->owned[*at]);
  gone->available = false;
  gone->carries = false;
  draft.changeServers(i, [&](auto& all) {
    std::shared_ptr<const ServerView> displaced = all[*at];
    all.erase(all.begin() + static_cast<ptrdiff_t>(*at));
    return displaced;
  });
  draft.removed.push_back({op.service, gone, /*epoch=*/0, std::nullopt});
  draft.serversRemoved = true;
  return {};
}

void Control::stepSlowStarts(Draft& draft) {
  for (size_t i = 0; i < draft.services.size(); i++) {
    if (isRampDue(*draft.services[i], draft.now)) draft.stepSlowStart(i);
  }
}

}  // namespace tunvs
