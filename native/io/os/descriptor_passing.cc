#include "io/os/descriptor_passing.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>

namespace tunvs {
namespace {

using Clock = std::chrono::steady_clock;

// Waits until the socket is ready; false when `until` comes first.
bool isReady(int socket, short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left < 0) return false;
    pollfd waited{socket, events, 0};
    const int ready = ::poll(&waited, 1, static_cast<int>(left) + 1);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

Error late(const char* what) {
  return Error::make(ErrorCode::system, std::string("the other process did not ") + what + " in time");
}

void keep(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

Result<UniqueFd> connectLocal(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error::make(ErrorCode::invalidArgument, path + " is longer than a socket's path may be (107 bytes)");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::fromErrno(errno, "socket", "can't make a unix socket");
  if (retryOnInterrupt(
          [&] { return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address); }) < 0)
    return Error::fromErrno(errno, "connect", "can't connect to " + path);
  return fd;
}

Result<void> sendDescriptors(int socket, std::string_view bytes, std::span<const int> descriptors, int timeoutMs) {
  if (descriptors.size() > kMaxPassedDescriptors)
    return Error::make(ErrorCode::limit, "more than 253 descriptors can't be passed at once");
  const auto until = Clock::now() + std::chrono::milliseconds(timeoutMs);
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxPassedDescriptors * sizeof(int))];
  bool isFirst = true;
  while (!bytes.empty()) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (isFirst && !descriptors.empty()) {
      std::memset(control, 0, sizeof control);
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
      cmsghdr* part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
      std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
    }
    const ssize_t sent = retryOnInterrupt([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      isFirst = false;
      continue;
    }
    if (errno != EAGAIN) return Error::fromErrno(errno, "sendmsg", "can't pass descriptors");
    if (!isReady(socket, POLLOUT, until)) return late("read");
  }
  return {};
}

Result<PassedLine> receiveLine(int socket, size_t maxBytes, int timeoutMs) {
  const auto until = Clock::now() + std::chrono::milliseconds(timeoutMs);
  PassedLine line;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxPassedDescriptors * sizeof(int))];
  for (;;) {
    // What lies behind the newline is left for the next call.
    char bytes[4096];
    const ssize_t seen = ::recv(socket, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (seen < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (!isReady(socket, POLLIN, until)) return late("answer");
      continue;
    }
    if (seen < 0) return Error::fromErrno(errno, "recv", "can't read from the other process");
    if (seen == 0) return Error::make(ErrorCode::system, "the other process has ended the conversation");
    const auto* newline = static_cast<const char*>(std::memchr(bytes, '\n', static_cast<size_t>(seen)));
    iovec piece{bytes, newline != nullptr ? static_cast<size_t>(newline - bytes) + 1 : static_cast<size_t>(seen)};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return Error::fromErrno(errno, "recvmsg", "can't read from the other process");
    keep(message, line.descriptors);
    line.text.append(bytes, static_cast<size_t>(got));
    if (line.text.ends_with('\n')) {
      line.text.pop_back();
      return line;
    }
    if (line.text.size() > maxBytes)
      return Error::make(ErrorCode::system, "the other process said more than is understood here");
  }
}

}  // namespace tunvs
