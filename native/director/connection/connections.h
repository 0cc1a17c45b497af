// Connections: what a packet means to the connection that it belongs to, and how a connection begins.
//
// Thread safety: as Director; each function takes the locks that it needs, and holds none on return.
#pragma once

#include <optional>

#include "director/connection/data_connections.h"
#include "director/connection/entries.h"
#include "director/connection/explanation.h"
#include "director/connection/first_packet.h"
#include "director/connection/pins.h"
#include "director/connection/server_choice.h"
#include "director/connection/sync_teller.h"
#include "director/connection/translations.h"
#include "director/connection/withheld.h"
#include "director/counters/verdict.h"
#include "director/worker/defence.h"
#include "director/worker/pass.h"
#include "packet/parse.h"

namespace tunvs {

class Connections {
 public:
  Connections(const Settings& settings, Entries& entries, const Pins& pins, Control& control, ServerPool& pool,
              const Defence& defence)
      : settings_(settings),
        entries_(entries),
        pins_(pins),
        choice_(entries, defence),
        translations_(settings, entries),
        data_(entries, translations_),
        control_(control),
        pool_(pool),
        defence_(defence) {}

  const ConnTable& table(Family family) const { return entries_.table(family); }

  // As Entries::serverOf.
  const ServerView* serverOf(const ServiceTable*& services, const Conn& conn) const {
    return entries_.serverOf(services, conn);
  }

  // Notes a packet that changes nothing about its connection but how long it lives, as nearly every packet does, and
  // returns the server. If it returns null, nothing was noted, and serverFor() or ReplyPath finds out what the packet
  // means. `side` is clientOnly for a connection that is not translated. `reply` is a translated one's reply entry.
  template <Side side>
  static const ServerView* noteUsual(Pass& pass, Conn& conn, const ParsedPacket& parsed, const Conn* reply = nullptr);

  // Hands the connections that noteUsual() has noted over to the kernel's fast path. Call it after the vector's packets
  // have been sent, before the worker leaves its epoch. `isQueueEmpty`: nothing waited behind the vector.
  void handOver(HandOver& noted, bool isQueueEmpty) const;

  // Tells whether the connection gives way to a new one for this packet, or is reset.
  bool mustEnd(const Conn& conn, const ServerView& server, const ParsedPacket& parsed, const Tunables& tunables) const {
    if (server.carries && !isOpening(parsed)) [[likely]]
      return false;
    return mustEndOpening(conn, server, parsed, tunables);
  }

  // Notes any packet of a live connection's client: updates its state and deadline.
  void update(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash);
  // Does the same for a packet of its server.
  void updateByReply(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed);
  // Returns the live connection that a reply entry leads to; null: there is none.
  Conn* connectionOf(Family family, const Conn& reply) const { return entries_.connectionOf(family, reply); }
  bool isOver(Family family, const Conn& conn, Tick now) const { return entries_.isOver(family, conn, now); }
  const Translations& translations() const { return translations_; }
  DataConnections& data() { return data_; }
  // From now on the connection's server is told the client's address, as far as the connection is live.
  void beginTold(Family family, const Conn& conn, ClientTold how) {
    withReplyOf(family, conn, [&](uint32_t reply) { entries_.beginTold(family, reply, how); });
  }
  // The server knows the address, and packets need not be looked into any longer.
  void endTold(Family family, const Conn& conn) {
    withReplyOf(family, conn, [&](uint32_t reply) {
      table(family).named(reply)->state.fetch_and(static_cast<uint8_t>(~kReplyTold));
      entries_.told().forget(family, reply);
    });
  }
  ToldConnections& told() { return entries_.told(); }
  FtpSessions& ftpSessions() { return entries_.ftp().sessions; }
  // Finds a server for a packet without a live connection and opens one. If it returns Verdict::forwarded, `server` is
  // set. If it returns Verdict::parked, which it may if `turn` asks, nothing is opened before the service's policy has
  // decided. Without `turn`, the service's scheduler decides. `known` is what the table has for the packet; null:
  // nothing.
  Verdict open(Pass& pass, const ParsedPacket& parsed, uint64_t hash, const Conn* known, const ServerView*& server,
               PolicyTurn* turn = nullptr) {
    const Verdict verdict = openUntold(pass, parsed, hash, known, server, turn);
    if (pass.sync != nullptr && verdict == Verdict::forwarded) [[unlikely]]
      askOpened(pass, parsed, hash);
    return verdict;
  }

  // Returns the server for a flow's packet: its connection's, its pin's, or a new connection's, as open() gives it.
  // `conn` is what the table has for the packet; null: nothing. If it returns Verdict::pinned, pass.pin is set, too; if
  // the packet is to be rewritten, pass.endpoints is. REQUIRES: `conn` is no reply entry
  Verdict serverFor(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Conn* conn, const ServerView*& server,
                    PolicyTurn* turn = nullptr);

  // Returns the pin of a flow that has no connection; null: it has none. `server` gets the pin's server.
  Pin* pinOf(const ServiceTable*& services, const FlowKey& flow, uint64_t hash, Tick now,
             const ServerView*& server) const;

  // Does what open() does, for a packet that an ICMP error quotes, seen from the client. It does not check whether a
  // reply of that kind may begin a connection. Returns null if none was opened.
  const ServerView* openQuoted(Pass& pass, const FlowKey& flow, uint64_t hash);

  // Says what open(), or the existing connection, would do with this packet, and changes nothing. `server` gets the
  // server that it names; null if it names none, or the server is gone.
  // REQUIRES: called between Epochs::enter() and leave().
  Explanation explain(const ParsedPacket& parsed, uint32_t mark, Tick now, const ServerView*& server) const;
  // Returns the server that openQuoted() would open a connection to; null: none.
  const ServerView* previewQuoted(const FlowKey& flow, uint32_t mark, Tick now, Explanation& said) const;

 private:
  // Calls `use` with the name of a translated connection's reply entry, under its lock, if it is live.
  template <typename Use>
  void withReplyOf(Family family, const Conn& conn, Use&& use) {
    ConnTable& conns = entries_.table(family);
    ConnTable::Guard guard(conns, conns.hash(conns.keyOf(conn)));
    if (conn.isLive()) use(conn.control.load(std::memory_order_relaxed));
  }

  // Does what open() does, and nobody is told of it.
  Verdict openUntold(Pass& pass, const ParsedPacket& parsed, uint64_t hash, const Conn* known,
                     const ServerView*& server, PolicyTurn* turn);
  // Asks whether backups are told of the connection that a packet has opened or met.
  void askOpened(Pass& pass, const ParsedPacket& parsed, uint64_t hash);
  // Returns the verdict on a packet of a pinned flow; nothing when the flow is not pinned.
  std::optional<Verdict> pinned(Pass& pass, const ParsedPacket& parsed, uint64_t hash, const ServerView*& server);
  // Says what a packet becomes that begins a connection to `server`, or passes without one. `over` is as in NewSource.
  void foreseeTranslation(const ServiceView& service, const ServerView& server, const FlowKey& flow, const Conn* over,
                          Explanation& said) const;
  bool mustEndOpening(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                      const Tunables& tunables) const;
  // Counts what tells that the server may be in trouble. `state` is the connection's before the packet.
  void noteSignals(Pass& pass, const ServerView& server, const ParsedPacket& parsed, uint8_t state, uint32_t packets);
  // What a packet does to its connection.
  struct Step {
    uint8_t before, after;  // states
    Tick deadline;
  };
  Step stepOf(const Pass& pass, const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
              Side side) const;
  void take(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Side side,
            bool isRise);
  void updateLocked(Pass& pass, Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash,
                    Side side);
  // How far a packet has come that meets a connection which may not go on.
  struct Meeting {
    enum Step : uint8_t { look, refused, taken };  // before a server is chosen; nobody takes it; somebody does
    Step step = look;
    bool isMoved = false;  // out: its server is down, and the packet is scheduled anew
  };
  // Finds the existing connection. If it may go on, its packet is noted. If it is to be reset, it ends here. Otherwise
  // it ends when it is known what becomes of the packet, and not before: IPVS still counts it when it schedules its
  // successor. `loose` is as Entries::unbind() gives it.
  std::optional<Verdict> meetLocked(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Meeting& meeting,
                                    const ServerView*& server, Loose& loose);
  // Does the same, and then what has to be done after the lock.
  std::optional<Verdict> meet(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Meeting& meeting,
                              const ServerView*& server);
  using Opening = Entries::Opening;
  // Makes the reply entry that the opening needs, if it needs one. Returns Verdict::forwarded when all is there.
  Verdict prepare(Pass& pass, const FlowKey& flow, const ServiceView& service, Opening& opening);
  // Returns null when the table is full.
  Conn* insertLocked(Pass& pass, const FlowKey& flow, uint64_t hash, uint8_t state, Tick deadline,
                     const Opening& opening, Loose& loose);
  // Does what is left to do after the lock.
  void finishOpening(Pass& pass, const FlowKey& flow, const Conn* made, const Opening& opening, Loose loose);

  const Settings& settings_;
  Entries& entries_;
  const Pins& pins_;
  ServerChoice choice_;
  Translations translations_;
  DataConnections data_;
  Control& control_;
  ServerPool& pool_;
  const Defence& defence_;
};

template <Side side>
inline const ServerView* Connections::noteUsual(Pass& pass, Conn& conn, const ParsedPacket& parsed, const Conn* reply) {
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  if (!keepsState(parsed, state) || conn.hasExpired(pass.now)) [[unlikely]]
    return nullptr;
  uint32_t id = conn.server.load(std::memory_order_relaxed);
  if constexpr (side != Side::clientOnly) id &= ~kTranslated;
  // Without any service, none of the servers that are left carries anything. What one sends belongs to its client
  // nevertheless.
  const ServerView* server = pass.services->server(id);
  if (server == nullptr || (side != Side::server && !server->carries)) [[unlikely]]
    return nullptr;
  const uint32_t packets = conn.packets.load(std::memory_order_relaxed) + (side == Side::server ? 0 : 1);
  // If the deadline is later than the one that the wheel knows, the wheel will find out by itself.
  const Tick deadline = pass.now + timeoutOf(pass.tunables(), server->timeouts.get(), parsed.protocol, state);
  if ((side != Side::server && isRise(packets)) || !reached(deadline, conn.expires.load(std::memory_order_relaxed)))
      [[unlikely]]
    return nullptr;
  if constexpr (side != Side::server) conn.packets.store(packets, std::memory_order_relaxed);
  conn.expires.store(deadline, std::memory_order_relaxed);
  if (side == Side::clientOnly && pass.worker.handOver.isOn.load(std::memory_order_relaxed)) [[unlikely]]
    pass.worker.handOver.note(conn, parsed.key, packets, server->suitsKernel);
  if (side != Side::server && pass.sync != nullptr) [[unlikely]] {
    const auto& controller = side == Side::clientOnly ? conn.control : reply->packets;
    if (controller.load(std::memory_order_relaxed) != 0 || pass.services->syncTurns().mayBeTurn(packets)) [[unlikely]]
      pass.sync->ask(pass, parsed.key.family, conn, *server);
  }
  return server;
}

inline Verdict Connections::serverFor(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Conn* conn,
                                      const ServerView*& server, PolicyTurn* turn) {
  pass.endpoints.reset();
  // IPVS without any service is as if absent: the host refuses packets that it had balanced.
  if (pass.services->services().empty()) [[unlikely]]
    return pinned(pass, parsed, hash, server).value_or(Verdict::dropNoService);
  if (conn != nullptr && !ConnTable::hasExpired(*conn, pass.now)) server = serverOf(pass.services, *conn);
  if (server == nullptr || mustEnd(*conn, *server, parsed, pass.tunables())) {
    if (!pins_.isEmpty()) [[unlikely]] {
      if (const auto verdict = pinned(pass, parsed, hash, server)) return *verdict;
    }
    // The packet queues behind those of its flow that wait, whatever it is.
    if (turn == &pass.worker.asking && pass.worker.parking.holds(parsed.key, hash)) return Verdict::parked;
    return open(pass, parsed, hash, conn, server, turn);
  }
  if (!server->carries) return withheldFrom(*server);
  update(pass, conn, *server, parsed, hash);
  if (pass.sync != nullptr) [[unlikely]]
    pass.sync->ask(pass, parsed.key.family, *conn, *server);
  if (isTranslated(*conn)) pass.endpoints = translations_.toServer(parsed.key.family, *conn);
  return Verdict::forwarded;
}

}  // namespace tunvs
