#include "director/connection/templates.h"

#include <algorithm>

namespace tunvs {
namespace {

bool owns(const ServiceView& service, const ServerView& server) {
  return std::any_of(service.owned.begin(), service.owned.end(),
                     [&](const auto& owned) { return owned->id == server.id; });
}

}  // namespace

const ServerView* Templates::targetOf(const ServiceTable*& services, const ServiceView& service,
                                      const Conn& found) const {
  const ServerView* server = entries_.serverOf(services, found);
  if (server == nullptr || !server->available || !server->condition.health.takesClients()) return nullptr;
  if (server->weight == 0 && services->tunables().expireQuiescentTemplate != 0) return nullptr;
  return found.kind != FlowKind::rangePersistence || owns(service, *server) ? server : nullptr;
}

Conn* Templates::findLocked(const FlowKey& key, uint64_t hash, const TemplateName& name) const {
  const ConnTable& conns = entries_.table(key.family);
  Conn* found = conns.find(key, hash);
  if (found == nullptr || name.data.empty()) return found;
  return entries_.persistenceData().is(key.family, conns.referenceOf(found), name.data) ? found : nullptr;
}

const ServerView* Templates::preview(const ServiceTable*& services, const ServiceView& service,
                                     const TemplateName& name, Tick now) const {
  for (size_t i = 0; i < name.variants(); i++) {
    const FlowKey key = name.variant(i);
    const ConnTable& conns = entries_.table(key.family);
    const uint64_t hash = conns.hash(key);
    ConnTable::Guard guard(conns, hash);
    const Conn* found = findLocked(key, hash, name);
    if (found == nullptr || (ConnTable::hasExpired(*found, now) && !Entries::isInUse(*found))) continue;
    return targetOf(services, service, *found);
  }
  return nullptr;
}

Templates::Affinity Templates::follow(Pass& pass, const ServiceView& service, const TemplateName& name) {
  for (size_t i = 0; i < name.variants(); i++) {
    const FlowKey key = name.variant(i);
    ConnTable& conns = entries_.table(key.family);
    const uint64_t hash = conns.hash(key);
    ConnTable::Guard guard(conns, hash);
    const Affinity affinity = followLocked(pass, service, key, hash, name);
    if (affinity.server != nullptr) return affinity;
  }
  return {};
}

Templates::Affinity Templates::followLocked(Pass& pass, const ServiceView& service, const FlowKey& key, uint64_t hash,
                                            const TemplateName& name) {
  ConnTable& conns = entries_.table(key.family);
  Conn* found = findLocked(key, hash, name);
  if (found == nullptr) return {};
  Loose none;  // a template itself counts on none
  if (ConnTable::hasExpired(*found, pass.now) && entries_.onDue(pass.worker.stats, key.family, *found, none) == 0) {
    conns.removeLocked(found, hash);
    return {};
  }
  const ServerView* server = targetOf(pass.services, service, *found);
  if (server == nullptr) {
    found->flags.fetch_or(kConnInvalid, std::memory_order_release);
    return {};
  }
  found->control.fetch_add(1, std::memory_order_acq_rel);
  entries_.moveLocked(found, key.family, hash, pass.now + found->packets.load(std::memory_order_relaxed), pass.now);
  return {server, conns.referenceOf(found)};
}

std::optional<Templates::Affinity> Templates::make(Pass& pass, const ServiceView& service, const TemplateName& name,
                                                   const ServerView& server) {
  const Tick timeout = ticksFromSeconds(service.config.persistence.timeoutSeconds);
  for (size_t i = 0; i < name.variants(); i++) {
    const FlowKey key = name.variant(i);
    ConnTable& conns = entries_.table(key.family);
    const uint64_t hash = conns.hash(key);
    Loose loose;
    std::optional<Affinity> made;
    {
      ConnTable::Guard guard(conns, hash);
      const Affinity known = followLocked(pass, service, key, hash, name);
      if (known.server != nullptr) return known;
      if (conns.find(key, hash) != nullptr) continue;  // another template is there
      const NewConn fresh{
          .server = server.id, .expires = pass.now + timeout, .flags = kConnInactive, .packets = timeout, .control = 1};
      if (const Conn* conn = entries_.insertLocked(pass.worker.stats, key, hash, fresh, pass.now, loose)) {
        entries_.bindTemplate(server);
        pass.worker.stats.templatesCreated.add(1);
        made = Affinity{&server, conns.referenceOf(conn)};
        if (!name.data.empty()) entries_.persistenceData().set(key.family, made->controller, name.data);
      }
    }
    entries_.dropLoose(pass.worker.stats, key.family, loose);
    return made;
  }
  return Affinity{&server, 0};
}

}  // namespace tunvs
