// Local node: a real server that is the director's own host. The packet itself goes to the host's own stack; nothing is
// put in front of it, nothing of it is changed, and no path's MTU applies.
#pragma once

#include "forward/outer_header.h"

namespace tunvs {

inline OuterHeader makeLocalHeader(Family inner) {
  OuterHeader outer;
  outer.method = ForwardingMethod::local;
  outer.inner = inner;
  return outer;
}

inline Packet encapsulateLocal(uint8_t* inner, const EncapInput& in) { return {inner, in.length}; }

}  // namespace tunvs
