#include "io/os/datagram.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "io/os/unique_fd.h"

namespace tunvs {

Result<void> sendDatagram(std::string_view path, std::string_view text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
    return Error::make(ErrorCode::invalidArgument, "'" + std::string(path) +
                                                       "' is no path of a unix socket: expected one that begins with / "
                                                       "or @, of at most 107 characters");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return Error::fromErrno(errno, "socket", "can't make a unix socket");
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL, to, length) < 0)
    return Error::fromErrno(errno, "sendto", "can't send to " + std::string(path));
  return {};
}

}  // namespace tunvs
