#include "io/route/netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>

namespace tunvs {

Result<UniqueFd> openRtnetlink(uint32_t groups) {
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

}  // namespace tunvs
