#include "io/netlink/netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace tunvs {
namespace {

Result<UniqueFd> openNetlink(int protocol, uint32_t groups, const std::string& what) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!socket) return Error::fromErrno(errno, "socket", "can't open a " + what + " socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return Error::fromErrno(errno, "bind", "can't listen to the " + what + " socket");
  }
  return socket;
}

}  // namespace

Result<UniqueFd> openRtnetlink(uint32_t groups) { return openNetlink(NETLINK_ROUTE, groups, "routing (rtnetlink)"); }
Result<UniqueFd> openNetfilter() { return openNetlink(NETLINK_NETFILTER, 0, "netfilter (nfnetlink)"); }

}  // namespace tunvs
