#include "director/connection/first_packet.h"

#include "director/config/service_index.h"

namespace tunvs {

bool isMidStream(const ParsedPacket& parsed, const ServiceConfig& service) {
  if (!service.hashesMidStream()) return false;
  if (parsed.protocol == kTcpProtocol)
    return parsed.event == static_cast<uint8_t>(TcpEvent::ack) || parsed.event == static_cast<uint8_t>(TcpEvent::fin);
  return parsed.protocol == kSctpProtocol && !isOpening(parsed);
}

bool maySchedule(const ParsedPacket& parsed, const ServiceConfig& service, const Tunables& tunables) {
  if (parsed.key.clientPort().host() == ServiceIndex::kFtpDataPort) return false;
  switch (parsed.protocol) {
    case kTcpProtocol:
      if (parsed.event == static_cast<uint8_t>(TcpEvent::rst)) return false;
      return isOpening(parsed) || tunables.sloppyTcp != 0 || isMidStream(parsed, service);
    case kSctpProtocol:
      if (parsed.event == static_cast<uint8_t>(SctpEvent::abort)) return false;
      return isOpening(parsed) || tunables.sloppySctp != 0 || isMidStream(parsed, service);
    default: return true;
  }
}

}  // namespace tunvs
