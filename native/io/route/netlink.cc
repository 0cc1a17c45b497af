#include "io/route/netlink.h"

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "io/netlink/netlink_request.h"
#include "io/netlink/netlink_socket.h"
#include "io/os/tun_uapi.h"

namespace tunvs {
namespace {

uint8_t familyNumber(const IpAddress& address) { return address.isV4() ? AF_INET : AF_INET6; }

}  // namespace

Result<std::unique_ptr<Netlink>> Netlink::open() {
  auto socket = openRtnetlink();
  if (!socket) return socket.error();
  return std::unique_ptr<Netlink>(new Netlink(std::move(socket).value()));
}

Result<RouteAnswer> Netlink::route(const IpAddress& destination, const IpAddress* source) {
  rtmsg fixed{};
  fixed.rtm_family = familyNumber(destination);
  fixed.rtm_dst_len = destination.isV4() ? 32 : 128;
  NetlinkRequest request(RTM_GETROUTE, 0, fixed);
  request.add(RTA_DST, destination);
  if (source != nullptr) request.add(RTA_SRC, *source);
  const std::string what = "the route to " + toString(destination);
  const auto answer = exchange_.ask(request.bytes(), what);
  if (!answer) return answer.error();
  const auto route = parseRoute(answer.value());
  if (!route) return Error::make(ErrorCode::system, "the kernel's answer about " + what + " can't be read");
  return *route;
}

Result<LinkAnswer> Netlink::link(int interfaceIndex) {
  ifinfomsg fixed{};
  fixed.ifi_index = interfaceIndex;
  NetlinkRequest request(RTM_GETLINK, 0, fixed);
  const std::string what = "the network interface number " + std::to_string(interfaceIndex);
  const auto answer = exchange_.ask(request.bytes(), what);
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
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, name);
  const auto answer = exchange_.ask(request.bytes(), what);
  if (!answer) return answer.error();
  auto link = parseLink(answer.value());
  if (!link) return Error::make(ErrorCode::system, "the kernel's answer about " + what + " can't be read");
  return std::move(*link);
}

Result<NeighbourAnswer> Netlink::neighbour(int interfaceIndex, const IpAddress& address) {
  ndmsg fixed{};
  fixed.ndm_family = familyNumber(address);
  fixed.ndm_ifindex = interfaceIndex;
  NetlinkRequest request(RTM_GETNEIGH, 0, fixed);
  request.add(NDA_DST, address);
  const std::string what = "the neighbour " + toString(address);
  const auto answer = exchange_.ask(request.bytes(), what);
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
  NetlinkRequest request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, fixed);
  request.add(NDA_DST, address);
  const auto answer = exchange_.ask(request.bytes(), "the neighbour " + toString(address));
  if (!answer) return answer.error();
  return {};
}

}  // namespace tunvs
