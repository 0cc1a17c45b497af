#include "io/os/accept_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <cerrno>

namespace tunvs {
namespace {

// accept(2) passes on errors of the network that the client had already; it is like one that has left.
bool isOfClient(int error) {
  switch (error) {
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
    default: return false;
  }
}

// A client that has shut down its half behind a request has bytes to read, and waits for the answer.
bool hasLeft(int client) {
  char byte;
  const auto bytes = retryOnInterrupt([&] { return ::recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT); });
  return bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

Result<AcceptedClient> acceptClient(int fd, uint32_t most) {
  AcceptedClient accepted;
  while (accepted.gone < most) {
    UniqueFd client(retryOnInterrupt([&] { return ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }));
    if (!client) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (!isOfClient(errno)) return Error::fromErrno(errno, "accept4", "can't take a client from a listening socket");
      accepted.gone++;
      continue;
    }
    if (!hasLeft(client.get())) {
      accepted.client = std::move(client);
      break;
    }
    accepted.gone++;
  }
  return accepted;
}

Result<UniqueFd> duplicated(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return Error::fromErrno(errno, "fcntl", "can't duplicate a descriptor");
  return copy;
}

}  // namespace tunvs
