// What the data path knows about services: an immutable snapshot, built by Control and published whole.
//
// What changes with the packets (counts, scheduler cursors) lies in ServerState and ServiceState, which snapshots
// share.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/inet.h"
#include "core/spin_lock.h"
#include "core/ticks.h"
#include "director/mark_rule.h"
#include "director/path_mtu.h"
#include "director/service_config.h"
#include "director/service_key.h"
#include "director/tcp_state.h"
#include "director/tunables.h"
#include "forward/forward.h"
#include "scheduler/scheduler.h"

namespace tunvs {

// Immutable: a real server as of one snapshot.
struct ServerView : Candidate {
  ServerConfig config;    // config.weight == weight
  bool available = true;  // false: removed, but connections still name it
  uint32_t innerMtu = 0;  // the longest packet for which nothing has to be looked up; 0: the path is too narrow
  std::vector<OuterHeader>
      outers;  // one per source address, a power of two of them; empty: the director has no such address
  PathMtu* pathMtu = nullptr;  // as long-lived as `state`

  uint32_t outerMask = 0;  // outers.size() - 1

  const OuterHeader& outer(uint64_t flowHash) const { return outers[flowHash >> 8 & outerMask]; }

  ServerKey key() const { return {address, port}; }
};

// Mutable: what a service's scheduler remembers. Shared by the snapshots between two changes of the scheduler.
struct ServiceState {
  SpinLock lock;  // guards `scheduler`
  SchedulerState scheduler;
};

// Immutable: a virtual service as of one snapshot.
struct ServiceView {
  ServiceKey key;
  ServiceConfig config;
  const Scheduler* scheduler = nullptr;
  std::vector<std::shared_ptr<const ServerView>> owned;  // newest first, IPVS's list order
  std::vector<const Candidate*> candidates;              // the same, for the scheduler
  std::shared_ptr<const Prepared> prepared;              // from the candidates, by the scheduler
  std::shared_ptr<ServiceState> state;

  // The server for a new connection; null when none may take it.
  const ServerView* schedule(const FlowKey& flow, Tick now, const Tunables& tunables) const;
};

class ServiceTable {
 public:
  // Looks up by what a packet carries. Null when there is none.
  const ServiceView* find(const FlowKey& key) const {
    if (slots_.empty()) return nullptr;
    for (size_t i = hashOf(key.words, key.virtualPort(), key.protocol(), key.family) & mask_;; i = (i + 1) & mask_) {
      const ServiceView* service = slots_[i];
      if (service == nullptr) return nullptr;
      if (service->key.port == key.virtualPort().host() && service->key.protocol == key.protocol() &&
          service->key.address == key.virtualAddress()) {
        return service;
      }
    }
  }

  // An address of at least one virtual service, or of one that is gone but not forgotten: connections still name its
  // servers.
  struct VirtualAddress {
    IpAddress address;
    bool isUp;  // one of its services has a real server that may get connections
  };
  // Null when it is none.
  const VirtualAddress* virtualAddress(const IpAddress& address) const;

  // Any server that a connection may name, removed ones included. Null: made after this snapshot.
  const ServerView* server(uint32_t id) const { return id < byId_.size() ? byId_[id] : nullptr; }

  const Tunables& tunables() const { return tunables_; }
  const std::vector<MarkRule>& marks() const { return marks_; }
  const std::vector<std::shared_ptr<const ServiceView>>& services() const { return services_; }

 private:
  friend class Control;
  static size_t hashOf(const uint64_t* words, Be16 port, uint8_t protocol, Family family) {
    const uint64_t address = family == Family::ipv4 ? words[0] >> 32 : words[2] ^ words[3];
    return static_cast<size_t>(((address * 31 + port.raw) * 31 + protocol) * 0x9e3779b97f4a7c15 >> 32);
  }
  void index();

  std::vector<std::shared_ptr<const ServiceView>> services_;  // in the order of adding
  std::vector<const ServiceView*> slots_;                     // open addressing, at most half full
  size_t mask_ = 0;
  std::vector<VirtualAddress> addresses_;  // sorted
  std::vector<const ServerView*> byId_;
  std::vector<std::shared_ptr<const ServerView>> removed_;  // owns the removed servers' views
  Tunables tunables_;
  std::vector<MarkRule> marks_;  // the first that fits counts
};

}  // namespace tunvs
