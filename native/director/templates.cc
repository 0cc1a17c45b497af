#include "director/templates.h"

#include <algorithm>

namespace tunvs {
namespace {

IpAddress masked(const IpAddress& client, const Persistence& persistence) {
  if (client.isV4()) return IpAddress::v4(Be32{client.asV4().raw & persistence.mask4.raw});
  IpAddress part = client;
  for (size_t i = 0; i < part.bytes.size(); i++) {
    const int bits = std::clamp(persistence.prefix6 - static_cast<int>(i) * 8, 0, 8);
    part.bytes[i] &= static_cast<uint8_t>(0xff00 >> bits);
  }
  return part;
}

// IPVS's way of writing a mark where an address belongs.
IpAddress addressOf(uint32_t mark, Family family) {
  IpAddress address = IpAddress::v4(Be32::from(mark));
  address.family = family;
  return address;
}

bool owns(const ServiceView& service, const ServerView& server) {
  return std::any_of(service.owned.begin(), service.owned.end(),
                     [&](const auto& owned) { return owned->id == server.id; });
}

}  // namespace

FlowKey Templates::keyOf(const ServiceView& service, const FlowKey& flow) {
  const ServiceKey& key = service.key;
  const IpAddress client = masked(flow.client(), service.config.persistence);
  if (key.isMark()) return FlowKey::make(client, {}, addressOf(key.mark, flow.family), {}, 0, FlowKind::persistence);
  if (key.hasPrefix() || key.hasRange())
    return FlowKey::make(client, {}, key.address, Be16::from(key.port), key.protocol, FlowKind::rangePersistence);
  // FTP's data connections come on any port.
  const bool isOnePort = key.port == flow.virtualPort().host() && key.port != kFtpPort;
  return FlowKey::make(client, {}, flow.virtualAddress(), isOnePort ? flow.virtualPort() : Be16{}, key.protocol,
                       FlowKind::persistence);
}

const ServerView* Templates::targetOf(const ServiceTable*& services, const ServiceView& service,
                                      const Conn& found) const {
  const ServerView* server = entries_.serverOf(services, found);
  if (server == nullptr || !server->available) return nullptr;
  if (server->weight == 0 && services->tunables().expireQuiescentTemplate != 0) return nullptr;
  return found.kind != FlowKind::rangePersistence || owns(service, *server) ? server : nullptr;
}

const ServerView* Templates::preview(const ServiceTable*& services, const ServiceView& service, const FlowKey& key,
                                     Tick now) const {
  ConnTable& conns = entries_.table(key.family);
  const uint64_t hash = conns.hash(key);
  ConnTable::Guard guard(conns, hash);
  const Conn* found = conns.find(key, hash);
  if (found == nullptr || (ConnTable::hasExpired(*found, now) && !Entries::isInUse(*found))) return nullptr;
  return targetOf(services, service, *found);
}

Templates::Affinity Templates::follow(WorkerStats& stats, const ServiceTable*& services, const ServiceView& service,
                                      const FlowKey& key, Tick now) {
  ConnTable& conns = entries_.table(key.family);
  const uint64_t hash = conns.hash(key);
  ConnTable::Guard guard(conns, hash);
  return followLocked(stats, services, service, key, hash, now);
}

Templates::Affinity Templates::followLocked(WorkerStats& stats, const ServiceTable*& services,
                                            const ServiceView& service, const FlowKey& key, uint64_t hash, Tick now) {
  ConnTable& conns = entries_.table(key.family);
  Conn* found = conns.find(key, hash);
  if (found == nullptr) return {};
  if (ConnTable::hasExpired(*found, now) && entries_.onDue(stats, key.family, *found) == 0) {
    conns.removeLocked(found, hash);
    return {};
  }
  const ServerView* server = targetOf(services, service, *found);
  if (server == nullptr) {
    found->flags.fetch_or(kConnInvalid, std::memory_order_release);
    return {};
  }
  found->control.fetch_add(1, std::memory_order_acq_rel);
  conns.setDeadlineLocked(found, hash, now + found->packets.load(std::memory_order_relaxed));
  return {server, conns.referenceOf(found)};
}

Templates::Affinity Templates::make(WorkerStats& stats, const ServiceTable*& services, const ServiceView& service,
                                    const FlowKey& key, const ServerView& server, Tick now) {
  ConnTable& conns = entries_.table(key.family);
  const uint64_t hash = conns.hash(key);
  const Tick timeout = ticksFromSeconds(service.config.persistence.timeoutSeconds);
  bool hasEvicted = false;
  Affinity affinity;
  {
    ConnTable::Guard guard(conns, hash);
    affinity = followLocked(stats, services, service, key, hash, now);
    if (affinity.server != nullptr) return affinity;
    Conn* made = entries_.insertLocked(stats, key, hash, server.id, kConnInactive, now + timeout, hasEvicted);
    if (made != nullptr) {
      made->packets.store(timeout, std::memory_order_relaxed);
      made->control.store(1, std::memory_order_release);
      entries_.bindTemplate(server);
      stats.templatesCreated.add(1);
      affinity = {&server, conns.referenceOf(made)};
    }
  }
  entries_.settle(hasEvicted);
  return affinity;
}

}  // namespace tunvs
