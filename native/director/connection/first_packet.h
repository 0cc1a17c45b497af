// Decides which packets may begin a connection.
#pragma once

#include "director/config/service_config.h"
#include "director/protocol/protocol_state.h"
#include "director/protocol/tunables.h"
#include "packet/parse.h"

namespace tunvs {

// Tells whether a client begins a connection with this packet, perhaps for the second time.
inline bool isOpening(const ParsedPacket& parsed) {
  if (parsed.protocol == kTcpProtocol) return parsed.event == static_cast<uint8_t>(TcpEvent::syn);
  return parsed.protocol == kSctpProtocol && parsed.event == static_cast<uint8_t>(SctpEvent::init);
}

// Tells cheaply whether a packet leaves its connection's state as it is. It may answer no when the state stays. Where
// it answers yes, the packet neither opens nor ends anything. This holds for the packets of either side.
inline bool keepsState(const ParsedPacket& parsed, uint8_t state) {
  static_assert(nextTcpState(TcpState::established, TcpEvent::ack, false) == TcpState::established &&
                nextTcpState(TcpState::established, TcpEvent::ack, true) == TcpState::established);
  static_assert(nextTcpState(TcpState::established, TcpEvent::ack, false, Side::client) == TcpState::established &&
                nextTcpState(TcpState::established, TcpEvent::ack, true, Side::client) == TcpState::established &&
                nextTcpState(TcpState::established, TcpEvent::ack, false, Side::server) == TcpState::established &&
                nextTcpState(TcpState::established, TcpEvent::ack, true, Side::server) == TcpState::established);
  if (parsed.protocol == kTcpProtocol) [[likely]] {
    return state == static_cast<uint8_t>(TcpState::established) && parsed.event == static_cast<uint8_t>(TcpEvent::ack);
  }
  return parsed.protocol == kUdpProtocol;  // UDP has only one state
}

// Tells whether a client ends a connection at once with this packet.
inline bool isAborting(const ParsedPacket& parsed) {
  if (parsed.protocol == kTcpProtocol) return parsed.event == static_cast<uint8_t>(TcpEvent::rst);
  return parsed.protocol == kSctpProtocol && parsed.event == static_cast<uint8_t>(SctpEvent::abort);
}

// Tells whether the packet may come from the middle of a connection that goes on. A TCP packet without flags belongs to
// no connection.
inline bool isFromMiddle(const ParsedPacket& parsed) {
  if (parsed.protocol == kTcpProtocol)
    return parsed.event == static_cast<uint8_t>(TcpEvent::ack) || parsed.event == static_cast<uint8_t>(TcpEvent::fin);
  return parsed.protocol == kSctpProtocol && !isOpening(parsed) && !isAborting(parsed);
}

// Tells whether the packet comes from the middle of a connection that another director may have had, and that its
// service leads on by its hash.
bool isMidStream(const ParsedPacket& parsed, const ServiceConfig& service);

// Tells whether a packet without a connection may begin one.
bool maySchedule(const ParsedPacket& parsed, const ServiceConfig& service, const Tunables& tunables);

}  // namespace tunvs
