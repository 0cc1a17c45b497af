// Direct routing: the packet itself, in a frame to the real server's own link-layer address. Nothing goes in front
// here; the egress resolves the real server, which has to be on the link.
#pragma once

#include "forward/outer_header.h"

namespace tunvs {

inline OuterHeader makeDrHeader(Family inner) {
  OuterHeader outer;
  outer.method = ForwardingMethod::dr;
  outer.inner = inner;
  return outer;
}

inline Packet encapsulateDr(uint8_t* inner, const EncapInput& in) { return {inner, in.length}; }

}  // namespace tunvs
