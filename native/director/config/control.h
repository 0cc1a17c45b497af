// Control holds the director's configuration, changes it in transactions and publishes it as ServiceTable snapshots.
//
// Removed servers stay known while connections name them ("trash"). So their packets are dropped rather than taken for
// new flows, and a server that comes back gets its connections and counters back.
//
// Thread safety: one control thread. Readers load table() between Epochs::enter() and leave().
// Invariants:
//  1. A transaction is published whole or leaves nothing behind.
//  2. A snapshot is freed only when every reader has passed on (Epochs).
//  3. A server's id is reused only when no connection references it and no reader can have a snapshot with it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/epochs.h"
#include "director/config/operations.h"
#include "director/config/server_directory.h"
#include "director/config/server_pool.h"
#include "director/config/service_table.h"
#include "director/config/settings.h"
#include "director/config/source_use.h"
#include "director/config/traffic.h"

namespace tunvs {

struct ServerRow {
  uint32_t id;
  ServerKey key;
  ServerConfig config;
  ServerCondition condition;
  double effectiveWeight;  // see effectiveWeight(); a slow start may leave a fraction
  int32_t active, inactive, persistent;
  bool overloaded;
  uint32_t pathMtu;  // bytes, as of now
  Traffic traffic;
  uint64_t sourcePairs;  // pairs of address and port that full NAT has for its connections; 0: it needs none
  // How many of them are taken: see SourceUse. 0 where `sourcePairs` is.
  uint64_t sourcePairsInUse;
};

struct ServiceRow {
  ServiceKey key;
  ServiceConfig config;
  Traffic traffic;
  std::vector<ServerRow> servers;  // newest first
  std::shared_ptr<const ConnectionPolicy> policy;
};

// A server that sends packets for the director to rewrite.
struct NatServerRow {
  ServerKey server;
  uint8_t protocol;  // 0: any
  bool isFtp;
};

class Control {
 public:
  // `seed` is the seed of the schedulers' randomness.
  Control(const Settings& settings, ServerPool& pool, Epochs& epochs, uint64_t seed = 0, Tick now = 0);
  // From now on the directory says what ids stand for. REQUIRES: it outlives this; nothing was applied yet
  void keepIn(ServerDirectory& directory) { directory_ = &directory; }
  // Takes over the servers that the directory has, as ones that were removed and are not forgotten: one that is added
  // again gets its id back, and with it its connections. They are awaited until settle(), and nobody is told meanwhile
  // that something is not there. Returns their ids, ascending. REQUIRES: as keepIn()
  std::vector<uint32_t> takeOver();
  // Awaits none of them any more. Returns true when some have not come: they are as if removed now.
  bool settle();
  // From now on a server is awaited that a peer has connections to: entries may name it, and get nothing until it is
  // added. Does nothing where it is there already, can't be one, or too many are awaited so; see kMostOfPeers.
  struct Awaiting {
    ServiceKey service;
    ServerKey server;
    ServerConfig config;
  };
  void await(std::span<const Awaiting> servers);
  static constexpr size_t kMostOfPeers = 1024;
  ~Control();

  // Applies all operations or none. On an error `failedAt`, if given, is the index of the operation that was refused.
  // `serversRemoved` tells whether a server became unavailable.
  Result<void> apply(std::span<const Operation> operations, size_t* failedAt = nullptr, bool* serversRemoved = nullptr);
  const Tunables& tunables() const { return current_->tunables(); }
  void setTunables(const Tunables& tunables);

  std::vector<ServiceRow> rows(Tick now) const;
  // Reads one row without a look at the others. Returns nothing when it is not configured.
  std::optional<ServiceRow> row(const ServiceKey& service, Tick now) const;
  std::optional<ServerRow> row(const ServiceKey& service, const ServerKey& server, Tick now) const;
  // Fails when the server is not configured.
  Result<uint32_t> serverId(const ServiceKey& service, const ServerKey& server) const;
  // Returns the id of a server that is configured, or was removed and is not forgotten.
  Result<uint32_t> knownServerId(const ServiceKey& service, const ServerKey& server) const;

  // Returns the servers whose packets the director has to see, as their connections are rewritten: also those that were
  // edited or removed and are not forgotten.
  std::vector<NatServerRow> natServers() const;

  // Readers call this. REQUIRES: between Epochs::enter() and leave().
  const ServiceTable* table() const { return published_.load(std::memory_order_acquire); }

  // Frees what nobody can use any more: old snapshots and removed servers without connections. Advances slow starts, at
  // most once in kSlowStartStep. Call it now and then, and before apply(), which takes the time from it.
  void collect(Tick now);

  static constexpr uint32_t kTrashSeconds = 120;  // how long an unused removed server is remembered

 private:
  bool isAwaiting_ = false;
  struct Removed {
    ServiceKey service;
    std::shared_ptr<const ServerView> view;  // available == false
    uint64_t epoch;                          // stamp of the removal's publication, 0 until then
    std::optional<Tick> idleSince;           // when it was first seen without connections
    bool isOfPeer = false;                   // it is awaited because a peer has connections to it
  };
  // What a transaction works on: it has private copies of the services that it has touched.
  struct Draft;

  bool mayMakeCircle(const Operation& operation) const;
  Result<void> applyOne(Draft& draft, const Operation& operation);
  Result<void> addService(Draft& draft, const AddService& op);
  Result<void> editService(Draft& draft, const EditService& op);
  Result<void> deleteService(Draft& draft, ServiceKey key);  // by value: the key may be that of the service to delete
  Result<void> setMarks(Draft& draft, const SetMarks& op);
  void stepSlowStarts(Draft& draft);
  Result<void> setPolicy(Draft& draft, const SetPolicy& op);
  Result<void> addServer(Draft& draft, const AddServer& op);
  Result<void> editServer(Draft& draft, const EditServer& op);
  Result<void> deleteServer(Draft& draft, const DeleteServer& op);
  Result<std::shared_ptr<ServerView>> makeServer(uint32_t id, const ServerKey& key, const ServerConfig& config,
                                                 const ServerCondition& condition, const ServiceKey& service);
  SchedulerState freshState();
  // Writes what the operations change into the directory, before anything can name a new id.
  Result<void> noteIn(const Draft& draft, std::span<const Operation> operations);
  void publish(std::vector<std::shared_ptr<const ServiceView>> services, const Tunables& tunables,
               std::vector<MarkRule> marks);
  ServiceRow rowOf(const ServiceView& service, Tick now, const SourceUse& use) const;
  ServerRow rowOf(const ServiceView& service, const ServerView& server, Tick now, uint64_t sourcePairsInUse) const;
  // Returns nothing where no server of `services` has full NAT, so that others cost no look at all servers.
  SourceUse sourceUse(std::span<const std::shared_ptr<const ServiceView>> services) const;
  const ServiceView* find(const ServiceKey& service) const;
  // Includes removed servers that are not forgotten.
  std::vector<uint32_t> serversOf(const ServiceView& service) const;
  void settleAccounts(const Draft& draft);

  Settings settings_;
  ServerPool& pool_;
  Epochs& epochs_;
  SplitMix64 seeds_;
  Tick now_;           // of the last collect()
  Tick rampedAt_ = 0;  // when slow starts were last looked at
  std::unique_ptr<const ServiceTable> current_;
  std::atomic<const ServiceTable*> published_{nullptr};
  std::deque<std::pair<uint64_t, std::unique_ptr<const ServiceTable>>> retired_;  // by epoch
  std::vector<Removed> removed_;
  std::deque<std::pair<uint64_t, uint32_t>> releasing_;  // ids to give back, by epoch
  TrafficAccounts traffic_;
  uint64_t generation_ = 0;               // of the last snapshot
  ServerDirectory* directory_ = nullptr;  // null: nothing outlives the process
};

}  // namespace tunvs
