// What the packets of a translated connection become, and which endpoints a new one takes.
//
// Thread safety: as Director; each function takes the locks that it needs, and holds none on return.
#pragma once

#include "director/config/service_view.h"
#include "director/config/settings.h"
#include "director/connection/entries.h"
#include "director/counters/verdict.h"
#include "director/worker/pass.h"

namespace tunvs {

class Translations {
 public:
  // How many pairs of address and port it tries, the first of them in turn. With 99 of 100 in use, one search in 20,000
  // is in vain.
  static constexpr uint32_t kTries = 1024, kTriesInTurn = 32;

  Translations(const Settings& settings, Entries& entries) : settings_(settings), entries_(entries) {}

  // Tells whether reserve() has looked at every pair of full NAT when it finds none.
  static constexpr bool looksAtAll(uint64_t capacity) { return capacity <= kTries; }

  // Returns the port at which a server gets the packets of a flow.
  static Be16 serverPort(const ServiceView& service, const ServerView& server, const FlowKey& flow);
  // Returns what a client's packet becomes that belongs to no connection of the table. Full NAT puts another source in,
  // which only a connection's reply entry knows.
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

  struct ReplyOptions {
    uint8_t marks = 0;                  // bits of translated.h
    const IpAddress* source = nullptr;  // which of full NAT's addresses; null: any
  };
  // Makes the reply entry for a connection of this flow, which counts on `controller`; `at` is where the server has it.
  // Returns its name; 0: there can't be one, as `why` says.
  uint32_t reserve(Pass& pass, const ServerView& server, const FlowKey& flow, const Endpoint& at, uint32_t controller,
                   Verdict& why, const ReplyOptions& options);

 private:
  uint32_t reserveSource(Pass& pass, const ServerView& server, const FlowKey& flow, const Endpoint& at,
                         uint32_t controller, Verdict& why, const ReplyOptions& options);

  const Settings& settings_;
  Entries& entries_;
};

}  // namespace tunvs
