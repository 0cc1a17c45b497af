#include "io/route/netlink.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "io/os/tun_uapi.h"
#include "io/route/netlink_messages.h"

namespace tunvs {
namespace {

// Attributes of IFLA_INFO_DATA of a TUN device (linux/if_link.h, Linux 4.18), which older headers lack.
enum : uint16_t { kTunType = 3, kTunPersist = 6, kTunMultiQueue = 7, kTunQueueCount = 8 };
// IFLA_AF_SPEC holds an attribute per family; IFLA_INET6_CONF of AF_INET6 is an array of 32-bit values, of which
// DEVCONF_MTU6 (linux/ipv6.h, which can't be included beside netinet/in.h) is the third.
constexpr uint16_t kInet6Conf = 2;
constexpr size_t kConfMtu6 = 2;

struct Attribute {
  uint16_t type;
  std::span<const uint8_t> value;

  template <typename T>
  T as() const {
    return value.size() >= sizeof(T) ? loadUnaligned<T>(value.data()) : T{};
  }
  std::string text() const {
    const auto* begin = reinterpret_cast<const char*>(value.data());
    return {begin, strnlen(begin, value.size())};
  }
  std::optional<IpAddress> address() const {
    if (value.size() == 4) return IpAddress::v4({loadUnaligned<uint32_t>(value.data())});
    if (value.size() == 16) return IpAddress::v6(value.data());
    return std::nullopt;
  }
};

// Calls `visit` for each attribute; false when a length does not hold.
template <typename Visit>
bool forEachAttribute(std::span<const uint8_t> bytes, Visit visit) {
  while (bytes.size() >= sizeof(rtattr)) {
    const auto header = loadUnaligned<rtattr>(bytes.data());
    if (header.rta_len < sizeof(rtattr) || header.rta_len > bytes.size()) return false;
    visit(Attribute{static_cast<uint16_t>(header.rta_type & NLA_TYPE_MASK),
                    bytes.subspan(sizeof(rtattr), header.rta_len - sizeof(rtattr))});
    bytes = bytes.subspan(std::min<size_t>(RTA_ALIGN(header.rta_len), bytes.size()));
  }
  return true;
}

// The body of a message of `type`, split into its fixed part and its attributes.
template <typename Fixed>
struct Body {
  Fixed fixed;
  std::span<const uint8_t> attributes;
};

template <typename Fixed>
std::optional<Body<Fixed>> bodyOf(std::span<const uint8_t> message, uint16_t type) {
  if (message.size() < NLMSG_HDRLEN + sizeof(Fixed)) return std::nullopt;
  const auto header = loadUnaligned<nlmsghdr>(message.data());
  if (header.nlmsg_type != type || header.nlmsg_len < NLMSG_HDRLEN + sizeof(Fixed) ||
      header.nlmsg_len > message.size()) {
    return std::nullopt;
  }
  const size_t start = std::min<size_t>(NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(Fixed)), header.nlmsg_len);
  return Body<Fixed>{loadUnaligned<Fixed>(message.data() + NLMSG_HDRLEN),
                     message.subspan(start, header.nlmsg_len - start)};
}

// A request: header, fixed part, a few attributes.
class Request {
 public:
  template <typename Fixed>
  Request(uint16_t type, uint16_t flags, const Fixed& fixed) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    std::memcpy(bytes_.data(), &header, sizeof header);
    std::memcpy(bytes_.data() + NLMSG_HDRLEN, &fixed, sizeof fixed);
    length_ = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof fixed);
  }

  // REQUIRES: all attributes together stay below 200 bytes
  Request& add(uint16_t type, const void* value, size_t length) {
    assert(length_ + RTA_SPACE(length) <= bytes_.size());
    const rtattr attribute{static_cast<uint16_t>(RTA_LENGTH(length)), type};
    std::memcpy(bytes_.data() + length_, &attribute, sizeof attribute);
    std::memcpy(bytes_.data() + length_ + RTA_LENGTH(0), value, length);
    length_ += RTA_SPACE(length);
    return *this;
  }
  Request& add(uint16_t type, const IpAddress& address) {
    return add(type, address.bytes.data(), address.isV4() ? 4 : 16);
  }

  std::span<uint8_t> bytes() {
    const auto length = static_cast<uint32_t>(length_);
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
    return {bytes_.data(), length_};
  }

 private:
  std::array<uint8_t, 256> bytes_{};
  size_t length_ = 0;
};

uint8_t familyNumber(const IpAddress& address) { return address.isV4() ? AF_INET : AF_INET6; }

Result<UniqueFd> openSocket(uint32_t groups) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!socket) return Error::fromErrno(errno, "socket", "can't open a routing (rtnetlink) socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return Error::fromErrno(errno, "bind", "can't listen to the routing (rtnetlink) socket");
  }
  return socket;
}

}  // namespace

bool NeighbourAnswer::isUsable() const {
  constexpr uint16_t kValid = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
  return (state & kValid) != 0 && address.has_value();
}

bool NeighbourAnswer::isStale() const { return (state & NUD_STALE) != 0; }

std::optional<RouteAnswer> parseRoute(std::span<const uint8_t> message) {
  const auto body = bodyOf<rtmsg>(message, RTM_NEWROUTE);
  if (!body) return std::nullopt;
  RouteAnswer route;
  if (body->fixed.rtm_type == RTN_UNICAST) route.kind = RouteAnswer::Kind::unicast;
  if (body->fixed.rtm_type == RTN_LOCAL) route.kind = RouteAnswer::Kind::local;
  bool isWhole = true;
  isWhole &= forEachAttribute(body->attributes, [&](const Attribute& attribute) {
    switch (attribute.type) {
      case RTA_OIF: route.interfaceIndex = attribute.as<int>(); break;
      case RTA_GATEWAY: route.gateway = attribute.address(); break;
      case RTA_PREFSRC: route.prefSource = attribute.address(); break;
      case RTA_ENCAP_TYPE: route.hasEncapsulation = true; break;
      case RTA_VIA:  // struct rtvia: two bytes of family, then an address of that family
        if (attribute.value.size() > 2) route.gateway = Attribute{0, attribute.value.subspan(2)}.address();
        break;
      case RTA_METRICS:
        isWhole &= forEachAttribute(attribute.value, [&](const Attribute& metric) {
          if (metric.type == RTAX_MTU) route.mtu = metric.as<uint32_t>();
        });
        break;
      default: break;
    }
  });
  return isWhole ? std::optional(route) : std::nullopt;
}

std::optional<LinkAnswer> parseLink(std::span<const uint8_t> message) {
  const auto body = bodyOf<ifinfomsg>(message, RTM_NEWLINK);
  if (!body) return std::nullopt;
  LinkAnswer link;
  link.interfaceIndex = body->fixed.ifi_index;
  link.hardwareType = body->fixed.ifi_type;
  link.flags = body->fixed.ifi_flags;
  std::span<const uint8_t> kindData;
  bool isWhole = true;
  isWhole &= forEachAttribute(body->attributes, [&](const Attribute& attribute) {
    switch (attribute.type) {
      case IFLA_IFNAME: link.name = attribute.text(); break;
      case IFLA_MTU: link.mtu = attribute.as<uint32_t>(); break;
      case IFLA_CARRIER: link.hasCarrier = attribute.as<uint8_t>() != 0; break;
      case IFLA_ADDRESS:
        if (attribute.value.size() == link.address.size()) link.address = attribute.as<MacAddress>();
        break;
      case IFLA_AF_SPEC:
        isWhole &= forEachAttribute(attribute.value, [&](const Attribute& family) {
          if (family.type != AF_INET6) return;
          isWhole &= forEachAttribute(family.value, [&](const Attribute& inet6) {
            if (inet6.type != kInet6Conf || inet6.value.size() < (kConfMtu6 + 1) * sizeof(uint32_t)) return;
            link.mtu6 = loadUnaligned<uint32_t>(inet6.value.data() + kConfMtu6 * sizeof(uint32_t));
          });
        });
        break;
      case IFLA_LINKINFO:
        isWhole &= forEachAttribute(attribute.value, [&](const Attribute& info) {
          if (info.type == IFLA_INFO_KIND) link.kind = info.text();
          if (info.type == IFLA_INFO_DATA) kindData = info.value;
        });
        break;
      default: break;
    }
  });
  if (link.kind == "tun") {
    isWhole &= forEachAttribute(kindData, [&](const Attribute& attribute) {
      if (attribute.type == kTunType) link.tunType = attribute.as<uint8_t>();
      if (attribute.type == kTunPersist) link.isTunPersistent = attribute.as<uint8_t>() != 0;
      if (attribute.type == kTunMultiQueue) link.isTunMultiQueue = attribute.as<uint8_t>() != 0;
      if (attribute.type == kTunQueueCount) link.tunQueues = attribute.as<uint32_t>();
    });
  }
  return isWhole ? std::optional(std::move(link)) : std::nullopt;
}

std::optional<NeighbourAnswer> parseNeighbour(std::span<const uint8_t> message) {
  const auto body = bodyOf<ndmsg>(message, RTM_NEWNEIGH);
  if (!body) return std::nullopt;
  NeighbourAnswer neighbour;
  neighbour.interfaceIndex = body->fixed.ndm_ifindex;
  neighbour.state = body->fixed.ndm_state;
  const bool isWhole = forEachAttribute(body->attributes, [&](const Attribute& attribute) {
    if (attribute.type == NDA_LLADDR && attribute.value.size() == sizeof(MacAddress)) {
      neighbour.address = attribute.as<MacAddress>();
    }
  });
  return isWhole ? std::optional(neighbour) : std::nullopt;
}

bool isNews(std::span<const uint8_t> datagram, const NeighbourFilter& isOurs) {
  const auto isOthers = [&](const nlmsghdr& header, std::span<const uint8_t> message) {
    if (header.nlmsg_type != RTM_NEWNEIGH && header.nlmsg_type != RTM_DELNEIGH) return false;
    const auto body = bodyOf<ndmsg>(message, header.nlmsg_type);
    if (!body) return false;
    // Bridges tell of the stations that they have learned in the same way.
    const bool isIp = body->fixed.ndm_family == AF_INET || body->fixed.ndm_family == AF_INET6;
    bool isWanted = false;
    const bool isWhole = forEachAttribute(body->attributes, [&](const Attribute& attribute) {
      const auto address = attribute.type == NDA_DST ? attribute.address() : std::nullopt;
      isWanted |= isIp && address && (!isOurs || isOurs(*address));
    });
    return isWhole && !isWanted;
  };
  return !forEachNetlinkMessage(datagram, isOthers);
}

Result<std::unique_ptr<Netlink>> Netlink::open() {
  auto socket = openSocket(0);
  if (!socket) return socket.error();
  return std::unique_ptr<Netlink>(new Netlink(std::move(socket).value()));
}

Result<std::span<const uint8_t>> Netlink::ask(std::span<uint8_t> request, const std::string& what) {
  const uint32_t sequence = ++sequence_;
  std::memcpy(request.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto sent = retryOnInterrupt([&] {
    return ::sendto(socket_.get(), request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                    sizeof kernel);
  });
  if (sent < 0) return Error::fromErrno(errno, "sendto", "can't ask the kernel about " + what);
  // The kernel answers within sendto(), so there is nothing to wait for.
  while (true) {
    const auto received = retryOnInterrupt([&] { return ::recv(socket_.get(), answer_.data(), answer_.size(), 0); });
    if (received < 0) return Error::fromErrno(errno, "recv", "can't read the kernel's answer about " + what);
    if (static_cast<size_t>(received) < NLMSG_HDRLEN) continue;
    const auto header = loadUnaligned<nlmsghdr>(answer_.data());
    if (header.nlmsg_seq != sequence) continue;  // the answer to a question that was given up
    if (header.nlmsg_type != NLMSG_ERROR) return std::span<const uint8_t>(answer_.data(), received);
    const int error = -loadUnaligned<int32_t>(answer_.data() + NLMSG_HDRLEN);
    if (error == 0) return std::span<const uint8_t>();  // an acknowledgement
    return Error::fromErrno(error, "rtnetlink", "the kernel's answer about " + what);
  }
}

Result<RouteAnswer> Netlink::route(const IpAddress& destination, const IpAddress* source) {
  rtmsg fixed{};
  fixed.rtm_family = familyNumber(destination);
  fixed.rtm_dst_len = destination.isV4() ? 32 : 128;
  Request request(RTM_GETROUTE, 0, fixed);
  request.add(RTA_DST, destination);
  if (source != nullptr) request.add(RTA_SRC, *source);
  const std::string what = "the route to " + toString(destination);
  const auto answer = ask(request.bytes(), what);
  if (!answer) return answer.error();
  const auto route = parseRoute(answer.value());
  if (!route) return Error::make(ErrorCode::system, "the kernel's answer about " + what + " can't be read");
  return *route;
}

Result<LinkAnswer> Netlink::link(int interfaceIndex) {
  ifinfomsg fixed{};
  fixed.ifi_index = interfaceIndex;
  Request request(RTM_GETLINK, 0, fixed);
  const std::string what = "the network interface number " + std::to_string(interfaceIndex);
  const auto answer = ask(request.bytes(), what);
  if (!answer) return answer.error();
  auto link = parseLink(answer.value());
  if (!link) return Error::make(ErrorCode::system, "the kernel's answer about " + what + " can't be read");
  return std::move(*link);
}

Result<LinkAnswer> Netlink::link(std::string_view name) {
  const std::string what = "the network interface '" + std::string(name) + "'";
  if (name.empty() || name.size() >= uapi::kInterfaceNameBytes) {
    return Error::make(ErrorCode::noDevice, "there is no network interface '" + std::string(name) + "'");
  }
  char terminated[uapi::kInterfaceNameBytes] = {};
  name.copy(terminated, sizeof terminated - 1);
  Request request(RTM_GETLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, terminated, name.size() + 1);
  const auto answer = ask(request.bytes(), what);
  if (!answer) return answer.error();
  auto link = parseLink(answer.value());
  if (!link) return Error::make(ErrorCode::system, "the kernel's answer about " + what + " can't be read");
  return std::move(*link);
}

Result<NeighbourAnswer> Netlink::neighbour(int interfaceIndex, const IpAddress& address) {
  ndmsg fixed{};
  fixed.ndm_family = familyNumber(address);
  fixed.ndm_ifindex = interfaceIndex;
  Request request(RTM_GETNEIGH, 0, fixed);
  request.add(NDA_DST, address);
  const std::string what = "the neighbour " + toString(address);
  const auto answer = ask(request.bytes(), what);
  if (!answer) return answer.error();
  const auto neighbour = parseNeighbour(answer.value());
  if (!neighbour) return Error::make(ErrorCode::system, "the kernel's answer about " + what + " can't be read");
  return *neighbour;
}

Result<void> Netlink::useNeighbour(int interfaceIndex, const IpAddress& address) {
  ndmsg fixed{};
  fixed.ndm_family = familyNumber(address);
  fixed.ndm_ifindex = interfaceIndex;
  fixed.ndm_flags = NTF_USE;
  Request request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, fixed);
  request.add(NDA_DST, address);
  const auto answer = ask(request.bytes(), "the neighbour " + toString(address));
  if (!answer) return answer.error();
  return {};
}

Result<std::unique_ptr<NetlinkMonitor>> NetlinkMonitor::open() {
  constexpr uint32_t kRules = 0x80 | 0x40000;  // RTMGRP_IPV4_RULE and the bit of RTNLGRP_IPV6_RULE
  auto socket = openSocket(RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | kRules);
  if (!socket) return socket.error();
  // Room for what comes while nobody looks; best effort.
  constexpr int kReceiveBufferBytes = 4 << 20;
  if (::setsockopt(socket.value().get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes, sizeof kReceiveBufferBytes) <
      0) {
    ::setsockopt(socket.value().get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  }
  return std::unique_ptr<NetlinkMonitor>(new NetlinkMonitor(std::move(socket).value()));
}

bool NetlinkMonitor::drain(const NeighbourFilter& isOurs) {
  std::array<uint8_t, 8192> scratch;
  bool hasChanged = false;
  while (true) {
    const auto received =
        retryOnInterrupt([&] { return ::recv(socket_.get(), scratch.data(), scratch.size(), MSG_TRUNC); });
    if (received < 0 && errno != ENOBUFS) return hasChanged;
    // ENOBUFS: the kernel dropped notifications, so anything may have changed; so it may in what does not fit.
    const bool isWhole = received >= 0 && static_cast<size_t>(received) <= scratch.size();
    hasChanged |= !isWhole || isNews(std::span(scratch).first(static_cast<size_t>(received)), isOurs);
  }
}

}  // namespace tunvs
