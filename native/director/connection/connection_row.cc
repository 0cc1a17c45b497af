#include "director/connection/connection_row.h"

#include "director/protocol/protocol_state.h"

namespace tunvs {

constexpr uint16_t kNoPort = 65535;  // the port that IPVS gives a template that is no longer followed

ConnectionRow rowOf(const Entries& entries, const Conn& conn, Family family, const ServiceTable& services, Tick now) {
  const ConnTable& table = entries.table(family);
  ConnectionRow row{};
  row.key = table.keyOf(conn);
  row.active = isActiveConn(conn);
  row.isTemplate = isTemplate(conn);
  const uint8_t state = conn.state.load(std::memory_order_relaxed);
  if (const ServerView* server = services.server(serverIdOf(conn))) row.server = server->key();
  const uint16_t virtualPort = row.key.virtualPort().host();
  if (row.isTemplate) {
    row.controlled = conn.control.load(std::memory_order_relaxed);
    row.state = state == static_cast<uint8_t>(TemplateState::assured) ? "ASSURED" : "NONE";
    if (conn.kind == FlowKind::enginePersistence) {
      row.persistenceData = entries.persistenceData().get(family, table.referenceOf(&conn));
      row.key = FlowKey::make(row.key.client(), {}, row.key.virtualAddress(), row.key.virtualPort(), row.key.protocol(),
                              row.key.kind());
    }
    const bool isFollowed = (conn.flags.load(std::memory_order_relaxed) & kConnInvalid) == 0;
    if (!isFollowed) {
      row.key = FlowKey::make(row.key.client(), {}, row.key.virtualAddress(), Be16::from(kNoPort), row.key.protocol(),
                              row.key.kind());
      row.server.port = kNoPort;
    } else if (virtualPort == 0) {
      row.server.port = 0;
    }
  } else {
    row.state = stateName(conn.protocol, state);
    if (isTranslated(conn)) {
      const FlowKey reply = table.keyOf(*table.named(conn.control.load(std::memory_order_relaxed)));
      row.server = {reply.client(), reply.clientPort().host()};
      // The client's own address stays with NAT alone.
      if (reply.virtualAddress() != row.key.client()) row.source = {reply.virtualAddress(), reply.virtualPort()};
    } else if (row.server.port == 0) {
      row.server.port = virtualPort;
    }
  }
  const auto ticks = static_cast<int32_t>(conn.expires.load(std::memory_order_relaxed) - now);
  row.expiresMs = int64_t{ticks} * (1000 / kTicksPerSecond);
  return row;
}

}  // namespace tunvs
