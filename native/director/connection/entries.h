// The connection tables of both families, and what an entry's beginning and end mean to its server's counts.
//
// Thread safety: as Director; what removes or adds entries runs under the lock of the entry's shard.
// Invariants:
//  1. A server's active + inactive count is the number of live connections that name it, its persistent count the
//  number of live templates.
//  2. A server's references are at least both together, so that its id is not released while an entry names it.
//  3. A template's `control` is the number of live connections that count on it, and of those about to be opened.
//  4. A template that something counts on is never removed. Its count rises only under its shard's lock, which also
//  moves it to the held ones. When the count has come to 0, whoever gets it as loose tells its shard afterwards.
//  5. A translated connection has one reply entry, which lives at least as long. It is removed before whoever removed
//  the connection has passed a quiescent point, so its `control` names the connection or one that has just ended.
#pragma once

#include <span>
#include <vector>

#include "director/config/control.h"
#include "director/config/server_pool.h"
#include "director/connection/connection_notes.h"
#include "director/connection/ftp_sessions.h"
#include "director/connection/persistence_data.h"
#include "director/connection/standing.h"
#include "director/connection/told_connections.h"
#include "director/connection/translated.h"
#include "director/counters/stats.h"
#include "director/worker/loose.h"
#include "table/conn_table.h"

namespace tunvs {

class SyncCells;
class SyncTeller;

enum class TemplateState : uint8_t { none, assured };  // assured: one of its connections was established

inline bool isTemplate(const Conn& conn) { return conn.kind != FlowKind::connection; }
inline bool isActiveConn(const Conn& conn) { return (conn.flags.load(std::memory_order_relaxed) & kConnInactive) == 0; }

class Entries {
 public:
  static size_t regionBytes(uint32_t capacity);

  // `capacity` is per family. REQUIRES: `region` as for ConnTable::create, regionBytes() long; if `isOld`, it is one
  // that checkRegion() takes. `notes` is as for ConnectionNotes, and old if the region is
  Entries(uint32_t capacity, const HashSecret& secret, Tick now, std::span<std::byte> region, Control& control,
          ServerPool& pool, Epochs& epochs, bool isOld = false, std::span<std::byte> notes = {});
  // Tells whether tables of this capacity lie in a region that another process has left.
  static Result<void> checkRegion(std::span<std::byte> region, uint32_t capacity);
  // Takes over what entries the tables have: those of servers that are known, with all that they name, are counted for
  // them, and the others end. `ids` are those that the directory has, ascending. REQUIRES: the tables are old; nobody
  // else uses them
  struct TakenOver {
    uint64_t connections = 0, templates = 0, ended = 0;
  };
  TakenOver takeOver(std::span<const uint32_t> ids, const ServerDirectory& servers, Tick now);

  ConnTable& table(Family family) { return family == Family::ipv4 ? v4_ : v6_; }
  const ConnTable& table(Family family) const { return family == Family::ipv4 ? v4_ : v6_; }
  uint32_t shardsOfBoth() const { return 2 * v4_.shardCount(); }  // both families have equally many

  PersistenceData& persistenceData() { return persistenceData_; }
  const PersistenceData& persistenceData() const { return persistenceData_; }

  // Returns the server that an entry names, as of `services`, which is renewed if it is too old to know the server.
  // Null: no snapshot knows it.
  const ServerView* serverOf(const ServiceTable*& services, const Conn& conn) const {
    return serverById(services, serverIdOf(conn));
  }
  const ServerView* serverById(const ServiceTable*& services, uint32_t id) const {
    const ServerView* server = services->server(id);
    if (server != nullptr) [[likely]]
      return server;
    services = control_.table();
    return services->server(id);
  }

  // Adds an entry that is to be bound; if there is no room, another entry gives way. Returns null when none does.
  // `loose` gets what that one leaves behind, for dropLoose().
  Conn* insertLocked(WorkerStats& stats, const FlowKey& key, uint64_t hash, const NewConn& made, Tick now,
                     Loose& loose);
  // Call these without a lock. They remove a loose reply entry, and the first also a loose template, which otherwise
  // stays until it is due. `gone`: as in dropTemplate().
  void dropLoose(WorkerStats& stats, Family family, Loose loose, bool gone = false) {
    if (!loose.isAny()) [[likely]]
      return;
    if (loose.reply != 0) dropReply(family, loose.reply);
    if (loose.controller != 0) dropTemplate(stats, family, loose.controller, gone);
  }
  void settleLoose(Family family, Loose loose) {
    if (loose.reply != 0) dropReply(family, loose.reply);
    if (loose.controller != 0) relink(family, loose.controller);
  }

  // Adds the reply entry of a connection that is about to be opened and counts on `controller`. If another reply entry
  // has this key, the new one hides it as long as it lives; that is refused where `mayHide` is false, and always where
  // a connection has the key. Returns ConnTable::referenceOf(); 0: it was refused, or there is no room. Call this and
  // the next without a lock, between Epochs::enter() and leave().
  // `marks` are bits of translated.h.
  uint32_t makeReply(WorkerStats& stats, const FlowKey& key, uint32_t controller, Tick now, bool mayHide,
                     uint8_t marks = 0);
  // Removes a reply entry. One that it hid, if there is any, is found again: of several, any.
  void dropReply(Family family, uint32_t reply);
  // Returns the template that an entry counts on, as ConnTable::referenceOf() names it; 0: none.
  uint32_t controllerOf(Family family, const Conn& conn) const {
    const uint32_t control = conn.control.load(std::memory_order_relaxed);
    return isTranslated(conn) ? table(family).named(control)->packets.load(std::memory_order_relaxed) : control;
  }
  // Where a connection is opened to: the template that it counts on, or 0, and, if its packets are to be rewritten, its
  // reply entry; 0: they are not.
  struct Opening {
    const ServerView* server = nullptr;
    uint32_t controller = 0;
    uint32_t reply = 0;
  };
  // Adds a connection and binds it. Returns null when there is no room. `loose` is as insertLocked() gives it.
  Conn* openLocked(WorkerStats& stats, const FlowKey& flow, uint64_t hash, uint8_t state, Tick deadline, Tick now,
                   const Opening& opening, Loose& loose);
  // Does what is left to do after the lock. `made`: whether there was room, and the flow had no connection yet.
  void finishOpening(WorkerStats& stats, Family family, bool made, const Opening& opening, Loose loose);
  // Called when a translated connection has shown something.
  void proveReply(Family family, const Conn& conn) {
    table(family).named(conn.control.load(std::memory_order_relaxed))->flags.fetch_or(kConnProven);
  }
  // What FTP needs besides.
  struct Ftp {
    explicit Ftp(ConnectionNotes& notes) : sessions(notes) {}
    FtpSessions sessions;
    std::atomic<uint32_t> expected{0};  // entries whose client port is not known yet
  };
  Ftp& ftp() { return ftp_; }
  ToldConnections& told() { return told_; }
  // From now on the connection's server is told the client's address. Call it under the lock of the connection's shard,
  // while that is live.
  void beginTold(Family family, uint32_t reply, ClientTold how) {
    auto& marks = table(family).named(reply)->state;
    if ((marks.load(std::memory_order_relaxed) & kReplyTold) != 0) return;
    told_.begin(family, reply, how);
    marks.fetch_or(kReplyTold);
  }
  const Ftp& ftp() const { return ftp_; }
  // Tells whether a connection has come to its end, though nobody may have looked at it since.
  bool isOver(Family family, const Conn& conn, Tick now) const {
    return conn.hasExpired(now) && !hasFtpData(family, conn);
  }
  // Returns the live connection that a reply entry leads to; null: there is none, or none any more.
  Conn* connectionOf(Family family, const Conn& reply) const;
  // Moves a live entry: its deadline may lie before the one that its wheel knows, or it has shown more.
  void moveLocked(Conn* conn, Family family, uint64_t hash, Tick deadline, Tick now) {
    conn->expires.store(deadline, std::memory_order_relaxed);
    table(family).moveLocked(conn, hash, StandingJudge(*control_.table(), now).place(*conn));
  }
  // Does the same with a deadline that was read before. Returns false, and moves nothing, if it is another one by now.
  bool shortenLocked(Conn* conn, Family family, uint64_t hash, Tick from, Tick deadline, Tick now) {
    if (!conn->expires.compare_exchange_strong(from, deadline, std::memory_order_relaxed)) return false;
    table(family).moveLocked(conn, hash, StandingJudge(*control_.table(), now).place(*conn));
    return true;
  }

  // What connection sync remembers of the entries, and who tells backups that an entry lives on; null: nobody. What
  // was here before is used until every reader has passed a quiescent point.
  void setSync(SyncCells* cells, SyncTeller* teller) {
    syncTeller_.store(teller, std::memory_order_seq_cst);
    syncCells_.store(cells, std::memory_order_seq_cst);
  }

  // Adds a new template to its server's counts.
  void bindTemplate(const ServerView& server);
  // Takes an entry that is about to be removed out of the counts. REQUIRES: it is no reply entry
  Loose unbind(WorkerStats& stats, Family family, const Conn& conn);
  // Does the same for an entry that ends before its deadline, and counts it as such; `loose` gets what it leaves
  // behind.
  void endEarly(WorkerStats& stats, Family family, const Conn& conn, std::vector<Loose>& loose);
  // Binds and unbinds a datagram's own connection; afterwards it is as if both had happened at once.
  void bindPassing(const ServerView& server);

  // Called at an entry's deadline. Returns the ticks that it lives on, or 0 if it ends; then it is unbound. `loose` is
  // as unbind() gives it.
  uint32_t onDue(WorkerStats& stats, Family family, Conn& conn, Loose& loose);
  // Ends the entries of a shard that have reached their deadline. `loose` is room for a list.
  bool expire(WorkerStats& stats, Family family, uint32_t shard, Tick now, bool exact, size_t& budget,
              std::vector<Loose>& loose);
  // Tells whether an entry ends only with something else.
  static bool isInUse(const Conn& conn) {
    return isTemplate(conn) ? conn.control.load(std::memory_order_acquire) != 0 : isReplyEntry(conn);
  }

  // Call this, and the next three, without a lock and between Epochs::enter() and leave().
  void release(Family family, uint32_t controller) {
    if (table(family).named(controller)->control.fetch_sub(1, std::memory_order_acq_rel) == 1)
      relink(family, controller);
  }
  // Moves the template to its place in the order of giving way: its count has come to 0, or it is proven now.
  void relink(Family family, uint32_t controller);
  // Called when a connection that counts on the template has shown something.
  void prove(Family family, uint32_t controller);
  // Called when a connection that counts on the template is established.
  void assure(Family family, uint32_t controller) {
    auto& state = table(family).named(controller)->state;
    state.store(static_cast<uint8_t>(TemplateState::assured), std::memory_order_relaxed);
  }
  // Removes a template on which a connection counted that was ended early. It stays if it is in use, or if it is
  // assured and its server is not `gone`.
  void dropTemplate(WorkerStats& stats, Family family, uint32_t controller, bool gone = false);

 private:
  void takeOver(Family family, const ServerDirectory& servers, TakenOver& taken);
  void endUnsound(Family family, std::span<const uint32_t> ids, Tick now, TakenOver& taken);
  // Takes over what notes say of entries that are there.
  void takeNotes();
  // Tells whether all is known of a translated connection that its reply entry says is known.
  bool hasNotes(const Conn& conn, Family family, const Conn& reply, const ServerDirectory& servers) const;
  static bool isSound(Conn& conn, std::span<const uint32_t> ids, Tick now);
  static constexpr uint32_t kInUseSeconds = 60;  // IPVS's: how long a template lives on that is due but in use
  static constexpr uint32_t kReplyLook = ticksFromSeconds(60);  // how often the wheels come to a reply entry

  class Judge;

  // Moves an entry to the list where it belongs as of its shard's time.
  void relinkLocked(ConnTable& conns, Conn& conn, uint64_t hash);
  // Adds a new connection to its server's counts.
  void bind(const ServerView& server, bool active);
  void unbindServer(uint32_t id, bool active);
  // Tells whether it is a control connection of FTP that has data connections, and so lives on.
  bool hasFtpData(Family family, const Conn& conn) const;

  ConnTable v4_, v6_;
  PersistenceData persistenceData_;
  ConnectionNotes notes_;
  Ftp ftp_;
  ToldConnections told_;
  std::atomic<SyncCells*> syncCells_{nullptr};
  std::atomic<SyncTeller*> syncTeller_{nullptr};
  Control& control_;
  ServerPool& pool_;
};

}  // namespace tunvs
