// A translated connection's packets are rewritten (NAT): the client's get the real server's address and port, and the
// server's get the virtual service's.
//
// Such a connection is two entries of the table, so that both directions are found by one look-up: its own, under the
// key of its client's packets, and its reply entry, under that of its server's packets. State, deadline, counts and
// everything else lie in its own entry. The reply entry leads to it, and has besides what the connection's own entry
// has no room for. Each entry's key says what the other direction's packets become.
//
//   own entry:    CIP:cport -> VIP:vport   server: id | kTranslated   control: the reply entry
//   reply entry:  RIP:rport -> CIP:cport   server: kReplyEntry        control: the own entry   packets: the template
//   state: bits
//
// In full NAT the reply entry's second half is an address and a port of the director's.
#pragma once

#include "core/flow_key.h"
#include "packet/rewrite_against.h"
#include "table/conn.h"

namespace tunvs {

// These are values of Conn::server. Real servers' ids are below both.
inline constexpr uint32_t kTranslated = 0x80000000;  // beside the id
inline constexpr uint32_t kReplyEntry = 0xffffffff;  // no server: the entry leads to another
inline constexpr uint32_t kPendingReply = 0;         // Conn::control of a reply entry whose connection is being opened

// These are bits of Conn::state of a reply entry.
inline constexpr uint8_t kReplyExpected = 1;  // its connection's client port is not known yet
inline constexpr uint8_t kReplyOfFtp = 2;     // its connection is one of FTP's, and known to FtpSessions
inline constexpr uint8_t kReplyTold = 4;      // its server is told the client's address: see ToldConnections

// Names an entry among those of both families.
inline uint64_t nameAmongAll(Family family, uint32_t reference) {
  return uint64_t{family == Family::ipv6} << 32 | reference;
}

inline bool isReplyEntry(const Conn& conn) { return conn.server.load(std::memory_order_relaxed) == kReplyEntry; }
inline bool isTranslated(const Conn& conn) {
  const uint32_t server = conn.server.load(std::memory_order_relaxed);
  return (server & kTranslated) != 0 && server != kReplyEntry;
}
// Returns the stable id of an entry's real server; that of a reply entry is no server's.
inline uint32_t serverIdOf(const Conn& conn) { return conn.server.load(std::memory_order_relaxed) & ~kTranslated; }

}  // namespace tunvs
