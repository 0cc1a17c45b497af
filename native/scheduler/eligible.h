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

// Returns the eligible server with the smallest cost per weight; the first in the list among equals. If `weighted` is
// false, every weight counts as 1. Ratios are compared by cross-multiplication in __int128: costs below 2^40 and
// weights below 2^31 need 128 bits in the worst case only.
template <typename Cost>
const Candidate* leastCost(ServerList servers, bool weighted, Cost&& cost) {
  const Candidate* best = nullptr;
  int64_t bestCost = 0;
  for (const Candidate* server : servers) {
    if (!isEligible(*server)) continue;
    const int64_t serverCost = cost(*server);
    if (best != nullptr) {
      __extension__ using Wide = __int128;
      const Wide mine = static_cast<Wide>(serverCost) * (weighted ? best->weight : 1);
      const Wide theirs = static_cast<Wide>(bestCost) * (weighted ? server->weight : 1);
      if (theirs <= mine) continue;
    }
    best = server;
    bestCost = serverCost;
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
