// Connections: the tables of both families, and what opening, moving and ending a connection means to its server's
// counts.
//
// Thread safety: as Director; find() without a lock, the rest under the lock of the connection's shard.
// Invariants:
//  1. A server's active + inactive count is the number of live connections that name it.
//  2. A server's references are at least that, so that its id is not released while a connection names it.
#pragma once

#include <optional>

#include "core/conn_table.h"
#include "core/parse.h"
#include "director/control.h"
#include "director/protocol_state.h"
#include "director/server_pool.h"
#include "director/stats.h"
#include "director/verdict.h"

namespace tunvs {

// How a connection looks from outside.
struct ConnectionRow {
  FlowKey key;
  ServerKey server;
  std::string_view state;  // IPVS's name
  int64_t expiresMs;       // from now; below 0 when it is overdue
  bool active;
};

class Connections {
 public:
  struct Options {
    uint32_t capacity;  // per family
    HashSecret secret;
    Tick now;
  };
  static size_t regionBytes(uint32_t capacity);

  // REQUIRES: `region` as for ConnTable::create, regionBytes() long
  Connections(const Options& options, std::span<std::byte> region, Control& control, ServerPool& pool, Epochs& epochs);

  ConnTable& table(Family family) { return family == Family::ipv4 ? v4_ : v6_; }
  const ConnTable& table(Family family) const { return family == Family::ipv4 ? v4_ : v6_; }

  // A found connection's server as of `services`, which is renewed when it is too old to know. Null: known to nobody.
  const ServerView* serverOf(const ServiceTable*& services, const Conn& conn) const {
    const uint32_t id = conn.server.load(std::memory_order_relaxed);
    const ServerView* server = services->server(id);
    if (server != nullptr) [[likely]]
      return server;
    services = control_.table();
    return services->server(id);
  }

  // Whether the connection gives way to a new one for this packet.
  static bool mustEnd(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                      const Tunables& tunables) {
    if (server.available && !isOpening(parsed)) [[likely]]
      return false;
    return mustEndOpening(conn, server, parsed, tunables);
  }

  // Notes a packet of a live connection: its state and deadline.
  void update(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Tick now,
              const Tunables& tunables);

  // Finds a server for a packet without a live connection and opens one. Verdict::forwarded: `server` is set.
  Verdict open(size_t worker, WorkerStats& stats, const ServiceTable*& services, const ParsedPacket& parsed,
               uint64_t hash, Tick now, const ServerView*& server);

  bool expire(size_t worker, size_t workers, WorkerStats& stats, Tick now, bool exact, size_t budget);

  // Ends the connections of servers that `services` does not hold available; how many.
  uint64_t endUnavailable(const ServiceTable& services);

  ConnectionRow rowOf(const Conn& conn, Family family, const ServiceTable& services, Tick now) const;

 private:
  // A packet with which a client begins a connection, again perhaps.
  static bool isOpening(const ParsedPacket& parsed) {
    if (parsed.protocol == kTcpProtocol) return parsed.event == static_cast<uint8_t>(TcpEvent::syn);
    return parsed.protocol == kSctpProtocol && parsed.event == static_cast<uint8_t>(SctpEvent::init);
  }
  static bool maySchedule(const ParsedPacket& parsed, const Tunables& tunables);
  static bool mustEndOpening(const Conn& conn, const ServerView& server, const ParsedPacket& parsed,
                             const Tunables& tunables);
  void updateLocked(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Tick now,
                    const Tunables& tunables);
  void bind(const ServerView& server, bool active);
  void unbind(const Conn& conn);

  ConnTable v4_, v6_;
  Control& control_;
  ServerPool& pool_;
  Epochs& epochs_;
};

}  // namespace tunvs
