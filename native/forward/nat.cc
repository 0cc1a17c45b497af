// Network address translation: packets get the real server's address and port in their own headers, and the server's
// replies get the virtual service's back (packet/rewrite.h). Nothing goes in front of them. The host routes them on,
// and has to bring the replies to the director.
#include "forward/forwarding_traits.h"

namespace tunvs {

constinit const ForwardingTraits forwarding::nat =
    untouched<ForwardingMethod::nat>(Delivery::rewrite, /*keepsPorts=*/false);

}  // namespace tunvs
