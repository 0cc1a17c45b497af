// FTP's data connections, which a control connection has announced: an entry is there before their first packet.
//
// A client's own port is not known before it opens a passive one, so the entry that waits for that has port 0, and
// gives way to the real one. As in IPVS, data connections are among a server's active and inactive connections, and
// none of those that its scheduler was asked for.
//
// Thread safety: as Director; each function takes the locks that it needs, and holds none on return.
#pragma once

#include <optional>

#include "director/connection/entries.h"
#include "director/connection/translations.h"
#include "director/worker/pass.h"
#include "packet/parse.h"

namespace tunvs {

class DataConnections {
 public:
  DataConnections(Entries& entries, Translations& translations) : entries_(entries), translations_(translations) {}

  // Keeps what the control connection says from now on, until it ends. Returns its name; 0: it has ended.
  uint32_t follow(Family family, const Conn& control);
  // Expects a connection between the client and the virtual address of `control`: `flow` names it, with client port 0
  // if that is not known, and `at` is where the server has it. By full NAT the server sees the client at the address
  // that `control` has there, as servers refuse others. REQUIRES: isTranslated(control)
  void expect(Pass& pass, const Conn& control, const ServerView& server, const FlowKey& flow, const Endpoint& at);
  // Tells whether some connection may be expected whose client port is not known.
  bool mayExpect() const { return entries_.ftp().expected.load(std::memory_order_relaxed) != 0; }
  // Opens the connection that a client's first packet belongs to, if it is expected. Returns null when it is not, or
  // there is no room.
  Conn* open(Pass& pass, const ParsedPacket& parsed, uint64_t hash);

 private:
  // `source` is whom the server takes for the client. `control` is the name of the control connection; 0: there is none
  // any more.
  Conn* insert(Pass& pass, const ServerView& server, const FlowKey& flow, const Endpoint& at, const IpAddress& source,
               TcpState state, uint8_t marks, uint32_t control);
  void end(Pass& pass, const FlowKey& flow, const Conn& conn);

  Entries& entries_;
  Translations& translations_;
};

}  // namespace tunvs
