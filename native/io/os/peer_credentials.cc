#include "io/os/peer_credentials.h"

#include <sys/socket.h>
#include <cerrno>

namespace tunvs {
namespace {

constexpr int kPeerGroups = 59;  // SO_PEERGROUPS, Linux 4.13

Result<std::vector<gid_t>> supplementaryGroups(int fd) {
  std::vector<gid_t> groups(32);
  while (true) {
    socklen_t bytes = groups.size() * sizeof(gid_t);
    if (::getsockopt(fd, SOL_SOCKET, kPeerGroups, groups.data(), &bytes) == 0) {
      groups.resize(bytes / sizeof(gid_t));
      return groups;
    }
    if (errno == ENOPROTOOPT) return std::vector<gid_t>{};  // a kernel before 4.13
    // ERANGE has told how many bytes it takes; the number cannot change afterwards.
    if (errno != ERANGE || bytes <= groups.size() * sizeof(gid_t))
      return Error::fromErrno(errno, "getsockopt", "can't read the groups of a socket's peer");
    groups.resize(bytes / sizeof(gid_t));
  }
}

}  // namespace

Result<PeerCredentials> peerCredentials(int fd) {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
    return Error::fromErrno(errno, "getsockopt", "can't read who is at the other end of a socket");
  // For a socket without a peer, and for one of another family, the kernel answers with nobody.
  if (peer.uid == static_cast<uid_t>(-1))
    return Error::fromErrno(ENOTCONN, "getsockopt", "can't read who is at the other end of a socket");
  auto groups = supplementaryGroups(fd);
  if (!groups) return groups.error();
  return PeerCredentials{peer.uid, peer.gid, peer.pid, std::move(groups.value())};
}

}  // namespace tunvs
