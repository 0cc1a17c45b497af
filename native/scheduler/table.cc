#include "scheduler/table.h"

#include "core/split_mix.h"
#include "scheduler/eligible.h"
#include "scheduler/flow_point.h"

namespace tunvs {

const Candidate* pickFromTable(const IndexTable& table, ServerList servers, const FlowKey& flow, bool hashesPort) {
  const uint64_t first =
      endpointHash(kFlowKey, flow.client(), hashesPort ? flow.clientPort().host() : static_cast<uint16_t>(0));
  SplitMix64 others(first);
  uint64_t point = first;
  for (size_t tried = 0; tried < kTableTries; tried++, point = others.next()) {
    const Candidate* server = table.at(servers, slotOf(point, table.slots.size()));
    if (server != nullptr && isEligible(*server)) return server;
  }
  return nullptr;
}

}  // namespace tunvs
