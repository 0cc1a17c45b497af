// Changes of virtual services, and of their marks and policies.
#include "director/config/control.h"

#include "director/config/checks.h"
#include "director/config/control_draft.h"

namespace tunvs {

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
  view->use(*scheduler.value());
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
    if (removed.service != op.service || removed.view->rescheduleUdp == op.config.rescheduleUdp) continue;
    auto view = std::make_shared<ServerView>(*removed.view);
    view->rescheduleUdp = op.config.rescheduleUdp;
    removed.view = std::move(view);
  }
  if (service.scheduler != scheduler.value()) {
    // The service gets a new state: workers may still choose by the old scheduler and its memory.
    service.use(*scheduler.value());
    service.state = std::make_shared<ServiceState>();
    draft.states[i] = freshState();
    service.scheduler->begin(service.candidates, draft.states[i]);
  }
  // Slow starts end here if the new configuration has none.
  if (service.isRamping) draft.stepSlowStart(i);
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

}  // namespace tunvs
