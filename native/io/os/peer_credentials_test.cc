#include "io/os/peer_credentials.h"

#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "io/os/unique_fd.h"
#include "support/testing.h"

namespace tunvs::peer_credentials_test {
namespace {

struct Pair {
  UniqueFd ours, theirs;
};

Pair connectedPair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

TEST("a unix socket tells the user, group, process and groups of its peer") {
  const Pair pair = connectedPair();
  REQUIRE(pair.ours);
  const auto peer = peerCredentials(pair.ours.get());
  REQUIRE(peer.ok());
  CHECK_EQ(peer.value().user, ::geteuid());
  CHECK_EQ(peer.value().group, ::getegid());
  CHECK_EQ(peer.value().process, ::getpid());
  std::vector<gid_t> mine(static_cast<size_t>(::getgroups(0, nullptr)));
  REQUIRE(::getgroups(static_cast<int>(mine.size()), mine.data()) >= 0);
  auto seen = peer.value().groups;
  std::sort(mine.begin(), mine.end());
  std::sort(seen.begin(), seen.end());
  CHECK(seen == mine);
}

TEST("a peer of more groups than most have is told with all of them") {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<gid_t> many(500);
    std::iota(many.begin(), many.end(), 3000);
    if (::setgroups(many.size(), many.data()) != 0) ::_exit(77);
    const Pair pair = connectedPair();
    const auto peer = peerCredentials(pair.ours.get());
    ::_exit(peer.ok() && peer.value().groups == many ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) SKIP("only root can have so many groups");
  CHECK_EQ(status, 0);
}

TEST("a socket of another kind has no such peer, nor has one that is not connected, and the error says so") {
  const UniqueFd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UniqueFd alone(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const int fd : {udp.get(), alone.get()}) {
    const auto peer = peerCredentials(fd);
    REQUIRE(!peer.ok());
    CHECK_EQ(peer.error().errnoValue, ENOTCONN);
  }
  const auto none = peerCredentials(-1);
  REQUIRE(!none.ok());
  CHECK_EQ(none.error().errnoValue, EBADF);
}

}  // namespace
}  // namespace tunvs::peer_credentials_test
