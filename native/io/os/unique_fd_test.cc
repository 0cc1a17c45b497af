#include "io/os/unique_fd.h"

#include <fcntl.h>

#include "support/testing.h"

namespace tunvs::unique_fd_test {
namespace {

bool isOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST("a UniqueFd closes its descriptor once, and a moved-from one closes nothing") {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  {
    UniqueFd first(fd);
    UniqueFd second(std::move(first));
    CHECK(!first);
    CHECK_EQ(second.get(), fd);
    first.reset();
    CHECK(isOpen(fd));
  }
  CHECK(!isOpen(fd));
}

TEST("assigning to a UniqueFd closes what it held") {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  UniqueFd holder(fd);
  holder = UniqueFd();
  CHECK(!isOpen(fd));
}

TEST("retryOnInterrupt calls again after EINTR and passes other errors on") {
  int calls = 0;
  const int result = retryOnInterrupt([&] {
    errno = ++calls < 3 ? EINTR : EIO;
    return -1;
  });
  CHECK_EQ(result, -1);
  CHECK_EQ(errno, EIO);
  CHECK_EQ(calls, 3);
}

}  // namespace
}  // namespace tunvs::unique_fd_test
