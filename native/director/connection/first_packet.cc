#include "director/connection/first_packet.h"

#include "director/config/service_index.h"

namespace tunvs {

bool isMidStream(const ParsedPacket& parsed, const ServiceConfig& service) {
  return service.hashesMidStream() && isFromMiddle(parsed);
}

bool maySchedule(const ParsedPacket& parsed, const ServiceConfig& service, const Tunables& tunables) {
  if (parsed.key.clientPort().host() == ServiceIndex::kFtpDataPort) return false;
  if (isAborting(parsed)) return false;
  switch (parsed.protocol) {
    case kTcpProtocol: return isOpening(parsed) || tunables.sloppyTcp != 0 || isMidStream(parsed, service);
    case kSctpProtocol: return isOpening(parsed) || tunables.sloppySctp != 0 || isMidStream(parsed, service);
    default: return true;
  }
}

}  // namespace tunvs
