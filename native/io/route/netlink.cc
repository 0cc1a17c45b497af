#include "io/route/netlink.h"

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "io/os/tun_uapi.h"
#include "io/route/netlink_socket.h"

namespace tunvs {
namespace {

// A request has a header, a fixed part and a few attributes.
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

}  // namespace

Result<std::unique_ptr<Netlink>> Netlink::open() {
  auto socket = openRtnetlink();
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
    if (header.nlmsg_seq != sequence) continue;  // answers a question that was given up
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

}  // namespace tunvs
