#include "io/os/descriptor_passing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "support/testing.h"

namespace tunvs::descriptor_passing_test {
namespace {

struct Pair {
  UniqueFd one, other;
  Pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
    one.reset(fds[0]);
    other.reset(fds[1]);
  }
};

UniqueFd pipeWith(const std::string& text) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  CHECK_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  return UniqueFd(ends[0]);
}

std::string textIn(const UniqueFd& fd) {
  char bytes[64];
  const ssize_t got = ::read(fd.get(), bytes, sizeof bytes);
  return {bytes, static_cast<size_t>(std::max<ssize_t>(got, 0))};
}

TEST("descriptors arrive open with their line, in their order, and what follows the line stays for the next") {
  const Pair pair;
  const UniqueFd first = pipeWith("one"), second = pipeWith("two");
  const int both[] = {first.get(), second.get()};
  REQUIRE(sendDescriptors(pair.one.get(), "here\nmore", both, 1000).ok());
  REQUIRE(sendDescriptors(pair.one.get(), " to come\n", {}, 1000).ok());
  auto line = receiveLine(pair.other.get(), 100, 1000);
  REQUIRE(line.ok());
  CHECK_EQ(line.value().text, "here");
  REQUIRE(line.value().descriptors.size() == 2);
  CHECK_EQ(textIn(line.value().descriptors[0]), "one");
  CHECK_EQ(textIn(line.value().descriptors[1]), "two");
  CHECK((::fcntl(line.value().descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  line = receiveLine(pair.other.get(), 100, 1000);
  REQUIRE(line.ok());
  CHECK_EQ(line.value().text, "more to come");
  CHECK(line.value().descriptors.empty());
}

TEST("a line that does not come, ends early or is too long is an error, and its descriptors are closed") {
  Pair pair;
  CHECK(!receiveLine(pair.other.get(), 100, 10).ok());
  const UniqueFd passed = pipeWith("x");
  const int one[] = {passed.get()};
  REQUIRE(sendDescriptors(pair.one.get(), "half", one, 1000).ok());
  CHECK(!receiveLine(pair.other.get(), 100, 10).ok());
  REQUIRE(sendDescriptors(pair.one.get(), std::string(5000, 'x') + "\n", {}, 1000).ok());
  CHECK(!receiveLine(pair.other.get(), 100, 1000).ok());
  const Pair other;
  REQUIRE(sendDescriptors(other.one.get(), "no newline", {}, 1000).ok());
  const_cast<UniqueFd&>(other.one).reset();
  const auto ended = receiveLine(other.other.get(), 100, 1000);
  CHECK(!ended.ok() && ended.error().message.find("ended") != std::string::npos);
}

TEST("a long line passes a reader that is slower, and one that never reads is given up") {
  const Pair pair;
  const std::string text(2'000'000, 'y');
  std::thread writer([&] { CHECK(sendDescriptors(pair.one.get(), text + "\n", {}, 5000).ok()); });
  const auto line = receiveLine(pair.other.get(), text.size(), 5000);
  writer.join();
  if (CHECK(line.ok())) CHECK(line.value().text == text);
  CHECK(!sendDescriptors(pair.one.get(), text, {}, 10).ok());
}

TEST("nobody at a path, and a path that is too long, are errors that name it") {
  const auto absent = connectLocal("/dev/shm/tunvs-nobody.sock");
  CHECK(!absent.ok() && absent.error().message.find("tunvs-nobody") != std::string::npos);
  CHECK(!connectLocal("/" + std::string(200, 'a')).ok());
}

}  // namespace
}  // namespace tunvs::descriptor_passing_test
