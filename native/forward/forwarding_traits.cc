#include "forward/forwarding_traits.h"

namespace tunvs {

#define TUNVS_TRAITS(name) &forwarding::name,
static constexpr const ForwardingTraits* kTraits[] = {TUNVS_FORWARDING_METHODS(TUNVS_TRAITS)};
#undef TUNVS_TRAITS

const ForwardingTraits& traitsOf(ForwardingMethod method) { return *kTraits[static_cast<size_t>(method)]; }

size_t noOverhead(const TunnelOptions&, Family, bool) { return 0; }

Packet asItIs(const OuterHeader&, uint8_t* inner, const EncapInput& in) { return {inner, in.length}; }

}  // namespace tunvs
