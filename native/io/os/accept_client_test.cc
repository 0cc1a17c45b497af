#include "io/os/accept_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <cerrno>

#include "support/local_listener.h"
#include "support/testing.h"

namespace tunvs::accept_client_test {
namespace {

TEST("a client is taken out of the queue, and those that have left are closed on the way") {
  LocalListener door;
  REQUIRE(door.isOpen());
  for (int i = 0; i < 3; i++) REQUIRE(door.client());  // they leave at once
  const UniqueFd stays = door.client();
  const UniqueFd behind = door.client();
  auto accepted = acceptClient(door.fd(), 64);
  REQUIRE(accepted.ok());
  CHECK_EQ(accepted.value().gone, 3u);
  REQUIRE(accepted.value().client);
  const int client = accepted.value().client.get();
  CHECK(::fcntl(client, F_GETFD) & FD_CLOEXEC);
  CHECK(::fcntl(client, F_GETFL) & O_NONBLOCK);
  REQUIRE(::send(client, "x", 1, 0) == 1);
  char byte = 0;
  CHECK_EQ(::recv(stays.get(), &byte, 1, MSG_DONTWAIT), 1);
  CHECK_EQ(::recv(behind.get(), &byte, 1, MSG_DONTWAIT), -1);
}

TEST("a client that has shut down its half behind a request is there, one that said nothing is not") {
  LocalListener door;
  REQUIRE(door.isOpen());
  const UniqueFd mute = door.client();
  REQUIRE(::shutdown(mute.get(), SHUT_WR) == 0);
  const UniqueFd asking = door.client("GET");
  REQUIRE(::shutdown(asking.get(), SHUT_WR) == 0);
  auto accepted = acceptClient(door.fd(), 64);
  REQUIRE(accepted.ok());
  CHECK_EQ(accepted.value().gone, 1u);
  REQUIRE(accepted.value().client);
  char text[4] = {};
  CHECK_EQ(::recv(accepted.value().client.get(), text, 3, 0), 3);
}

TEST("as many that have left are closed as the caller says, and nobody waits is no error") {
  LocalListener door;
  REQUIRE(door.isOpen());
  for (int i = 0; i < 5; i++) REQUIRE(door.client());
  for (const uint32_t wanted : {2u, 2u, 1u, 0u}) {
    const auto accepted = acceptClient(door.fd(), 2);
    REQUIRE(accepted.ok());
    CHECK_EQ(accepted.value().gone, wanted);
    CHECK(!accepted.value().client);
  }
}

TEST("a descriptor that does not listen is an error, and so is one that cannot be duplicated") {
  const auto accepted = acceptClient(-1, 1);
  REQUIRE(!accepted.ok());
  CHECK_EQ(accepted.error().errnoValue, EBADF);
  CHECK(!duplicated(-1).ok());
}

}  // namespace
}  // namespace tunvs::accept_client_test
