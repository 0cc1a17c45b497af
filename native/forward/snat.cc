// Full network address translation: packets get the real server's address and port as in nat.cc, and an address and a
// port of the director's as their source, so that the replies come back to the director whatever the server's routes
// are. Linux's IPVS has no such method; LVS's fullnat patch and DPVS have.
#include "forward/forwarding_traits.h"

namespace tunvs {

constinit const ForwardingTraits forwarding::snat =
    untouched<ForwardingMethod::snat>(Delivery::rewrite, /*keepsPorts=*/false, /*takesSource=*/true);

}  // namespace tunvs
