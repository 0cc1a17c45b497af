// Which packets may begin a connection.
#pragma once

#include "director/config/service_config.h"
#include "director/protocol/protocol_state.h"
#include "director/protocol/tunables.h"
#include "packet/parse.h"

namespace tunvs {

// A packet with which a client begins a connection, again perhaps.
inline bool isOpening(const ParsedPacket& parsed) {
  if (parsed.protocol == kTcpProtocol) return parsed.event == static_cast<uint8_t>(TcpEvent::syn);
  return parsed.protocol == kSctpProtocol && parsed.event == static_cast<uint8_t>(SctpEvent::init);
}

// A packet from the middle of a connection that another director may have had. A TCP packet without flags is of none.
bool isMidStream(const ParsedPacket& parsed, const ServiceConfig& service);

// Whether a packet of no connection may begin one.
bool maySchedule(const ParsedPacket& parsed, const ServiceConfig& service, const Tunables& tunables);

}  // namespace tunvs
