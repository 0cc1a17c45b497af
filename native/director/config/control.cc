#include "director/config/control.h"

#include "director/config/checks.h"
#include "director/config/circle.h"
#include "director/config/control_draft.h"
#include "director/config/one_packet_answers.h"
#include "director/config/slow_start.h"

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
  const auto refuse = [&](size_t at, Error error) -> Result<void> {
    for (const uint32_t id : draft.newIds) pool_.release(id);
    if (failedAt != nullptr) *failedAt = at;
    return error;
  };
  for (size_t i = 0; i < operations.size(); i++) {
    if (auto done = applyOne(draft, operations[i]); !done) return refuse(i, done.error());
  }
  // The whole is looked at, since an address or an endpoint may go from one service to another within a transaction, in
  // either order.
  size_t clash = 0;
  if (auto done = checkOnePacketAnswers(draft.services, operations, &clash); !done) return refuse(clash, done.error());
  if (std::ranges::any_of(operations, [&](const Operation& op) { return mayMakeCircle(op); })) {
    if (const auto circle = findCircle(draft.services, draft.marks))
      return refuse(circle->madeBy(operations), circle->error());
  }
  if (auto done = noteIn(draft, operations); !done) return refuse(operations.size() - 1, done.error());
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

// Health changes servers all the time, and no address or method by that.
bool Control::mayMakeCircle(const Operation& operation) const {
  const auto rewrites = [](const ServerConfig& config) { return traitsOf(config.tunnel.method).rewrites(); };
  if (std::holds_alternative<AddService>(operation) || std::holds_alternative<SetMarks>(operation)) return true;
  if (const auto* add = std::get_if<AddServer>(&operation)) return rewrites(add->config);
  const auto* edit = std::get_if<EditServer>(&operation);
  if (edit == nullptr || !rewrites(edit->config)) return false;
  const ServiceView* service = find(edit->service);
  const auto at = service == nullptr ? std::nullopt : service->indexOf(edit->server);
  return !at || !service->owned[*at]->traits->rewrites();
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

void Control::publish(std::vector<std::shared_ptr<const ServiceView>> services, const Tunables& tunables,
                      std::vector<MarkRule> marks) {
  auto table = std::make_unique<ServiceTable>();
  table->services_ = std::move(services);
  table->tunables_ = tunables;
  table->syncTurns_ = SyncTurns(syncSettingsOf(tunables));
  table->isAwaiting_ = isAwaiting_;
  const auto place = [&table](const ServerView* view) {
    if (view->id >= table->byId_.size()) table->byId_.resize(view->id + 1, nullptr);
    table->byId_[view->id] = view;
  };
  std::vector<ServiceKey> gone;
  for (const auto& removed : removed_) {
    table->removed_.push_back(removed.view);
    gone.push_back(removed.service);
    if (removed.view->isAwaited)
      table->awaited_.push_back({{removed.service, removed.view->key()}, removed.view.get()});
    place(removed.view.get());
    table->nat_.add(removed.service, nullptr, *removed.view);
  }
  for (const auto& service : table->services_) {
    for (const auto& server : service->owned) {
      place(server.get());
      table->nat_.add(service->key, service.get(), *server);
    }
  }
  std::ranges::sort(table->awaited_, {}, &ServiceTable::Awaited::name);
  table->generation_ = ++generation_;
  table->nat_.sort();
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
    // The order matters: a reader that came before the removal may still open a connection until it has passed on.
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
    if (directory_ != nullptr) directory_->erase(id);
    released.push_back(id);
    return true;
  });
  if (released.empty()) return;
  // A reader may still hold the previous snapshot, so the ids are released at a later collection.
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

}  // namespace tunvs
