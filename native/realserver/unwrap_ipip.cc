// IP in IP (RFC 2003, 2473, 4213): the inner packet follows the outer header, whose protocol names its family.
#include "realserver/encapsulation.h"

namespace tunvs {

Unwrapped unwrapIpv4InIp(std::span<uint8_t> payload) { return {.family = Family::ipv4, .packet = payload}; }

Unwrapped unwrapIpv6InIp(std::span<uint8_t> payload) { return {.family = Family::ipv6, .packet = payload}; }

}  // namespace tunvs
