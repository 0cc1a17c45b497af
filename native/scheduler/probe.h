// sh and mh share this: a slot's server, and where to look when it may not be chosen.
#pragma once

#include "scheduler/eligible.h"
#include "scheduler/index_table.h"

namespace tunvs {

// `slotOf(offset)` is the slot that a client hashes to with an offset. The slot of offset 0 decides; with `fallback`,
// all offsets are tried, beginning with that slot's number, until a server may be chosen or a slot is empty.
template <typename SlotOf>
const Candidate* probeTable(const IndexTable& table, ServerList servers, bool fallback, SlotOf&& slotOf) {
  constexpr size_t kBeforeAsking = 64;  // after so many tries it is worth asking whether any server is eligible
  const size_t size = table.slots.size();
  const size_t first = slotOf(size_t{0});
  const Candidate* server = table.at(servers, first);
  if (server == nullptr || isEligible(*server)) return server;
  if (!fallback) return nullptr;
  for (size_t k = 0; k < size; k++) {
    if (k == kBeforeAsking && !isAnyEligible(servers)) return nullptr;
    server = table.at(servers, slotOf((first + k) % size));
    if (server == nullptr || isEligible(*server)) return server;
  }
  return nullptr;
}

}  // namespace tunvs
