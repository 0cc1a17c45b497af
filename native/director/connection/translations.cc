#include "director/connection/translations.h"

namespace tunvs {

Be16 Translations::serverPort(const ServiceView& service, const ServerView& server, const FlowKey& flow) {
  // FTP's data connections keep the port that the server has named.
  const bool isFtpData = service.isFtp() && !service.takes(flow.virtualPort());
  return server.port == 0 || isFtpData ? flow.virtualPort() : Be16::from(server.port);
}

uint32_t Translations::reserve(Pass& pass, const ServiceView& service, const ServerView& server, const FlowKey& flow,
                               uint32_t controller) {
  // A client port may have connections to one server by two services. Replies then belong to the newer one, as in IPVS.
  const FlowKey reply = FlowKey::make(server.address, serverPort(service, server, flow), flow.client(),
                                      flow.clientPort(), flow.protocol());
  return entries_.makeReply(pass.worker.stats, reply, controller, pass.now, /*mayHide=*/true);
}

}  // namespace tunvs
