// Connections::explain: it takes the steps of a packet's way through Connections without leaving a trace.
#include "director/connection/connections.h"
#include "director/connection/foresee_source.h"

namespace tunvs {

void Connections::foreseeTranslation(const ServiceView& service, const ServerView& server, const FlowKey& flow,
                                     const Conn* over, Explanation& said) const {
  if (!server.traits->rewrites()) return;
  said.becomes = Translations::toServer(service, server, flow);
  if (!server.traits->takesSource) return;
  said.sourceIsOpen = true;
  said.verdict =
      foreseeSource(settings_.natSources, table(flow.family), {said.becomes->destination, flow.protocol(), over});
}

const ServerView* Connections::previewQuoted(const FlowKey& flow, uint32_t mark, Tick now, Explanation& said) const {
  const ServiceTable* services = control_.table();
  const ServiceView* service = services->find(flow, mark);
  if (service == nullptr || defence_.dropRate(services->tunables()) == 1) return nullptr;
  const ServerView* server = choice_.preview(services, *service, flow, {}, now, said);
  if (server == nullptr) return nullptr;
  foreseeTranslation(*service, *server, flow, /*over=*/nullptr, said);
  said.sourceIsOpen = false;  // the error itself keeps its source
  return said.verdict == Verdict::forwarded ? server : nullptr;
}

Explanation Connections::explain(const ParsedPacket& parsed, uint32_t mark, Tick now, const ServerView*& server) const {
  server = nullptr;
  Explanation said;
  const FlowKey& flow = parsed.key;
  const ServiceTable* services = control_.table();
  bool moved = false;
  const Conn* over = nullptr;
  const uint64_t hash = table(flow.family).hash(flow);
  if (!services->services().empty()) {
    ConnTable::Guard guard(table(flow.family), hash);
    const Conn* conn = table(flow.family).find(flow, hash);
    if (conn != nullptr && isReplyEntry(*conn)) {
      const Conn* own = entries_.connectionOf(flow.family, *conn);
      server = own != nullptr && !own->hasExpired(now) ? serverOf(services, *own) : nullptr;
      if (server == nullptr) return {.verdict = Verdict::dropUnmatchedReply};
      said.connectionState = stateName(parsed.protocol, own->state.load(std::memory_order_relaxed));
      said.by = DecidedBy::connection;
      said.server = server->key();
      said.becomes = translations_.toClient(flow.family, *own);
      said.verdict = Verdict::returned;
      return said;
    }
    const bool isLive = conn != nullptr && !ConnTable::hasExpired(*conn, now);
    if (!isLive) over = conn;
    server = isLive ? serverOf(services, *conn) : nullptr;
    if (server != nullptr) {
      said.connectionState = stateName(parsed.protocol, conn->state.load(std::memory_order_relaxed));
      said.endsConnection = mustEnd(*conn, *server, parsed, services->tunables());
      if (!said.endsConnection) {
        said.by = DecidedBy::connection;
        said.server = server->key();
        if (isTranslated(*conn)) said.becomes = translations_.toServer(flow.family, *conn);
        said.verdict = server->carries ? Verdict::forwarded : withheldFrom(*server);
        return said;
      }
      if (isReset(*server, parsed)) {
        said.endsConnection = false;
        said.by = DecidedBy::connection;
        said.server = server->key();
        said.verdict = Verdict::dropConnectionReset;
        return said;
      }
      moved = isMoved(*conn, *server, parsed);
      server = nullptr;
    }
  }
  if (const Pin* pin = pinOf(services, flow, hash, now, server)) {
    said.by = DecidedBy::pin;
    said.server = server->key();
    said.verdict = pin->takes(parsed) ? Verdict::pinned : Verdict::dropBadSource;
    return said;
  }
  const ServiceView* service = services->find(flow, mark);
  if (service == nullptr) {
    said.verdict = Verdict::dropNoService;
    return said;
  }
  said.service = service->key;
  if (!moved && !maySchedule(parsed, service->config, services->tunables())) {
    said.verdict = Verdict::dropNotScheduled;
    return said;
  }
  // A lower rate drops some packets, and nobody can foresee which.
  if (defence_.dropRate(services->tunables()) == 1) {
    said.verdict = Verdict::dropDefence;
    return said;
  }
  server = choice_.preview(services, *service, flow, ServerChoice::payloadOf(parsed), now, said);
  if (server == nullptr) return said;
  said.server = server->key();
  foreseeTranslation(*service, *server, flow, over, said);
  // One that keeps no connection has no pair to which an answer could come.
  if (service->config.onePacket && parsed.protocol == kUdpProtocol && server->traits->takesSource)
    said.verdict = Verdict::dropNoPort;
  return said;
}

}  // namespace tunvs
