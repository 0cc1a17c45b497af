// A Candidate is a real server as a scheduler sees it.
#pragma once

#include "core/inet.h"
#include "scheduler/server_state.h"

namespace tunvs {

// It is immutable except for what `state` points to.
struct Candidate {
  uint32_t id = 0;               // stable while the server is configured or a connection names it
  IpAddress address;             // RIP
  uint16_t port = 0;             // host order
  int32_t weight = 1;            // [0, 2^31-1]; 0 is quiescent
  int32_t lastWeight = 1;        // the last weight that was not 0, or the one that it was added with
  ServerState* state = nullptr;  // outlives the candidate
};

}  // namespace tunvs
