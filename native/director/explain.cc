// Connections::explain: the steps of a packet's way through Connections, taken without leaving a trace.
#include "director/connections.h"

namespace tunvs {

Explanation Connections::explain(const ParsedPacket& parsed, uint32_t mark, Tick now) const {
  Explanation said;
  const FlowKey& flow = parsed.key;
  const ServiceTable* services = control_.table();
  if (services->services().empty()) {
    said.verdict = Verdict::dropNoService;
    return said;
  }
  {
    const uint64_t hash = table(flow.family).hash(flow);
    ConnTable::Guard guard(table(flow.family), hash);
    const Conn* conn = table(flow.family).find(flow, hash);
    const bool isLive = conn != nullptr && !ConnTable::hasExpired(*conn, now);
    const ServerView* server = isLive ? serverOf(services, *conn) : nullptr;
    if (server != nullptr) {
      said.connectionState = stateName(parsed.protocol, conn->state.load(std::memory_order_relaxed));
      said.endsConnection = mustEnd(*conn, *server, parsed, services->tunables());
      if (!said.endsConnection) {
        said.by = DecidedBy::connection;
        said.server = server->key();
        said.verdict = server->available ? Verdict::forwarded : Verdict::dropServerGone;
        return said;
      }
    }
  }
  const ServiceView* service = services->find(flow, mark);
  if (service == nullptr) {
    said.verdict = Verdict::dropNoService;
    return said;
  }
  said.service = service->key;
  if (!maySchedule(parsed, service->config, services->tunables())) {
    said.verdict = Verdict::dropNotScheduled;
    return said;
  }
  // A rate below that drops some, and which is not to be foreseen.
  if (defence_.dropRate(services->tunables()) == 1) {
    said.verdict = Verdict::dropDefence;
    return said;
  }
  const ServerView* server = nullptr;
  said.by = DecidedBy::scheduler;
  if (service->config.isPersistent()) {
    const auto name = templateName(*service, flow, payloadOf(parsed));
    if (!name) {
      said.by = DecidedBy::nothing;
      said.verdict = Verdict::dropNoCallId;
      return said;
    }
    server = templates_.preview(services, *service, *name, now);
    if (server != nullptr) said.by = DecidedBy::persistence;
  }
  const bool isItsPort = service->takes(flow.virtualPort());
  if (server == nullptr && (isItsPort || service->config.isPersistent())) {
    server = service->fromTable(flow);
    if (server != nullptr) said.by = DecidedBy::table;
    if (server == nullptr) server = service->preview(flow, now, services->tunables());
  }
  if (server == nullptr) {
    said.verdict = withoutServer(*service, flow);
    return said;
  }
  said.server = server->key();
  return said;
}

}  // namespace tunvs
