// Judges what an entry has shown, and so in which order entries give way in a full table. It is ConnTable's judge of
// connections and templates, as of one moment.
//
// A director judges by the client's packets alone and can check no sequence number. Where it sees the server's, too
// (NAT), they prove nothing: a server answers a forged SYN as well. Only two things tell a client from a sender with
// forged addresses: it goes on, and its server's answers make it go on. To look like more, a sender has to send more:
// an entry is unproven if it has sent fewer than three packets or was never established (SYN and ACK can be sent
// blindly; a client also has something to say, or to acknowledge), slight if it has sent a few, and solid otherwise.
//
// Thread safety: as the table's calls that use it.
#pragma once

#include "director/config/service_table.h"
#include "table/conn_table.h"

namespace tunvs {

inline constexpr uint32_t kProvenPackets = 3;
inline constexpr uint32_t kSolidPackets = 11;
// Tells whether this packet lifts the connection to a higher standing. The two numbers differ in one bit, so one
// comparison is enough.
inline bool isRise(uint32_t packets) {
  static_assert(kSolidPackets == (kProvenPackets | 8) && (kProvenPackets & 8) == 0);
  return (packets & ~uint32_t{8}) == kProvenPackets;
}

// A sender that has not measured a path yet takes a SYN that is unanswered for a second as lost and sends it again (RFC
// 6298 section 2); that opens the connection again. So a handshake keeps its place for as long.
inline constexpr Tick kHandshakeTicks = ticksFromSeconds(1);
// The time that a SYN, its copy a second later and the doubled wait for an answer to that take (RFC 6298 section 5.5).
// A beginning keeps its place for so long if anything idle can give way instead. For a connection that has shown
// something, packets within this time are recent ones.
inline constexpr Tick kBeginningTicks = ticksFromSeconds(3);

class StandingJudge {
 public:
  StandingJudge(const ServiceTable& services, Tick now) : services_(services), now_(now) {}

  Place place(const Conn& conn) const;
  Yield yields(const Conn& conn, Standing standing) const;
  uint32_t idle(const Conn& conn) const { return idleFor(timeout(conn), conn.expires.load(std::memory_order_relaxed)); }

  // Tells whether a connection has shown something and is established as its protocol defines it.
  static bool isProven(const Conn& conn);

 private:
  Tick timeout(const Conn& conn) const;
  // Returns the time since the last packet, computed from the timeout that the state has now; 0 when the timeout has
  // become shorter since.
  uint32_t idleFor(Tick timeout, Tick deadline) const {
    const auto idle = static_cast<int32_t>(timeout - (deadline - now_));
    return idle > 0 ? static_cast<uint32_t>(idle) : 0;
  }

  const ServiceTable& services_;
  Tick now_;
};

}  // namespace tunvs
