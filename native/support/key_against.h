// The flow key that says what packets become (packet/rewrite_against.h), for tests that know what they should become.
#pragma once

#include "packet/rewrite.h"

namespace tunvs::testing {

// Returns the key of TCP packets such that what goes against it has these endpoints.
inline FlowKey keyAgainst(const Endpoints& to) {
  return FlowKey::make(to.destination.address, to.destination.port, to.source.address, to.source.port,
                       static_cast<uint8_t>(IpProtocol::tcp));
}

}  // namespace tunvs::testing
