#include "director/connection/drop_entry.h"

#include "director/connection/entries.h"
#include "director/protocol/protocols.h"
#include "director/protocol/sctp_state.h"
#include "director/protocol/tcp_state.h"

namespace tunvs {
bool DropEntry::mayDrop(const Conn& conn, uint32_t idleTicks) {
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  switch (conn.protocol) {
    case kTcpProtocol:
      switch (static_cast<TcpState>(state)) {
        case TcpState::synRecv:
        case TcpState::synAck: return true;
        case TcpState::established: return isSpent(conn, idleTicks);
        default: return false;
      }
    case kSctpProtocol:
      switch (static_cast<SctpState>(state)) {
        case SctpState::init1:
        case SctpState::init: return true;
        case SctpState::established: return isSpent(conn, idleTicks);
        default: return false;
      }
    default: return isSpent(conn, idleTicks);
  }
}

// A template of a one-packet service is judged as a connection would be. It has had no packets, so it stays.
bool DropEntry::mayDropTemplate(const Conn& conn, bool isOnePacket) {
  const bool isAssured = conn.state.load(std::memory_order_relaxed) == static_cast<uint8_t>(TemplateState::assured);
  return !isOnePacket && !isAssured && !Entries::isInUse(conn);
}

// A connection is spent when it is idle and has had so few packets that little can have come of it.
bool DropEntry::isSpent(const Conn& conn, uint32_t idleTicks) {
  const uint32_t packets = conn.packets.load(std::memory_order_relaxed);
  if (idleTicks < kMinIdleTicks || packets == 0 || packets > kMaxPackets) return false;
  uint8_t& left = left_[packets];
  if (left > 1) {
    left--;
    return false;
  }
  left = static_cast<uint8_t>(packets);
  return true;
}

}  // namespace tunvs
