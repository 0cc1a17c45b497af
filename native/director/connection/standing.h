// What an entry has shown, and so in which order entries give way in a full table: ConnTable's judge for connections
// and templates, as of one moment.
//
// A director sees the client's packets only and can check no sequence number, so that all that tells a client from
// somebody who sends under others' addresses is that it goes on, and that its server's answers make it go on. What it
// costs to look like more grows with what is asked for: unproven is what has sent fewer than three packets or was never
// established (SYN and ACK can be sent blindly; a client has something to say, or to acknowledge, as well); slight is
// what has sent a few; solid is the rest.
//
// Thread safety: as the table's calls that it is for.
#pragma once

#include "director/config/service_table.h"
#include "table/conn_table.h"

namespace tunvs {

inline constexpr uint32_t kProvenPackets = 3;
inline constexpr uint32_t kSolidPackets = 11;
// Whether this packet makes it more than it was. The two differ in one bit, so that it is asked in one comparison.
inline bool isRise(uint32_t packets) {
  static_assert(kSolidPackets == (kProvenPackets | 8) && (kProvenPackets & 8) == 0);
  return (packets & ~uint32_t{8}) == kProvenPackets;
}

// A sender who has no measure of a path yet takes what is not answered within a second for lost, and sends its SYN
// again (RFC 6298 section 2); that opens the connection again. So a handshake keeps its place for as long.
inline constexpr Tick kHandshakeTicks = ticksFromSeconds(1);
// As long as a SYN, its copy a second later and the doubled wait for an answer to that take (RFC 6298 section 5.5): so
// long what begins keeps its place if anybody idle can go in its stead. Of a connection that has shown something,
// packets within this time are recent ones.
inline constexpr Tick kBeginningTicks = ticksFromSeconds(3);

class StandingJudge {
 public:
  StandingJudge(const ServiceTable& services, Tick now) : services_(services), now_(now) {}

  Place place(const Conn& conn) const;
  Yield yields(const Conn& conn, Standing standing) const;
  uint32_t idle(const Conn& conn) const { return idleFor(timeout(conn), conn.expires.load(std::memory_order_relaxed)); }

  // Whether a connection has shown something, established or not as its protocol has it.
  static bool isProven(const Conn& conn);

 private:
  Tick timeout(const Conn& conn) const;
  // Since the last packet, going by the timeout that the state has now; 0 when that has become shorter since.
  uint32_t idleFor(Tick timeout, Tick deadline) const {
    const auto idle = static_cast<int32_t>(timeout - (deadline - now_));
    return idle > 0 ? static_cast<uint32_t>(idle) : 0;
  }

  const ServiceTable& services_;
  Tick now_;
};

}  // namespace tunvs
