// Reads the kernel's messages about routes, links and neighbours.
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "io/netlink/netlink_messages.h"
#include "io/route/netlink.h"

namespace tunvs {
namespace {

// These are attributes of IFLA_INFO_DATA of a TUN device (linux/if_link.h, Linux 4.18), which older headers lack.
enum : uint16_t { kTunType = 3, kTunPersist = 6, kTunMultiQueue = 7, kTunQueueCount = 8 };
// IFLA_AF_SPEC holds an attribute per family. IFLA_INET6_CONF of AF_INET6 is an array of 32-bit values, of which
// DEVCONF_MTU6 (linux/ipv6.h, which can't be included beside netinet/in.h) is the third.
constexpr uint16_t kInet6Conf = 2;
constexpr size_t kConfMtu6 = 2;

}  // namespace

bool NeighbourAnswer::isUsable() const {
  constexpr uint16_t kValid = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
  return (state & kValid) != 0 && address.has_value();
}

bool NeighbourAnswer::isStale() const { return (state & NUD_STALE) != 0; }

std::optional<RouteAnswer> parseRoute(std::span<const uint8_t> message) {
  const auto body = netlinkBodyOf<rtmsg>(message, RTM_NEWROUTE);
  if (!body) return std::nullopt;
  RouteAnswer route;
  if (body->fixed.rtm_type == RTN_UNICAST) route.kind = RouteAnswer::Kind::unicast;
  if (body->fixed.rtm_type == RTN_LOCAL) route.kind = RouteAnswer::Kind::local;
  bool isWhole = true;
  isWhole &= forEachAttribute(body->attributes, [&](const NetlinkAttribute& attribute) {
    switch (attribute.type) {
      case RTA_OIF: route.interfaceIndex = attribute.as<int>(); break;
      case RTA_GATEWAY: route.gateway = attribute.address(); break;
      case RTA_PREFSRC: route.prefSource = attribute.address(); break;
      case RTA_ENCAP_TYPE: route.hasEncapsulation = true; break;
      case RTA_VIA:  // struct rtvia: two bytes of family, then an address of that family
        if (attribute.value.size() > 2) route.gateway = NetlinkAttribute{0, attribute.value.subspan(2)}.address();
        break;
      case RTA_METRICS:
        isWhole &= forEachAttribute(attribute.value, [&](const NetlinkAttribute& metric) {
          if (metric.type == RTAX_MTU) route.mtu = metric.as<uint32_t>();
        });
        break;
      default: break;
    }
  });
  return isWhole ? std::optional(route) : std::nullopt;
}

std::optional<LinkAnswer> parseLink(std::span<const uint8_t> message) {
  const auto body = netlinkBodyOf<ifinfomsg>(message, RTM_NEWLINK);
  if (!body) return std::nullopt;
  LinkAnswer link;
  link.interfaceIndex = body->fixed.ifi_index;
  link.hardwareType = body->fixed.ifi_type;
  link.flags = body->fixed.ifi_flags;
  std::span<const uint8_t> kindData;
  bool isWhole = true;
  isWhole &= forEachAttribute(body->attributes, [&](const NetlinkAttribute& attribute) {
    switch (attribute.type) {
      case IFLA_IFNAME: link.name = attribute.text(); break;
      case IFLA_MASTER: link.masterIndex = attribute.as<int>(); break;
      case IFLA_MTU: link.mtu = attribute.as<uint32_t>(); break;
      case IFLA_CARRIER: link.hasCarrier = attribute.as<uint8_t>() != 0; break;
      case IFLA_ADDRESS:
        if (attribute.value.size() == link.address.size()) link.address = attribute.as<MacAddress>();
        break;
      case IFLA_AF_SPEC:
        isWhole &= forEachAttribute(attribute.value, [&](const NetlinkAttribute& family) {
          if (family.type != AF_INET6) return;
          isWhole &= forEachAttribute(family.value, [&](const NetlinkAttribute& inet6) {
            if (inet6.type != kInet6Conf || inet6.value.size() < (kConfMtu6 + 1) * sizeof(uint32_t)) return;
            link.mtu6 = loadUnaligned<uint32_t>(inet6.value.data() + kConfMtu6 * sizeof(uint32_t));
          });
        });
        break;
      case IFLA_LINKINFO:
        isWhole &= forEachAttribute(attribute.value, [&](const NetlinkAttribute& info) {
          if (info.type == IFLA_INFO_KIND) link.kind = info.text();
          if (info.type == IFLA_INFO_DATA) kindData = info.value;
        });
        break;
      default: break;
    }
  });
  if (link.kind == "tun") {
    isWhole &= forEachAttribute(kindData, [&](const NetlinkAttribute& attribute) {
      if (attribute.type == kTunType) link.tunType = attribute.as<uint8_t>();
      if (attribute.type == kTunPersist) link.isTunPersistent = attribute.as<uint8_t>() != 0;
      if (attribute.type == kTunMultiQueue) link.isTunMultiQueue = attribute.as<uint8_t>() != 0;
      if (attribute.type == kTunQueueCount) link.tunQueues = attribute.as<uint32_t>();
    });
  }
  return isWhole ? std::optional(std::move(link)) : std::nullopt;
}

std::optional<NeighbourAnswer> parseNeighbour(std::span<const uint8_t> message) {
  const auto body = netlinkBodyOf<ndmsg>(message, RTM_NEWNEIGH);
  if (!body) return std::nullopt;
  NeighbourAnswer neighbour;
  neighbour.interfaceIndex = body->fixed.ndm_ifindex;
  neighbour.state = body->fixed.ndm_state;
  const bool isWhole = forEachAttribute(body->attributes, [&](const NetlinkAttribute& attribute) {
    if (attribute.type == NDA_LLADDR && attribute.value.size() == sizeof(MacAddress)) {
      neighbour.address = attribute.as<MacAddress>();
    }
  });
  return isWhole ? std::optional(neighbour) : std::nullopt;
}

bool isNews(std::span<const uint8_t> datagram, const NeighbourFilter& isOurs) {
  const auto isOthers = [&](const nlmsghdr& header, std::span<const uint8_t> message) {
    if (header.nlmsg_type != RTM_NEWNEIGH && header.nlmsg_type != RTM_DELNEIGH) return false;
    const auto body = netlinkBodyOf<ndmsg>(message, header.nlmsg_type);
    if (!body) return false;
    // Bridges report the stations that they have learned in the same way.
    const bool isIp = body->fixed.ndm_family == AF_INET || body->fixed.ndm_family == AF_INET6;
    bool isWanted = false;
    const bool isWhole = forEachAttribute(body->attributes, [&](const NetlinkAttribute& attribute) {
      const auto address = attribute.type == NDA_DST ? attribute.address() : std::nullopt;
      isWanted |= isIp && address && (!isOurs || isOurs(*address));
    });
    return isWhole && !isWanted;
  };
  return !forEachNetlinkMessage(datagram, isOthers);
}

}  // namespace tunvs
