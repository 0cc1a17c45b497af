#include "director/delivery/to_server_path.h"

namespace tunvs {

Verdict ToServerPath::deliverRewritten(Pass& pass, const ServerView& server, const Outgoing& packet) {
  const ParsedPacket& parsed = packet.parsed;
  const ConnTable& conns = connections_.table(parsed.key.family);
  const Conn* conn = conns.find(parsed.key, packet.flowHash);
  if (conn == nullptr || !isTranslated(*conn)) return forwarder_.deliver(pass, server, packet);
  const Conn& reply = *conns.named(conn->control.load(std::memory_order_relaxed));
  if (ToldPath::concerns(server, parsed, reply)) return told_.deliver(pass, *conn, server, packet);
  if (FtpPath::concerns(server, parsed, parsed.key.virtualPort())) return ftp_.deliver(pass, *conn, server, packet);
  return forwarder_.deliver(pass, server, packet);
}

}  // namespace tunvs
