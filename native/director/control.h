// Control: the director's configuration, changed in transactions and published as ServiceTable snapshots.
//
// Removed servers stay known while connections name them ("trash"), so that their packets are dropped rather than taken
// for new flows, and so that a server that comes back gets its connections and counters back.
//
// Thread safety: one control thread. Readers load table() between Epochs::enter() and leave().
// Invariants:
//  1. A transaction is published whole or leaves nothing behind.
//  2. A snapshot is freed only when every reader has passed on (Epochs).
//  3. A server's id is reused only when no connection references it and no reader can have a snapshot with it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/epochs.h"
#include "director/server_pool.h"
#include "director/service_table.h"
#include "director/settings.h"

namespace tunvs {

struct AddService {
  ServiceKey service;
  ServiceConfig config;
};
struct EditService {
  ServiceKey service;
  ServiceConfig config;
};
struct DeleteService {
  ServiceKey service;
};
struct AddServer {
  ServiceKey service;
  ServerKey server;
  ServerConfig config;
};
struct EditServer {
  ServiceKey service;
  ServerKey server;
  ServerConfig config;
};
struct DeleteServer {
  ServiceKey service;
  ServerKey server;
};
struct ClearServices {};
// Replaces the rules by which packets get a firewall mark; the first that fits counts.
struct SetMarks {
  std::vector<MarkRule> rules;
};
// Brings slow starts up to the time; collect() does by itself.
struct StepSlowStarts {};
// Who decides about new connections before the scheduler; neither table nor connection policy: nobody.
struct SetPolicy {
  ServiceKey service;
  Policy policy;
};
struct ZeroCounters {
  std::optional<ServiceKey> service;
};
using Operation = std::variant<AddService, EditService, DeleteService, AddServer, EditServer, DeleteServer,
                               ClearServices, SetMarks, StepSlowStarts, SetPolicy, ZeroCounters>;

struct Traffic {
  uint64_t connections = 0, inPackets = 0, inBytes = 0, outPackets = 0, outBytes = 0, tooBig = 0, fragments = 0;
  Traffic& operator+=(const Traffic& other);
  Traffic operator-(const Traffic& other) const;
};

struct ServerRow {
  uint32_t id;
  ServerKey key;
  ServerConfig config;
  double effectiveWeight;  // config.weight, or what of it a slow start has reached
  int32_t active, inactive, persistent;
  bool overloaded;
  uint32_t pathMtu;  // bytes, as it holds now
  Traffic traffic;
};

struct ServiceRow {
  ServiceKey key;
  ServiceConfig config;
  Traffic traffic;
  std::vector<ServerRow> servers;  // newest first
  std::shared_ptr<const ConnectionPolicy> policy;
};

class Control {
 public:
  // `seed`: of the schedulers' randomness.
  Control(const Settings& settings, ServerPool& pool, Epochs& epochs, uint64_t seed = 0, Tick now = 0);
  ~Control();

  // All of them or none. On an error `failedAt`, where given, is the index of the operation that was refused.
  // `serversRemoved` tells whether a server became unavailable.
  Result<void> apply(std::span<const Operation> operations, size_t* failedAt = nullptr, bool* serversRemoved = nullptr);
  const Tunables& tunables() const { return current_->tunables(); }
  void setTunables(const Tunables& tunables);

  std::vector<ServiceRow> rows(Tick now) const;
  // Of a server that is configured.
  Result<uint32_t> serverId(const ServiceKey& service, const ServerKey& server) const;

  // For readers. REQUIRES: between Epochs::enter() and leave().
  const ServiceTable* table() const { return published_.load(std::memory_order_acquire); }

  // Frees what nobody can use any more: old snapshots, removed servers without connections; takes slow starts on, at
  // most once in kSlowStartStep. Call now and then, and before apply(), which takes the time from it.
  void collect(Tick now);

  static constexpr uint32_t kTrashSeconds = 120;  // how long an unused removed server is remembered

 private:
  struct Removed {
    ServiceKey service;
    std::shared_ptr<const ServerView> view;  // available == false
    uint64_t epoch;                          // stamp of the removal's publication, 0 until then
    std::optional<Tick> idleSince;           // when it was first seen without connections
  };
  // What a transaction works on: services that it has touched are private copies.
  struct Draft;

  Result<void> applyOne(Draft& draft, const Operation& operation);
  Result<void> addService(Draft& draft, const AddService& op);
  Result<void> editService(Draft& draft, const EditService& op);
  Result<void> deleteService(Draft& draft, ServiceKey key);  // by value: the key may be the one that is deleted
  Result<void> setMarks(Draft& draft, const SetMarks& op);
  void stepSlowStarts(Draft& draft);
  Result<void> setPolicy(Draft& draft, const SetPolicy& op);
  Result<void> addServer(Draft& draft, const AddServer& op);
  Result<void> editServer(Draft& draft, const EditServer& op);
  Result<void> deleteServer(Draft& draft, const DeleteServer& op);
  Result<std::shared_ptr<ServerView>> makeServer(uint32_t id, const ServerKey& key, const ServerConfig& config,
                                                 const ServiceKey& service);
  SchedulerState freshState();
  void publish(std::vector<std::shared_ptr<const ServiceView>> services, const Tunables& tunables,
               std::vector<MarkRule> marks);
  Traffic rawTraffic(uint32_t id) const;
  Traffic rawTraffic(const ServiceView& service) const;
  void zero(const ServiceView& service);

  Settings settings_;
  ServerPool& pool_;
  Epochs& epochs_;
  SplitMix64 seeds_;
  Tick now_;           // of the last collect()
  Tick rampedAt_ = 0;  // when the slow starts were looked at last
  std::unique_ptr<const ServiceTable> current_;
  std::atomic<const ServiceTable*> published_{nullptr};
  std::deque<std::pair<uint64_t, std::unique_ptr<const ServiceTable>>> retired_;  // by epoch
  std::vector<Removed> removed_;
  std::deque<std::pair<uint64_t, uint32_t>> releasing_;  // ids to give back, by epoch
  struct Totals {
    Traffic departed;  // what released servers had carried
    Traffic baseline;  // subtracted from what is shown
  };
  std::map<ServiceKey, Totals> totals_;
  std::map<uint32_t, Traffic> serverBaselines_;
};

}  // namespace tunvs
