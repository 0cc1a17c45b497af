// fo and ovf share this: the heaviest server of those that may be chosen.
#pragma once

#include "scheduler/eligible.h"

namespace tunvs {

// Returns the first of the list among equals; null when `mayTake` is false for all.
template <typename MayTake>
const Candidate* heaviest(ServerList servers, MayTake&& mayTake) {
  const Candidate* best = nullptr;
  for (const Candidate* server : servers) {
    if (!isEligible(*server) || !mayTake(*server)) continue;
    if (best == nullptr || server->weight > best->weight) best = server;
  }
  return best;
}

}  // namespace tunvs
