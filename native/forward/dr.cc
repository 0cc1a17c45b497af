// Direct routing sends the packet itself, in a frame to the real server's own link-layer address. Nothing goes in front
// of it here; the egress resolves the real server, which has to be on the link.
#include "forward/forwarding_traits.h"

namespace tunvs {

constinit const ForwardingTraits forwarding::dr = untouched<ForwardingMethod::dr>(Delivery::link);

}  // namespace tunvs
