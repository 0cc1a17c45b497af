#include "io/os/datagram.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstddef>
#include <cstring>
#include <string>

#include "io/os/unique_fd.h"
#include "support/testing.h"

namespace tunvs::datagram_test {
namespace {

// What arrives at a socket of this name when "READY=1" is sent to `path`.
std::string arriving(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return "not bound";
  CHECK(sendDatagram(path, "READY=1\nSTATUS=x").ok());
  char text[64];
  const ssize_t got = ::recv(fd.get(), text, sizeof text, 0);
  return got < 0 ? "nothing" : std::string(text, static_cast<size_t>(got));
}

TEST("a datagram reaches a socket with a path, and an abstract one") {
  const std::string name = "tunvs-datagram-test-" + std::to_string(::getpid());
  CHECK_EQ(arriving("@" + name), "READY=1\nSTATUS=x");
  const std::string path = "/tmp/" + name;
  CHECK_EQ(arriving(path), "READY=1\nSTATUS=x");
  ::unlink(path.c_str());
}

TEST("a datagram to nobody, or to what is no path, is an error") {
  CHECK_EQ(sendDatagram("/nonexistent/notify", "READY=1").error().errnoValue, ENOENT);
  for (const std::string path : {"", "/", "notify", "@"}) {
    CHECK(sendDatagram(path, "READY=1").error().code == ErrorCode::invalidArgument);
  }
  CHECK(sendDatagram("/" + std::string(107, 'a'), "READY=1").error().code == ErrorCode::invalidArgument);
}

}  // namespace
}  // namespace tunvs::datagram_test
