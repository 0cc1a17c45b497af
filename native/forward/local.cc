// Local node: a real server that is the director's own host. The packet itself goes to the host's own stack; nothing is
// put in front of it, nothing of it is changed, and no path's MTU applies.
#include "forward/forwarding_traits.h"

namespace tunvs {
namespace {

OuterHeader makeHeader(const TunnelOptions&, Family inner, const IpAddress&, const IpAddress&) {
  OuterHeader outer;
  outer.method = ForwardingMethod::local;
  outer.inner = inner;
  return outer;
}

}  // namespace

constinit const ForwardingTraits forwarding::local = {
    .delivery = Delivery::host,
    .needsSource = false,
    .keepsPorts = true,
    .hasPort = false,
    .checksums = checksumBits({TunnelChecksum::none}),
    .overhead = noOverhead,
    .makeHeader = makeHeader,
    .encapsulate = asItIs,
    .hasForm = nullptr,
};

}  // namespace tunvs
