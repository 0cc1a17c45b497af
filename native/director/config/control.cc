#include "director/config/control.h"

#include "director/config/checks.h"
#include "director/config/control_draft.h"
#include "director/config/slow_start.h"
#include "forward/tunnel_mtu.h"

#include <algorithm>

namespace tunvs {

Control::Control(const Settings& settings, ServerPool& pool, Epochs& epochs, uint64_t seed, Tick now)
    : settings_(settings), pool_(pool), epochs_(epochs), seeds_(seed), now_(now), traffic_(pool) {
  publish({}, Tunables{}, {});
}

Control::~Control() = default;

SchedulerState Control::freshState() {
  SchedulerState state;
  state.random = SplitMix64(seeds_.next());
  return state;
}

Result<void> Control::apply(std::span<const Operation> operations, size_t* failedAt, bool* serversRemoved) {
  Draft draft;
  draft.now = now_;
  draft.services = current_->services();
  draft.touched.resize(draft.services.size());
  draft.states.resize(draft.services.size());
  draft.removed = removed_;
  draft.marks = current_->marks();
  for (size_t i = 0; i < operations.size(); i++) {
    auto done = applyOne(draft, operations[i]);
    if (done) continue;
    for (const uint32_t id : draft.newIds) pool_.release(id);
    if (failedAt != nullptr) *failedAt = i;
    return done;
  }
  for (size_t i = 0; i < draft.services.size(); i++) {
    if (draft.touched[i] == nullptr) continue;
    ServiceView& service = *draft.touched[i];
    service.prepared = service.scheduler->prepare(service.candidates, service.config.schedulerOptions);
    service.policy = PolicyView(service.policy.policy(), service.candidates);
    SpinGuard guard(service.state->lock);
    service.state->scheduler = draft.states[i];
  }
  removed_ = std::move(draft.removed);
  publish(std::move(draft.services), current_->tunables(), std::move(draft.marks));
  for (ServerState* state : draft.relieved) state->overloaded.store(false, std::memory_order_relaxed);
  settleAccounts(draft);
  if (serversRemoved != nullptr) *serversRemoved = draft.serversRemoved;
  return {};
}

Result<void> Control::applyOne(Draft& draft, const Operation& operation) {
  struct Visitor {
    Control& control;
    Draft& draft;
    Result<void> operator()(const AddService& op) { return control.addService(draft, op); }
    Result<void> operator()(const EditService& op) { return control.editService(draft, op); }
    Result<void> operator()(const DeleteService& op) { return control.deleteService(draft, op.service); }
    Result<void> operator()(const AddServer& op) { return control.addServer(draft, op); }
    Result<void> operator()(const EditServer& op) { return control.editServer(draft, op); }
    Result<void> operator()(const DeleteServer& op) { return control.deleteServer(draft, op); }
    Result<void> operator()(const ClearServices&) {
      while (!draft.services.empty()) {
        if (auto done = control.deleteService(draft, draft.services.back()->key); !done) return done;
      }
      return {};
    }
    Result<void> operator()(const SetMarks& op) { return control.setMarks(draft, op); }
    Result<void> operator()(const StepSlowStarts&) {
      control.stepSlowStarts(draft);
      return {};
    }
    Result<void> operator()(const SetPolicy& op) { return control.setPolicy(draft, op); }
    Result<void> operator()(const ZeroCounters& op) {
      if (op.service && draft.find(*op.service) == SIZE_MAX) return noSuchService(*op.service);
      draft.zeroed.push_back(op.service);
      return {};
    }
  };
  return std::visit(Visitor{*this, draft}, operation);
}

Result<void> Control::addService(Draft& draft, const AddService& op) {
  if (auto checked = checkServiceKey(op.service); !checked) return checked;
  if (auto checked = checkServiceConfig(op.service, op.config); !checked) return checked;
  if (!op.service.isMark() && op.service.port == 0 && !op.config.isPersistent()) {
    return Error::make(ErrorCode::invalidArgument, "the virtual service " + textOf(op.service) +
                                                       " is on every port, which needs persistence; give it a timeout");
  }
  auto scheduler = findScheduler(op.config, 0);
  if (!scheduler) return scheduler.error();
  if (draft.find(op.service) != SIZE_MAX) {
    return Error::make(ErrorCode::exists,
                       "the virtual service " + textOf(op.service) + " exists already; edit it, or delete it first");
  }
  auto view = std::make_shared<ServiceView>();
  view->key = op.service;
  view->configure(op.config);
  view->scheduler = scheduler.value();
  view->state = std::make_shared<ServiceState>();
  draft.services.push_back(view);
  draft.touched.push_back(view);
  draft.states.push_back(freshState());
  draft.added.push_back(op.service);
  view->scheduler->begin({}, draft.states.back());
  return {};
}

Result<void> Control::editService(Draft& draft, const EditService& op) {
  const size_t i = draft.find(op.service);
  if (i == SIZE_MAX) return noSuchService(op.service);
  if (auto checked = checkServiceConfig(op.service, op.config); !checked) return checked;
  auto scheduler = findScheduler(op.config, draft.services[i]->owned.size());
  if (!scheduler) return scheduler.error();
  ServiceView& service = draft.touch(i);
  service.configure(op.config);
  Draft::retell(service);
  for (auto& removed : draft.removed) {
    if (removed.service != op.service || removed.view->reschedulesUdp == op.config.reschedulesUdp) continue;
    auto view = std::make_shared<ServerView>(*removed.view);
    view->reschedulesUdp = op.config.reschedulesUdp;
    removed.view = std::move(view);
  }
  if (service.scheduler != scheduler.value()) {
    // A state of its own: workers may still choose by the old scheduler, with what that one remembers.
    service.scheduler = scheduler.value();
    service.state = std::make_shared<ServiceState>();
    draft.states[i] = freshState();
    service.scheduler->begin(service.candidates, draft.states[i]);
  }
  // Where slow starts end because nobody wants them any more.
  if (service.isRamping)
    draft.changeServers(
        i, [](auto&) { return std::shared_ptr<const ServerView>(); }, /*keepsCursor=*/true);
  return {};
}

Result<void> Control::deleteService(Draft& draft, ServiceKey key) {
  const size_t i = draft.find(key);
  if (i == SIZE_MAX) return noSuchService(key);
  while (!draft.services[i]->owned.empty()) {
    if (auto done = deleteServer(draft, {key, draft.services[i]->owned.front()->key()}); !done) return done;
  }
  const auto at = static_cast<ptrdiff_t>(i);
  draft.services.erase(draft.services.begin() + at);
  draft.touched.erase(draft.touched.begin() + at);
  draft.states.erase(draft.states.begin() + at);
  draft.deleted.push_back(key);
  std::erase(draft.added, key);
  return {};
}

Result<std::shared_ptr<ServerView>> Control::makeServer(uint32_t id, const ServerKey& key, const ServerConfig& config,
                                                        const ServerCondition& condition, const ServiceKey& service) {
  if (auto checked = checkServerConfig(config, condition); !checked) return checked.error();
  const ForwardingTraits& traits = traitsOf(config.tunnel.method);
  // The host itself may be named by a loopback address.
  if (traits.delivery != Delivery::host && !isUnicast(key.address)) {
    return Error::make(ErrorCode::invalidArgument,
                       toString(key.address) + " can't be a real server; its address must be unicast");
  }
  const TunnelOptions& tunnel = config.tunnel;
  if (auto checked = checkTunnel(tunnel, service.address.family, key.address.family); !checked) return checked.error();
  auto view = std::make_shared<ServerView>();
  view->id = id;
  view->address = key.address;
  view->port = key.port;
  view->config = config;
  view->condition = condition;
  view->weight = view->fullWeight();
  view->lastWeight = view->weight;
  view->traits = &traits;
  view->state = &pool_.state(id);
  view->pathMtu = &pool_.pathMtu(id);
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
  return view;
}

Result<void> Control::setMarks(Draft& draft, const SetMarks& op) {
  for (const MarkRule& rule : op.rules) {
    if (auto checked = checkMarkRule(rule); !checked) return checked;
  }
  draft.marks = op.rules;
  return {};
}

Result<void> Control::setPolicy(Draft& draft, const SetPolicy& op) {
  const size_t i = draft.find(op.service);
  if (i == SIZE_MAX) return noSuchService(op.service);
  if (auto checked = checkPolicy(op.policy); !checked) return checked;
  draft.touch(i).policy = PolicyView(op.policy, {});
  return {};
}

Result<void> Control::addServer(Draft& draft, const AddServer& op) {
  const size_t i = draft.find(op.service);
  if (i == SIZE_MAX) return noSuchService(op.service);
  for (const auto& server : draft.services[i]->owned) {
    if (server->key() == op.server) {
      return Error::make(ErrorCode::exists, "real server " + textOf(op.server) + " is in " + textOf(op.service) +
                                                " already; edit it, or delete it first");
    }
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
  made.value()->rampSince = rampSince(service.config, nullptr, made.value()->fullWeight(), draft.now);
  if (old != draft.removed.end()) {
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
  const auto& servers = draft.services[i]->owned;
  const auto at = std::find_if(servers.begin(), servers.end(), [&](const auto& s) { return s->key() == op.server; });
  if (at == servers.end()) {
    return Error::make(ErrorCode::notFound,
                       "real server " + textOf(op.server) + " is not in " + textOf(op.service) + "; add it first");
  }
  auto made = makeServer((*at)->id, op.server, op.config, op.condition, op.service);
  if (!made) return made.error();
  draft.services[i]->tell(*made.value());
  draft.updateOverload(**at, op.config);
  if (made.value()->weight == 0) made.value()->lastWeight = (*at)->lastWeight;
  made.value()->rampSince = rampSince(draft.services[i]->config, at->get(), made.value()->fullWeight(), draft.now);
  const auto index = at - servers.begin();
  draft.changeServers(i, [&](auto& all) {
    return std::exchange(all[static_cast<size_t>(index)], std::shared_ptr<const ServerView>(made.value()));
  });
  return {};
}

Result<void> Control::deleteServer(Draft& draft, const DeleteServer& op) {
  const size_t i = draft.find(op.service);
  if (i == SIZE_MAX) return noSuchService(op.service);
  const auto& servers = draft.services[i]->owned;
  const auto at = std::find_if(servers.begin(), servers.end(), [&](const auto& s) { return s->key() == op.server; });
  if (at == servers.end()) {
    return Error::make(ErrorCode::notFound, "real server " + textOf(op.server) + " is not in " + textOf(op.service));
  }
  auto gone = std::make_shared<ServerView>(**at);
  gone->available = false;
  gone->reschedulesUdp = draft.services[i]->config.reschedulesUdp;
  const auto index = at - servers.begin();
  draft.changeServers(i, [&](auto& all) {
    std::shared_ptr<const ServerView> displaced = all[static_cast<size_t>(index)];
    all.erase(all.begin() + index);
    return displaced;
  });
  draft.removed.push_back({op.service, gone, /*epoch=*/0, std::nullopt});
  draft.serversRemoved = true;
  return {};
}

void Control::stepSlowStarts(Draft& draft) {
  for (size_t i = 0; i < draft.services.size(); i++) {
    if (!isRampDue(*draft.services[i], draft.now)) continue;
    draft.changeServers(
        i, [](auto&) { return std::shared_ptr<const ServerView>(); }, /*keepsCursor=*/true);
  }
}

void Control::publish(std::vector<std::shared_ptr<const ServiceView>> services, const Tunables& tunables,
                      std::vector<MarkRule> marks) {
  auto table = std::make_unique<ServiceTable>();
  table->services_ = std::move(services);
  table->tunables_ = tunables;
  const auto place = [&table](const ServerView* view) {
    if (view->id >= table->byId_.size()) table->byId_.resize(view->id + 1, nullptr);
    table->byId_[view->id] = view;
  };
  std::vector<ServiceKey> gone;
  for (const auto& removed : removed_) {
    table->removed_.push_back(removed.view);
    gone.push_back(removed.service);
    place(removed.view.get());
  }
  for (const auto& service : table->services_) {
    for (const auto& server : service->owned) place(server.get());
  }
  table->index_.build(table->services_, std::move(marks), gone);
  published_.store(table.get(), std::memory_order_release);
  const uint64_t epoch = epochs_.stamp();
  if (current_ != nullptr) retired_.emplace_back(epoch, std::move(current_));
  for (auto& removed : removed_) {
    if (removed.epoch == 0) removed.epoch = epoch;
  }
  current_ = std::move(table);
  epochs_.advance();
}

void Control::setTunables(const Tunables& tunables) { publish(current_->services(), tunables, current_->marks()); }

void Control::collect(Tick now) {
  now_ = now;
  if (now - rampedAt_ >= kSlowStartStep) {
    rampedAt_ = now;
    const auto& services = current_->services();
    const Operation step = StepSlowStarts{};
    if (std::any_of(services.begin(), services.end(), [&](const auto& service) { return isRampDue(*service, now); }))
      static_cast<void>(apply({&step, 1}));  // can't fail
  }
  while (!retired_.empty() && epochs_.isSafe(retired_.front().first)) retired_.pop_front();
  while (!releasing_.empty() && epochs_.isSafe(releasing_.front().first)) {
    pool_.release(releasing_.front().second);
    releasing_.pop_front();
  }
  for (auto& removed : removed_) {
    // In this order: a reader that came before the removal may open a connection until it has passed on.
    const bool mayBeChosen = !epochs_.isSafe(removed.epoch);
    const bool isUsed = pool_.references(removed.view->id).load(std::memory_order_acquire) != 0;
    if (mayBeChosen || isUsed) {
      removed.idleSince.reset();
    } else if (!removed.idleSince) {
      removed.idleSince = now;
    }
  }
  std::vector<uint32_t> released;
  std::erase_if(removed_, [&](const Removed& removed) {
    if (!removed.idleSince || !reached(now, *removed.idleSince + ticksFromSeconds(kTrashSeconds))) return false;
    const uint32_t id = removed.view->id;
    traffic_.forget(removed.service, id);
    released.push_back(id);
    return true;
  });
  if (released.empty()) return;
  // A reader may still hold the snapshot before this one: the ids come free at a later collection.
  publish(current_->services(), current_->tunables(), current_->marks());
  const uint64_t epoch = epochs_.stamp();
  for (const uint32_t id : released) releasing_.emplace_back(epoch, id);
}

std::vector<uint32_t> Control::serversOf(const ServiceView& service) const {
  std::vector<uint32_t> ids;
  for (const auto& server : service.owned) ids.push_back(server->id);
  for (const auto& removed : removed_) {
    if (removed.service == service.key) ids.push_back(removed.view->id);
  }
  return ids;
}

void Control::settleAccounts(const Draft& draft) {
  for (const auto& key : draft.deleted) traffic_.close(key);
  const auto& services = current_->services();
  for (const auto& key : draft.added) {
    for (const auto& service : services) {
      if (service->key == key) traffic_.open(key, serversOf(*service));
    }
  }
  for (const auto& key : draft.zeroed) {
    for (const auto& service : services) {
      if (key && service->key != *key) continue;
      traffic_.zeroService(service->key, serversOf(*service));
      for (const auto& server : service->owned) traffic_.zeroServer(server->id);
    }
  }
}

const ServiceView* Control::find(const ServiceKey& service) const {
  for (const auto& view : current_->services()) {
    if (view->key == service) return view.get();
  }
  return nullptr;
}

Result<uint32_t> Control::serverId(const ServiceKey& service, const ServerKey& server) const {
  const ServiceView* view = find(service);
  if (view == nullptr) return noSuchService(service);
  for (const auto& owned : view->owned) {
    if (owned->key() == server) return owned->id;
  }
  return Error::make(ErrorCode::notFound,
                     "real server " + textOf(server) + " is not in " + textOf(service) + "; add it first");
}

std::vector<ServiceRow> Control::rows(Tick now) const {
  std::vector<ServiceRow> rows;
  for (const auto& service : current_->services()) rows.push_back(rowOf(*service, now));
  return rows;
}

std::optional<ServiceRow> Control::row(const ServiceKey& service, Tick now) const {
  const ServiceView* view = find(service);
  if (view == nullptr) return std::nullopt;
  return rowOf(*view, now);
}

std::optional<ServerRow> Control::row(const ServiceKey& service, const ServerKey& server, Tick now) const {
  const ServiceView* view = find(service);
  if (view == nullptr) return std::nullopt;
  for (const auto& owned : view->owned) {
    if (owned->key() == server) return rowOf(*view, *owned, now);
  }
  return std::nullopt;
}

ServiceRow Control::rowOf(const ServiceView& service, Tick now) const {
  ServiceRow row{service.key,
                 service.config,
                 traffic_.ofService(service.key, serversOf(service)),
                 {},
                 service.policy.policy().connection};
  for (const auto& server : service.owned) row.servers.push_back(rowOf(service, *server, now));
  return row;
}

ServerRow Control::rowOf(const ServiceView& service, const ServerView& server, Tick now) const {
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
          traffic_.ofServer(server.id)};
}

}  // namespace tunvs
