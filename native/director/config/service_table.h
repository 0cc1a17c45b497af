// What the data path knows about services: an immutable snapshot, which Control builds and publishes whole.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "director/config/nat_index.h"
#include "director/config/service_index.h"
#include "director/config/service_view.h"
#include "director/protocol/sync_turns.h"
#include "director/protocol/tunables.h"

namespace tunvs {

class ServiceTable {
 public:
  // Finds the service that a packet is for. `mark` is the device's mark. Returns null when there is none.
  const ServiceView* find(const FlowKey& flow, uint32_t mark = 0) const { return index_.find(flow, mark); }
  // Finds a virtual address. Returns null when the address is not virtual.
  const VirtualAddress* virtualAddress(const IpAddress& address) const { return index_.virtualAddress(address); }

  // Finds any server that a connection may name, removed ones included. Returns null for one made after this snapshot.
  const ServerView* server(uint32_t id) const { return id < byId_.size() ? byId_[id] : nullptr; }

  // All ids are below this.
  size_t idCount() const { return byId_.size(); }

  // Finds a server by the packets that it sends, among those whose packets are rewritten.
  const NatIndex& nat() const { return nat_; }

  // Finds a server that is not there but may still come, by its service. Returns null when it is not awaited.
  const ServerView* awaited(const ServiceKey& service, const ServerKey& server) const {
    const auto at = std::ranges::lower_bound(awaited_, std::pair(service, server), {}, &Awaited::name);
    return at != awaited_.end() && at->name == std::pair(service, server) ? at->view : nullptr;
  }
  // Snapshots are numbered.
  uint64_t generation() const { return generation_; }

  // Tells whether an earlier process's services and servers may come yet; see Control::takeOver().
  bool isAwaiting() const { return isAwaiting_; }

  const Tunables& tunables() const { return tunables_; }
  // Says when backups are told of connections, as the tunables say.
  const SyncTurns& syncTurns() const { return syncTurns_; }
  const std::vector<MarkRule>& marks() const { return index_.marks(); }
  const std::vector<std::shared_ptr<const ServiceView>>& services() const { return services_; }

 private:
  friend class Control;

  std::vector<std::shared_ptr<const ServiceView>> services_;  // in the order of adding
  ServiceIndex index_;
  NatIndex nat_;
  std::vector<const ServerView*> byId_;
  struct Awaited {
    std::pair<ServiceKey, ServerKey> name;
    const ServerView* view;
  };
  std::vector<Awaited> awaited_;  // sorted by name
  uint64_t generation_ = 0;
  std::vector<std::shared_ptr<const ServerView>> removed_;  // owns the removed servers' views
  Tunables tunables_;
  SyncTurns syncTurns_;
  bool isAwaiting_ = false;
};

}  // namespace tunvs
