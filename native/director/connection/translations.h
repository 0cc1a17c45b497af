// What the packets of a translated connection become, and which endpoints a new one takes.
//
// Thread safety: as Director; each function takes the locks that it needs, and holds none on return.
#pragma once

#include "director/config/service_view.h"
#include "director/connection/entries.h"
#include "director/worker/pass.h"

namespace tunvs {

class Translations {
 public:
  explicit Translations(Entries& entries) : entries_(entries) {}

  // Returns the port at which a server gets the packets of a flow.
  static Be16 serverPort(const ServiceView& service, const ServerView& server, const FlowKey& flow);
  // Returns what a client's packet becomes that belongs to no connection of the table.
  static Endpoints toServer(const ServiceView& service, const ServerView& server, const FlowKey& flow) {
    return {{flow.client(), flow.clientPort()}, {server.address, serverPort(service, server, flow)}};
  }
  // Returns what the packets of a connection's client become. REQUIRES: isTranslated(conn)
  Endpoints toServer(Family family, const Conn& conn) const {
    const ConnTable& conns = entries_.table(family);
    return against(conns.keyOf(*conns.named(conn.control.load(std::memory_order_relaxed))));
  }
  // Returns what the packets of its server become.
  Endpoints toClient(Family family, const Conn& conn) const { return against(entries_.table(family).keyOf(conn)); }

  // Makes the reply entry for a connection of this flow to this server, which counts on `controller`. Returns its name;
  // 0: there can't be one.
  uint32_t reserve(Pass& pass, const ServiceView& service, const ServerView& server, const FlowKey& flow,
                   uint32_t controller);

 private:
  Entries& entries_;
};

}  // namespace tunvs
