#include "packet/icmp_translate.h"

#include "packet/icmp.h"

namespace tunvs {
namespace {

std::optional<IcmpKind> toIcmp6(IcmpKind kind) {
  if (kind.type == icmp4::kTimeExceeded) return IcmpKind{icmp6::kTimeExceeded, kind.code};
  if (kind.type != icmp4::kUnreachable) return std::nullopt;
  switch (kind.code) {
    case icmp4::kFragmentationNeeded: return IcmpKind{icmp6::kPacketTooBig, 0};
    case icmp4::kPortUnreachable: return IcmpKind{icmp6::kUnreachable, icmp6::kPortUnreachable};
    case 9:  // network prohibited
    case icmp4::kHostProhibited:
    case icmp4::kAdminProhibited: return IcmpKind{icmp6::kUnreachable, icmp6::kAdminProhibited};
    default: return IcmpKind{icmp6::kUnreachable, icmp6::kAddressUnreachable};
  }
}

std::optional<IcmpKind> toIcmp4(IcmpKind kind) {
  switch (kind.type) {
    case icmp6::kPacketTooBig: return IcmpKind{icmp4::kUnreachable, icmp4::kFragmentationNeeded};
    case icmp6::kTimeExceeded: return IcmpKind{icmp4::kTimeExceeded, kind.code};
    case icmp6::kParameterProblem:
      if (kind.code != icmp6::kUnknownNextHeader) return std::nullopt;
      return IcmpKind{icmp4::kUnreachable, icmp4::kProtocolUnreachable};
    case icmp6::kUnreachable: break;
    default: return std::nullopt;
  }
  switch (kind.code) {
    case icmp6::kPortUnreachable: return IcmpKind{icmp4::kUnreachable, icmp4::kPortUnreachable};
    case icmp6::kAdminProhibited:
    case 5:  // source address failed ingress policy
    case 6:  // reject route
      return IcmpKind{icmp4::kUnreachable, icmp4::kHostProhibited};
    default: return IcmpKind{icmp4::kUnreachable, icmp4::kHostUnreachable};
  }
}

}  // namespace

std::optional<IcmpKind> translateIcmpError(IcmpKind kind, Family from, Family to) {
  if (from == to) return kind;
  return to == Family::ipv6 ? toIcmp6(kind) : toIcmp4(kind);
}

}  // namespace tunvs
