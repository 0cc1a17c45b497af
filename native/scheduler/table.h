// A table of servers that somebody else has built: a flow's hash picks a slot, and the slot names a server.
//
// The hash is the same on every director, so that those with equal tables agree. Where a slot's server may not get
// connections, the flow's next hashes pick others: what such a server had goes to the rest by their share of slots.
#pragma once

#include "scheduler/index_table.h"

namespace tunvs {

// How many slots are tried before it is somebody else's turn.
inline constexpr size_t kTableTries = 32;

// Null when none of the slots tried has a server that may get connections. `hashesPort`: the client's port counts.
const Candidate* pickFromTable(const IndexTable& table, ServerList servers, const FlowKey& flow, bool hashesPort);

}  // namespace tunvs
