// The connection tables of both families, and what an entry's beginning and end mean to its server's counts.
//
// Thread safety: as Director; what removes or adds entries runs under the lock of the entry's shard.
// Invariants:
//  1. A server's active + inactive count is the number of live connections that name it, its persistent count the
//  number of live templates.
//  2. A server's references are at least both together, so that its id is not released while an entry names it.
//  3. A template's `control` is the number of live connections that count on it, and of those about to be opened.
//  4. A template that something counts on is never removed.
#pragma once

#include "core/conn_table.h"
#include "director/control.h"
#include "director/engine_data.h"
#include "director/server_pool.h"
#include "director/stats.h"

namespace tunvs {

enum class TemplateState : uint8_t { none, assured };  // assured: one of its connections was established

inline bool isTemplate(const Conn& conn) { return conn.kind != FlowKind::connection; }
inline bool isActiveConn(const Conn& conn) { return (conn.flags.load(std::memory_order_relaxed) & kConnInactive) == 0; }

class Entries {
 public:
  static size_t regionBytes(uint32_t capacity);

  // `capacity`: per family. REQUIRES: `region` as for ConnTable::create, regionBytes() long
  Entries(uint32_t capacity, const HashSecret& secret, Tick now, std::span<std::byte> region, Control& control,
          ServerPool& pool, Epochs& epochs);

  ConnTable& table(Family family) { return family == Family::ipv4 ? v4_ : v6_; }
  const ConnTable& table(Family family) const { return family == Family::ipv4 ? v4_ : v6_; }

  EngineData& engineData() { return engineData_; }
  const EngineData& engineData() const { return engineData_; }

  // The server that a found entry names as of `services`, which is renewed when it is too old to know. Null: known to
  // nobody.
  const ServerView* serverOf(const ServiceTable*& services, const Conn& conn) const {
    const uint32_t id = conn.server.load(std::memory_order_relaxed);
    const ServerView* server = services->server(id);
    if (server != nullptr) [[likely]]
      return server;
    services = control_.table();
    return services->server(id);
  }

  // Adds an entry, evicting another where there is no room. Null: not even that helped. `flags`, of a connection: as
  // Conn's; it is to be bound.
  Conn* insertLocked(WorkerStats& stats, const FlowKey& key, uint64_t hash, uint32_t server, uint8_t flags,
                     Tick expires, bool& hasEvicted);
  // What was evicted is needed again soon: the room for those that wait is small. Call without a lock.
  void settle(bool hasEvicted) {
    if (hasEvicted) epochs_.advance();
  }

  // Takes a new connection, or template, into its server's counts.
  void bind(const ServerView& server, bool active);
  void bindTemplate(const ServerView& server);
  // Takes an entry that is about to be removed out of them. The template that it counted on and that nothing counts on
  // any more, as ConnTable::referenceOf() names it; 0: there is none.
  uint32_t unbind(WorkerStats& stats, Family family, const Conn& conn);
  // A datagram's own connection: both at once, as far as it can be told afterwards.
  void bindPassing(const ServerView& server);

  // At its deadline: the ticks to live on, or 0 when it ends; it is unbound then.
  uint32_t onDue(WorkerStats& stats, Family family, Conn& conn);
  static bool isInUse(const Conn& conn) {
    return isTemplate(conn) && conn.control.load(std::memory_order_acquire) != 0;
  }

  void release(Family family, uint32_t controller) {
    table(family).named(controller)->control.fetch_sub(1, std::memory_order_acq_rel);
  }
  // A connection that counts on the template is established.
  void assure(Family family, uint32_t controller) {
    auto& state = table(family).named(controller)->state;
    state.store(static_cast<uint8_t>(TemplateState::assured), std::memory_order_relaxed);
  }
  // Removes a template on which a connection had counted that was ended early, unless it is assured or in use. Call
  // without a lock, between Epochs::enter() and leave().
  void dropTemplate(WorkerStats& stats, Family family, uint32_t controller);

 private:
  static constexpr uint32_t kInUseSeconds = 60;  // IPVS's: how long a template lives on that is due but in use

  void unbindServer(uint32_t id, bool active);

  ConnTable v4_, v6_;
  EngineData engineData_;
  Control& control_;
  ServerPool& pool_;
  Epochs& epochs_;
};

}  // namespace tunvs
