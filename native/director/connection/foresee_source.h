// Says whether full NAT has an address and a port for a new connection, as Translations::reserve() would find it, and
// takes none.
#pragma once

#include "director/config/nat_sources.h"
#include "director/counters/verdict.h"
#include "table/conn_table.h"

namespace tunvs {

struct NewSource {
  Endpoint at;  // where the server has the connection
  uint8_t protocol;
  // The connection that the flow has had, if its time is up: it ends first, and its pair is free again. May be null.
  const Conn* over = nullptr;
};

// Returns Verdict::forwarded if there is a pair, or what becomes of the packet without one. Where there are many
// pairs it looks at some of them, as reserve() does. Workers may take the last pair meanwhile. REQUIRES: called between
// Epochs::enter() and leave()
Verdict foreseeSource(const NatSources& sources, const ConnTable& conns, const NewSource& wanted);

}  // namespace tunvs
