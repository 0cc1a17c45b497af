#include "director/connection/standing.h"

#include <algorithm>

#include "director/connection/entries.h"
#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

// The timeout divided by these gives how long a connection has been silent when it stands as idle, when it stands as
// idle for long, and when a busy solid one no longer keeps its place.
constexpr Tick kIdlePart = 8, kLongPart = 2, kKeepsPart = 16;

}  // namespace

Tick StandingJudge::timeout(const Conn& conn) const {
  if (isTemplate(conn)) return conn.packets.load(std::memory_order_relaxed);
  const ServerView* server = services_.server(serverIdOf(conn));
  return timeoutOf(services_.tunables(), server == nullptr ? nullptr : server->timeouts.get(), conn.protocol,
                   conn.state.load(std::memory_order_relaxed));
}

bool StandingJudge::isProven(const Conn& conn) {
  return conn.packets.load(std::memory_order_relaxed) >= kProvenPackets &&
         phaseOf(conn.protocol, conn.state.load(std::memory_order_relaxed)) == Phase::established;
}

Place StandingJudge::place(const Conn& conn) const {
  const Tick deadline = conn.expires.load(std::memory_order_relaxed);
  // Said of a template, or of a reply entry.
  const bool isProven = (conn.flags.load(std::memory_order_relaxed) & kConnProven) != 0;
  if (Entries::isInUse(conn)) return {isProven ? Standing::held : Standing::heldUnproven, deadline};
  if (reached(now_, deadline)) return {Standing::stale, deadline};
  const Tick timeout = this->timeout(conn);
  const uint32_t idle = idleFor(timeout, deadline);
  // The moment is no later than the deadline, which may be nearer than the timeout suggests.
  const auto at = [&](Standing standing, uint32_t ticks) {
    return Place{standing, now_ + std::min(ticks - idle, deadline - now_)};
  };
  Phase phase = Phase::established;
  uint32_t packets = isProven ? kProvenPackets : 0;
  if (!isTemplate(conn)) {
    phase = phaseOf(conn.protocol, conn.state.load(std::memory_order_relaxed));
    packets = conn.packets.load(std::memory_order_relaxed);
    if (phase == Phase::closing) return {Standing::closing, deadline};
  }
  if (packets < kProvenPackets || phase != Phase::established) {
    if (idle >= kBeginningTicks) return {Standing::stale, deadline};
    // The last step of a handshake, the arrival of its third packet, belongs to it, too.
    const bool isHandshake = !isTemplate(conn) && conn.protocol != kUdpProtocol && phase != Phase::begun;
    return at(isHandshake ? Standing::opening : Standing::fresh, kBeginningTicks);
  }
  const bool isSolid = packets >= kSolidPackets;
  if (idle >= timeout / kLongPart) return {isSolid ? Standing::solidLong : Standing::slightLong, deadline};
  if (idle >= timeout / kIdlePart) return at(isSolid ? Standing::solidIdle : Standing::slightIdle, timeout / kLongPart);
  return at(isSolid ? Standing::solidBusy : Standing::slightBusy, timeout / kIdlePart);
}

Yield StandingJudge::yields(const Conn& conn, Standing standing) const {
  switch (standing) {
    case Standing::closing: {
      // A client that has sent its last data may go on to read for long, and acknowledges what it reads.
      const bool isOver = isClosed(conn.protocol, conn.state.load(std::memory_order_relaxed)) ||
                          conn.packets.load(std::memory_order_relaxed) < kProvenPackets;
      return isOver || idle(conn) >= kBeginningTicks ? Yield::gives : Yield::last;
    }
    case Standing::opening: return idle(conn) >= kHandshakeTicks ? Yield::gives : Yield::keeps;
    case Standing::slightBusy: return idle(conn) >= kBeginningTicks ? Yield::gives : Yield::keeps;
    case Standing::solidBusy: return idle(conn) >= timeout(conn) / kKeepsPart ? Yield::gives : Yield::keeps;
    case Standing::held:
    case Standing::heldUnproven: return Yield::keeps;
    default: return Yield::gives;
  }
}

}  // namespace tunvs
