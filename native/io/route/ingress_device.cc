#include "io/route/ingress_device.h"

#include <net/if_arp.h>

#include "io/route/netlink.h"

namespace tunvs {
namespace {

constexpr uint32_t kEthernetBytes = 14;

// Packets of such a device's parts come in by the parts first, and the device decides which of them count.
bool hasParts(const std::string& kind) { return kind == "bond" || kind == "team" || kind == "vrf"; }

}  // namespace

Result<uint32_t> ingressLinkBytes(const std::string& owner, const std::string& device, int interfaceIndex) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  const auto link = netlink.value()->link(interfaceIndex);
  if (!link) return link.error();
  const auto unfit = [&](const std::string& why) {
    return Error::make(ErrorCode::unsupported, owner + " can't read what comes in by " + device + ": " + why);
  };
  if (link.value().kind == "vrf") return unfit("it is a VRF, whose routes are its own");
  if (link.value().masterIndex != 0) {
    const auto master = netlink.value()->link(link.value().masterIndex);
    if (master.ok() && hasParts(master.value().kind))
      return unfit("it is a part of " + master.value().name + ", a " + master.value().kind +
                   (master.value().kind == "vrf" ? ", whose routes are its own" : "; name that"));
  }
  switch (link.value().hardwareType) {
    case ARPHRD_ETHER: return kEthernetBytes;
    case ARPHRD_LOOPBACK:
      return unfit("what comes in there was sent by this host itself; name the device by which clients' packets come");
    case ARPHRD_NONE:
    case ARPHRD_RAWIP: return uint32_t{0};
    default: return unfit("it takes Ethernet devices, and those without a link header");
  }
}

}  // namespace tunvs
