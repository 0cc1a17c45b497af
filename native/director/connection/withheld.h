// What becomes of packets whose connection names a real server that was removed, or is down by health.
#pragma once

#include "director/config/service_view.h"
#include "director/connection/first_packet.h"
#include "director/counters/verdict.h"
#include "table/conn.h"

namespace tunvs {

// Tells whether nothing is said about the server's connections.
inline bool isSilent(const ServerView& server) {
  return !server.available || (!server.carries && server.condition.health.onDown == OnDown::drop);
}

// Tells whether the packet's connection ends with a reset. A fragment is none that could be answered.
inline bool isReset(const ServerView& server, const ParsedPacket& parsed) {
  return !server.carries && !isSilent(server) && server.condition.health.onDown == OnDown::reset &&
         parsed.protocol == kTcpProtocol && !isOpening(parsed) && parsed.packetClass == PacketClass::flow;
}

// Tells whether the packet is scheduled anew although its connection is known.
inline bool isMoved(const Conn& conn, const ServerView& server, const ParsedPacket& parsed) {
  const HealthCondition& health = server.condition.health;
  if (health.isUp || isSilent(server)) return false;
  // A server that is down gets no new connections. One that is established may get a forged SYN.
  if (health.onDown == OnDown::keep)
    return isOpening(parsed) && phaseOf(parsed.protocol, conn.state.load(std::memory_order_relaxed)) == Phase::opening;
  if (isOpening(parsed) || parsed.protocol == kUdpProtocol) return true;
  return health.onDown == OnDown::reschedule && isFromMiddle(parsed);
}

// Returns the verdict on the others.
inline Verdict withheldFrom(const ServerView& server) {
  return server.available ? Verdict::dropServerDown : Verdict::dropServerGone;
}

}  // namespace tunvs
