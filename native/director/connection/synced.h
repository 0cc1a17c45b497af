// A backup's half within the director: what a peer's records become in the table. It follows IPVS's backup, but for two
// things. A record does not change a connection that has packets here; if it tells that the connection has ended at the
// peer, that lives for the rest of its minute here. And a record whose virtual service or real server is not here yet
// waits for them: where the service is here, its entry drops packets meanwhile.
//
// A record may come from anybody who reaches the port. So it takes no place from another entry: where a part of the
// table is nearly full, nothing is made.
//
// Thread safety: one thread calls take() and retry(), between Epochs::enter() and leave(); the control thread calls
// wanted(). Each takes the locks that it needs, one entry's at a time, and holds none on return.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "director/connection/entries.h"
#include "director/connection/sync_cells.h"
#include "director/connection/sync_outcome.h"
#include "director/connection/template_name.h"
#include "director/connection/translations.h"
#include "director/connection/waiting_records.h"
#include "director/worker/pass.h"
#include "sync/sync_record.h"

namespace tunvs {

// A server that a record has named, of a service that is here.
struct WantedServer {
  ServiceKey service;
  ServerKey server;
  ForwardingMethod method;
  friend bool operator==(const WantedServer&, const WantedServer&) = default;
};

// Where a record comes from. One of a transfer was read from the peer's table some time ago, and says nothing of an
// entry that was told as it changed since the transfer began.
struct SyncOrigin {
  bool isTransfer = false;
  uint16_t transfer = 0;  // that goes on now; 0: none
};

class Synced {
 public:
  // How long after its last packet a connection belongs to this director alone.
  static constexpr Tick kLocalTicks = ticksFromSeconds(60);
  static constexpr uint32_t kTemplateSeconds = 180;  // IPVS's, for a template whose record says no time
  static constexpr size_t kMostWanted = 256;         // at once

  Synced(const Settings& settings, Entries& entries, const HashSecret& secret)
      : entries_(entries), translations_(settings, entries), waiting_(secret) {}

  // `cells` are those that the entries have.
  SyncOutcome take(Pass& pass, SyncCells& cells, const SyncRecord& record, SyncOrigin origin = {});
  // Tries again with the records that wait, if the services have changed. Call it now and then.
  void retry(Pass& pass, SyncCells& cells);
  // Returns how many records wait.
  size_t waiting() const { return waitingCount_.load(std::memory_order_relaxed); }
  // Takes the servers that records have named and that are not here.
  std::vector<WantedServer> wanted();

 private:
  struct Target {
    const ServiceView* service = nullptr;
    const ServerView* server = nullptr;
  };
  Target targetOf(const ServiceTable& services, const SyncRecord& record, const FlowKey& flow) const;
  SyncOutcome takeOnce(Pass& pass, SyncCells& cells, const SyncRecord& record, Tick deadline, bool& waits);
  void want(const ServiceView& service, const SyncRecord& record);

  SyncOutcome takeConnection(Pass& pass, SyncCells& cells, const SyncRecord& record, const FlowKey& flow,
                             const Target& target, Tick deadline);
  // Returns nothing when the connection is to be made.
  std::optional<SyncOutcome> meetLocked(Pass& pass, SyncCells& cells, const SyncRecord& record, const FlowKey& flow,
                                        uint64_t hash, const ServerView& server, Tick deadline, Loose& loose);
  void setLocked(Pass& pass, SyncCells& cells, const SyncRecord& record, Conn& conn, uint64_t hash,
                 const ServerView& server, Tick deadline);
  Tick timeoutHere(const Pass& pass, const Conn& conn) const;
  // Tells whether the connection has had packets here within the last minute.
  bool isLocal(const Pass& pass, const SyncCells& cells, Family family, const Conn& conn) const;
  // REQUIRES: isLocal()
  void leaveLocked(Pass& pass, SyncCells& cells, Family family, Conn& conn, uint64_t hash);
  // Returns the template of the connection's client, counted, if it leads to this server; 0: there is none.
  uint32_t join(Pass& pass, const ServiceView& service, const FlowKey& flow, const ServerView& server);
  void resumeFtp(const SyncRecord& record, Family family, const Conn& conn, uint32_t reply);

  SyncOutcome takeTemplate(Pass& pass, SyncCells& cells, const SyncRecord& record, const TemplateName& name,
                           const Target& target, Tick deadline);
  SyncOutcome setTemplateLocked(Pass& pass, SyncCells& cells, const SyncRecord& record, Conn& conn, uint64_t hash,
                                Tick deadline);

  Entries& entries_;
  Translations translations_;
  WaitingRecords waiting_;
  std::atomic<size_t> waitingCount_{0};
  uint64_t seenGeneration_ = 0;
  SyncOrigin origin_;  // of the record that is being taken
  Tick retriedAt_ = 0;
  std::mutex wantedMutex_;
  std::vector<WantedServer> wanted_;
};

}  // namespace tunvs
