#include "support/count_laws.h"

#include <map>

#include "support/nat_laws.h"

namespace tunvs::testing {

void checkCounts(Laws& laws, TestDirector& t, uint64_t received) {
  uint64_t verdicts = 0;
  for (const auto name : kVerdictNames) verdicts += t.counter(name);
  laws.require(t.counter("received") == received && verdicts == received, "law 1: received is not the sum of verdicts");

  struct Named {
    int32_t active = 0, inactive = 0, persistent = 0;
  };
  std::map<uint32_t, Named> named;  // by the ids of the servers
  uint64_t live = 0, templates = 0, replies = 0, controlled = 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    t.director.connTable(family).forEach(0, SIZE_MAX, [&](const Conn& conn) {
      if (isReplyEntry(conn)) {
        replies++;
        return;
      }
      Named& counts = named[serverIdOf(conn)];
      (isTemplate(conn) ? counts.persistent : isActiveConn(conn) ? counts.active : counts.inactive)++;
    });
  }
  for (const auto& connection : t.connections()) {
    if (connection.isTemplate) {
      templates++;
      controlled += connection.controlled;
      continue;
    }
    live++;
    bool isActiveState = false;
    for (size_t state = 0; state < kTcpStates; state++) {
      isActiveState |= connection.state == kTcpStateNames[state] && isActive(static_cast<TcpState>(state));
    }
    laws.require(connection.active == isActiveState, "law 2: a connection is counted as what its state is not");
  }
  laws.require(live + templates + replies == t.director.connectionCount(),
               "law 2: the table's count is not the number of live connections");
  for (const auto& service : t.rows()) {
    for (const auto& server : service.servers) {
      const Named& counts = named[server.id];
      laws.require(server.active == counts.active && server.inactive == counts.inactive,
                   "law 2: a server's counts are not its live connections");
      laws.require(server.persistent == counts.persistent, "law 2: a server's templates are not all counted");
    }
  }
  if (const std::string broken = brokenNatLaw(t.director); !broken.empty()) laws.require(false, "law 10, " + broken);
  laws.require(controlled <= live, "law 2: templates count more connections than there are");
  laws.require(t.counter("templatesCreated") == templates + t.counter("templatesEnded"),
               "law 3: a template ended uncounted");
  laws.require(t.counter("connectionsCreated") == live + t.counter("connectionsExpired") +
                                                      t.counter("connectionsEvicted") + t.counter("connectionsDropped"),
               "law 3: a connection ended uncounted");
}

}  // namespace tunvs::testing
