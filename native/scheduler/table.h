// Chooses from a table of servers that somebody else has built: a flow's hash picks a slot, and the slot names a
// server.
//
// The hash is the same on every director, so that directors with equal tables agree. If a slot's server may not get
// connections, the flow's next hashes pick others: the flows of such a server go to the rest by their share of slots.
#pragma once

#include "scheduler/index_table.h"

namespace tunvs {

// So many slots are tried before the caller has to choose in another way.
inline constexpr size_t kTableTries = 32;

// Returns null when none of the slots tried has a server that may get connections. With `hashesPort` the client's port
// counts.
const Candidate* pickFromTable(const IndexTable& table, ServerList servers, const FlowKey& flow, bool hashesPort);

}  // namespace tunvs
