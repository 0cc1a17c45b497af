// Connections: what a packet means to the connection that it belongs to, and how a connection begins and ends.
//
// Thread safety: as Director; each function takes the locks that it needs, and holds none on return.
#pragma once

#include <optional>

#include "director/connection/drop_entry.h"
#include "director/connection/entries.h"
#include "director/connection/explanation.h"
#include "director/connection/templates.h"
#include "director/counters/verdict.h"
#include "director/protocol/protocol_state.h"
#include "director/worker/defence.h"
#include "director/worker/pass.h"
#include "packet/parse.h"

namespace tunvs {

// How an entry of the table looks from outside.
struct ConnectionRow {
  FlowKey key;             // a template's: no client port; the virtual port 65535 when it is not followed any more
  ServerKey server;        // its port as IPVS shows it
  std::string_view state;  // IPVS's name
  int64_t expiresMs;       // from now; below 0 when it is overdue
  bool active;
  bool isTemplate;
  uint32_t controlled;     // a template's connections
  std::string engineData;  // what its service's engine knows a template by; "": nothing but the client's address
};

// How far the ending of removed servers' connections has come: it goes round both tables in steps, and on until each
// shard was gone through from its beginning since the last server was removed.
struct Removal {
  uint32_t shard = 0, unit = 0;  // shards of IPv4, then of IPv6
  uint32_t left = 0;             // shards to finish; 0: at rest
};

// One step of ending a server's connections.
struct EndedSome {
  uint64_t ended;
  uint64_t next;  // the cursor to go on with; UINT64_MAX at the end
};

class Connections {
 public:
  Connections(Entries& entries, Control& control, ServerPool& pool, const Defence& defence)
      : entries_(entries), templates_(entries), control_(control), pool_(pool), defence_(defence) {}

  const ConnTable& table(Family family) const { return entries_.table(family); }

  // As Entries::serverOf.
  const ServerView* serverOf(const ServiceTable*& services, const Conn& conn) const {
    return entries_.serverOf(services, conn);
  }

  // Whether the connection gives way to a new one for this packet.
  static bool mustEnd(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                      const Tunables& tunables) {
    if (server.available && !isOpening(parsed)) [[likely]]
      return false;
    return mustEndOpening(conn, server, parsed, tunables);
  }

  // Notes a packet of a live connection: its state and deadline.
  void update(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash);

  // Finds a server for a packet without a live connection and opens one. Verdict::forwarded: `server` is set.
  // Verdict::parked, where `turn` asks: nothing is opened before the service's policy has decided. Without `turn` its
  // scheduler decides.
  Verdict open(Pass& pass, const ParsedPacket& parsed, uint64_t hash, const ServerView*& server,
               PolicyTurn* turn = nullptr);

  // The server of a flow's packet: its connection's, or a new one's, as open() gives it. `conn`: what the table has for
  // it; null: nothing.
  Verdict serverFor(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Conn* conn, const ServerView*& server,
                    PolicyTurn* turn = nullptr);

  // As open() for a packet that an ICMP error quotes, seen from the client: whether a reply of that kind may begin a
  // connection is not asked. Null: it doesn't.
  const ServerView* openQuoted(Pass& pass, const FlowKey& flow, uint64_t hash);

  // What open(), or the connection that there is, would say to this packet, with nothing changed. REQUIRES: called
  // between Epochs::enter() and leave().
  // `server`: the one that it names; null where none is, or it is gone.
  Explanation explain(const ParsedPacket& parsed, uint32_t mark, Tick now, const ServerView*& server) const;
  // The server that openQuoted() would open a connection to; null: none.
  const ServerView* previewQuoted(const FlowKey& flow, uint32_t mark, Tick now, Explanation& said) const;

  // At most `budget` of a worker's share, in all; the next call goes on where this one stopped. True: nothing is left.
  bool expire(size_t worker, size_t workers, WorkerStats& stats, ExpiryRound& round, Tick now, bool exact,
              size_t budget);

  // drop_entry: ends what looks abandoned. REQUIRES: `worker` is between Epochs::enter() and leave().
  void dropEntries(size_t worker, size_t workers, WorkerStats& stats, DropEntry& entries, Tick now);

  // Goes on with a removal: ends connections of servers that `services` does not hold available. At most `holds` times
  // a shard's lock is held, each for ConnTable::kUnitsPerLock. REQUIRES: between Epochs::enter() and leave(); so with
  // the next
  void endUnavailable(WorkerStats& stats, const ServiceTable& services, Removal& removal, size_t holds);
  void begin(Removal& removal) const { removal.left = shardsOfBoth() + (removal.unit != 0 ? 1 : 0); }

  // Ends the connections of one server, and then its templates, from `cursor` on; bounded likewise.
  EndedSome endThoseOf(WorkerStats& stats, uint32_t server, uint64_t cursor, size_t holds);

  ConnectionRow rowOf(const Conn& conn, Family family, const ServiceTable& services, Tick now) const;

 private:
  const ServerView* preview(const ServiceTable* services, const ServiceView& service, const FlowKey& flow,
                            std::span<const uint8_t> payload, Tick now, Explanation& said) const;
  // What a persistence engine reads.
  static std::span<const uint8_t> payloadOf(const ParsedPacket& parsed) {
    return parsed.protocol == kUdpProtocol ? parsed.udpPayload() : std::span<const uint8_t>();
  }
  // A packet with which a client begins a connection, again perhaps.
  static bool isOpening(const ParsedPacket& parsed) {
    if (parsed.protocol == kTcpProtocol) return parsed.event == static_cast<uint8_t>(TcpEvent::syn);
    return parsed.protocol == kSctpProtocol && parsed.event == static_cast<uint8_t>(SctpEvent::init);
  }
  static bool isMidStream(const ParsedPacket& parsed, const ServiceConfig& service);
  static bool maySchedule(const ParsedPacket& parsed, const ServiceConfig& service, const Tunables& tunables);
  static bool mustEndOpening(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                             const Tunables& tunables);
  void change(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash,
              uint32_t packets);
  void updateLocked(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash);
  // The connection that there is already, if it may go on: then its packet is noted. One that may not is ended with
  // `ends`, and left for the time being otherwise: IPVS still counts it when it schedules its successor. `unused`: as
  // Entries::unbind() gives it.
  std::optional<Verdict> meetLocked(Pass& pass, const ParsedPacket& parsed, uint64_t hash, bool ends,
                                    const ServerView*& server, uint32_t& unused);
  // The same, and what is to be done behind the lock.
  std::optional<Verdict> meet(Pass& pass, const ParsedPacket& parsed, uint64_t hash, const ServerView*& server);
  // Which service a packet that may begin a connection is for, and where it goes.
  Verdict admit(Pass& pass, const ParsedPacket& parsed, const ServiceView*& service, Templates::Affinity& choice,
                PolicyTurn* turn);
  // What becomes of a packet that no server of its service takes.
  static Verdict withoutServer(const ServiceView& service, const FlowKey& flow);
  uint32_t shardsOfBoth() const { return 2 * table(Family::ipv4).shardCount(); }  // both have as many
  // Takes an entry that is about to be removed out of the counts; `unused`: templates that nothing counts on any more.
  void endEarly(WorkerStats& stats, Family family, const Conn& conn, std::vector<uint32_t>& unused);
  // Where a new connection of this service goes.
  Verdict choose(Pass& pass, const ServiceView& service, const FlowKey& flow, std::span<const uint8_t> payload,
                 Templates::Affinity& choice, PolicyTurn* turn);
  // Null: the table is full.
  Conn* insertLocked(Pass& pass, const FlowKey& flow, uint64_t hash, uint8_t state, Tick deadline,
                     const Templates::Affinity& choice, uint32_t& unused);
  // What is left to do behind the lock.
  void settle(Pass& pass, const FlowKey& flow, const Conn* made, const Templates::Affinity& choice, uint32_t unused);

  Entries& entries_;
  Templates templates_;
  Control& control_;
  ServerPool& pool_;
  const Defence& defence_;
};

inline Verdict Connections::serverFor(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Conn* conn,
                                      const ServerView*& server, PolicyTurn* turn) {
  // IPVS without any service is not there at all: what it had balanced, the host refuses.
  if (pass.services->services().empty()) [[unlikely]]
    return Verdict::dropNoService;
  if (conn != nullptr && !ConnTable::hasExpired(*conn, pass.now)) server = serverOf(pass.services, *conn);
  if (server == nullptr || mustEnd(*conn, *server, parsed, pass.tunables())) {
    // Behind those of its flow that wait, whatever it is.
    if (turn == &pass.worker.asking && pass.worker.parking.holds(parsed.key, hash)) return Verdict::parked;
    return open(pass, parsed, hash, server, turn);
  }
  if (!server->available) return Verdict::dropServerGone;
  update(pass, conn, *server, parsed, hash);
  return Verdict::forwarded;
}

}  // namespace tunvs
