// Direct routing: the packet itself, in a frame to the real server's own link-layer address. Nothing goes in front
// here; the egress resolves the real server, which has to be on the link.
#include "forward/forwarding_traits.h"

namespace tunvs {
namespace {

OuterHeader makeHeader(const TunnelOptions&, Family inner, const IpAddress&, const IpAddress&) {
  OuterHeader outer;
  outer.method = ForwardingMethod::dr;
  outer.inner = inner;
  return outer;
}

}  // namespace

constinit const ForwardingTraits forwarding::dr = {
    .delivery = Delivery::link,
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
