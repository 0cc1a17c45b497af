#include "io/os/file_lock.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cerrno>
#include <cstdint>

#include "io/os/unique_fd.h"

namespace tunvs {
namespace {

constexpr int kNetworkNamespaceCookie = 71;  // SO_NETNS_COOKIE, Linux 5.14; Debian 11's headers lack it

}  // namespace

Result<bool> tryLockFile(int fd) {
  if (retryOnInterrupt([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return Error::fromErrno(errno, "flock", "can't lock a file");
}

void unlockFile(int fd) { static_cast<void>(::flock(fd, LOCK_UN)); }

Result<std::string> networkNamespaceName() {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  if (socket && ::getsockopt(socket.get(), SOL_SOCKET, kNetworkNamespaceCookie, &cookie, &length) == 0)
    return std::to_string(cookie);
  struct stat status {};
  if (::stat("/proc/thread-self/ns/net", &status) != 0)
    return Error::fromErrno(errno, "stat", "can't look at /proc/thread-self/ns/net");
  return "inode-" + std::to_string(status.st_ino);
}

}  // namespace tunvs
