// Virtual services and real servers as of one snapshot of the configuration.
//
// What changes with the packets (counts, scheduler cursors) lies in ServerState and ServiceState, which snapshots
// share.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/spin_lock.h"
#include "core/ticks.h"
#include "director/config/effective_weight.h"
#include "director/config/policy.h"
#include "director/config/service_config.h"
#include "director/config/service_key.h"
#include "director/protocol/tunables.h"
#include "forward/forward.h"
#include "forward/path_mtu.h"
#include "packet/output_packet.h"
#include "scheduler/scheduler.h"

namespace tunvs {

struct ServerCounters;

// A real server as of one snapshot; immutable.
struct ServerView : Candidate {
  ServerConfig config;    // `weight`, which schedulers go by, is made of this and the condition: see effectiveWeight()
  bool available = true;  // false: removed, but connections still name it
  bool carries = true;    // false: removed, or down, and so its connections' packets don't go to it; see mustEnd()
  const ForwardingTraits* traits = nullptr;  // of config.tunnel.method
  bool suitsKernel = false;                  // a fast path in the kernel may send to it
  bool isReachable = false;                  // false: the director has no address of the family that the method needs
  uint32_t plainBytes = 0;                   // packets up to this length are sent without any look-up
  uint32_t rewrittenBytes = 0;               // the same of packets that are rewritten
  std::vector<OuterHeader> outers;           // one per source address, a power of two of them; one where none is needed
  PathMtu* pathMtu = nullptr;                // lives as long as `state`
  ServerCounters* counters = nullptr;        // worker 0's, for ServerPool::ofWorker(); live as long as `state`

  std::optional<Tick> rampSince;  // when its slow start began, while one is under way
  bool rescheduleUdp = false;     // its service's, for when it carries nothing

  uint32_t outerMask = 0;  // outers.size() - 1

  // These are its service's, for code that has the connection and not the service.
  std::shared_ptr<const TimeoutTicks> timeouts;  // null: the director's
  bool isOnePacket = false;
  uint32_t mark = 0;  // 0: it goes by address

  bool isAwaited = false;  // an earlier process had it, and this one may get it yet; until then available == false

  // The view before the last edit that began or ended rewriting: open connections stay with what they began with.
  std::shared_ptr<const ServerView> former;

  ServerCondition condition;  // last, so that what packets read lies close together

  const OuterHeader& outer(uint64_t flowHash) const { return outers[flowHash >> 8 & outerMask]; }

  // Returns the view by whose method packets go that are rewritten, or that are not; null: there is none.
  const ServerView* suitedTo(bool rewrites) const { return traits->rewrites() == rewrites ? this : former.get(); }
  // Returns the way by which packets leave that are not for this host itself.
  OutputWay way() const { return traits->rewrites() ? OutputWay::routed : OutputWay::server; }

  ServerKey key() const { return {address, port}; }
  int32_t fullWeight() const { return tunvs::fullWeight(config, condition); }
};

// What a service's scheduler remembers; mutable. Snapshots share it until the scheduler is changed.
struct ServiceState {
  SpinLock lock;  // guards `scheduler`
  SchedulerState scheduler;
};

// A virtual service as of one snapshot; immutable.
struct ServiceView {
  ServiceKey key;
  ServiceConfig config;
  const Scheduler* scheduler = nullptr;                  // set by use()
  bool remembers = true;                                 // scheduler->traits().remembers
  std::vector<std::shared_ptr<const ServerView>> owned;  // newest first, IPVS's list order
  std::vector<const Candidate*> candidates;              // those that are in the list, for the scheduler
  std::shared_ptr<const Prepared> prepared;              // made from the candidates by the scheduler
  std::shared_ptr<ServiceState> state;
  PolicyView policy;
  bool isRamping = false;                        // a slow start is under way
  int32_t weightScale = 1;                       // factor for the weights that schedulers see meanwhile
  std::shared_ptr<const TimeoutTicks> timeouts;  // null: the director's

  // Sets config and what follows from it.
  void configure(const ServiceConfig& with);
  // Sets the scheduler and what follows from it.
  void use(const Scheduler& with);
  // Lists the candidates anew.
  void list();
  // Tells a server what it has to know of its service.
  void tell(ServerView& server) const;

  // Returns a server's position in `owned`; nothing when it is not there.
  std::optional<size_t> indexOf(const ServerKey& server) const;

  // Tells whether packets to this port may be scheduled without persistence.
  bool takes(Be16 port) const {
    return key.isMark() ||
           (port.host() >= key.port && port.host() <= std::max(key.port, key.lastPort) && key.port != 0);
  }
  // Tells whether packets to this port are of a data connection that one of FTP's control connections has announced.
  bool isFtpData(Be16 port) const { return key.isFtp() && !takes(port); }
  // Returns the server for a new connection; null when none may take it. `turn` holds what the service's policy has
  // decided, if one was asked.
  const ServerView* schedule(const FlowKey& flow, Tick now, const Tunables& tunables, PolicyTurn* turn = nullptr) const;
  // Returns what the policy's table says; null when there is no table, or it leads nowhere.
  const ServerView* fromTable(const FlowKey& flow) const;
  // Returns the server that the scheduler would choose now. Asking changes nothing.
  const ServerView* preview(const FlowKey& flow, Tick now, const Tunables& tunables) const;

 private:
  ScheduleContext contextOf(const FlowKey& flow, Tick now, const Tunables& tunables) const;
};

}  // namespace tunvs
