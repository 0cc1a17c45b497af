// A local node is a real server on the director's own host. The packet itself goes to the host's own stack: nothing is
// put in front of it, nothing in it is changed, and no path MTU applies.
#include "forward/forwarding_traits.h"

namespace tunvs {

constinit const ForwardingTraits forwarding::local = untouched<ForwardingMethod::local>(Delivery::host);

}  // namespace tunvs
