// Connections: what a packet means to the connection that it belongs to, and how one begins.
//
// Thread safety: as Director; each function takes the locks that it needs, and holds none on return.
#pragma once

#include <optional>

#include "director/connection/entries.h"
#include "director/connection/explanation.h"
#include "director/connection/first_packet.h"
#include "director/connection/server_choice.h"
#include "director/counters/verdict.h"
#include "director/worker/defence.h"
#include "director/worker/pass.h"
#include "packet/parse.h"

namespace tunvs {

class Connections {
 public:
  Connections(Entries& entries, Control& control, ServerPool& pool, const Defence& defence)
      : entries_(entries), choice_(entries, defence), control_(control), pool_(pool), defence_(defence) {}

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

 private:
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
  // Null: the table is full.
  Conn* insertLocked(Pass& pass, const FlowKey& flow, uint64_t hash, uint8_t state, Tick deadline,
                     const Templates::Affinity& choice, uint32_t& unused);
  // What is left to do behind the lock.
  void finishOpening(Pass& pass, const FlowKey& flow, const Conn* made, const Templates::Affinity& choice,
                     uint32_t unused);

  Entries& entries_;
  ServerChoice choice_;
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
