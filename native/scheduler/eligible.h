// The schedulers share this: which server may be chosen, and how loaded a server is.
#pragma once

#include "scheduler/scheduler.h"

namespace tunvs {

inline bool isOverloaded(const Candidate& server) { return server.state->overloaded.load(std::memory_order_relaxed); }
inline bool isEligible(const Candidate& server) { return server.weight > 0 && !isOverloaded(server); }

// Returns IPVS's load of a server for lc and wlc: an active connection counts as much as 256 inactive ones.
inline int64_t loadOf(const Candidate& server) {
  return int64_t{server.state->active.load(std::memory_order_relaxed)} * 256 +
         server.state->inactive.load(std::memory_order_relaxed);
}

inline int64_t activeOf(const Candidate& server) { return server.state->active.load(std::memory_order_relaxed); }

inline bool isAnyEligible(ServerList servers) {
  for (const Candidate* server : servers) {
    if (isEligible(*server)) return true;
  }
  return false;
}

// Tells whether cost / weight is below bestCost / bestWeight. Costs of servers are below 2^40 and weights below 2^31,
// so the products need more than 64 bits in the worst case only.
inline bool isCheaper(int64_t cost, int32_t weight, int64_t bestCost, int32_t bestWeight) {
  if (((cost | bestCost) >> 32) == 0) [[likely]]
    return cost * bestWeight < bestCost * weight;
  __extension__ using Wide = __int128;
  return static_cast<Wide>(cost) * bestWeight < static_cast<Wide>(bestCost) * weight;
}

// Returns the eligible server with the smallest cost per weight; the first in the list among equals. If `weighted` is
// false, every weight counts as 1.
template <typename Cost>
const Candidate* leastCost(ServerList servers, bool weighted, Cost&& cost) {
  const Candidate* best = nullptr;
  int64_t bestCost = INT64_MAX;  // nobody's: everybody is cheaper
  int32_t bestWeight = 1;
  for (const Candidate* server : servers) {
    if (!isEligible(*server)) continue;
    const int64_t serverCost = cost(*server);
    const int32_t weight = weighted ? server->weight : 1;
    if (!isCheaper(serverCost, weight, bestCost, bestWeight)) continue;
    best = server;
    bestCost = serverCost;
    bestWeight = weight;
  }
  return best;
}

// Returns the index of the server chosen last, -1 for "before the first"; after a removal the predecessor holds the
// place.
inline ptrdiff_t cursorIndex(ServerList servers, SchedulerState& state) {
  if (state.last == kNoServer) return -1;
  if (state.lastIndex < servers.size() && servers[state.lastIndex]->id == state.last) return state.lastIndex;
  for (size_t i = 0; i < servers.size(); i++) {
    if (servers[i]->id == state.last) {
      state.lastIndex = static_cast<uint32_t>(i);
      return static_cast<ptrdiff_t>(i);
    }
  }
  return -1;
}

inline void setCursor(ServerList servers, SchedulerState& state, ptrdiff_t index) {
  state.last = index < 0 ? kNoServer : servers[static_cast<size_t>(index)]->id;
  state.lastIndex = index < 0 ? 0 : static_cast<uint32_t>(index);
}

// If the remembered server goes, its predecessor takes its place, so that nobody's turn is skipped.
inline void keepCursor(ServerList before, ServerList after, SchedulerState& state) {
  if (cursorIndex(after, state) >= 0) return;
  ptrdiff_t index = cursorIndex(before, state);
  while (index >= 0) {
    state.last = before[static_cast<size_t>(index)]->id;
    if (cursorIndex(after, state) >= 0) return;
    index--;
  }
  setCursor(after, state, -1);
}

}  // namespace tunvs
