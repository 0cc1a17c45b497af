#include "io/os/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "io/os/unique_fd.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::file_lock_test {
namespace {

TEST("a file is locked for one open file at a time, until that is closed") {
  char path[] = "/tmp/tunvs-file-lock-XXXXXX";
  UniqueFd first(::mkostemp(path, O_CLOEXEC));
  REQUIRE(first);
  const UniqueFd second(::open(path, O_RDONLY | O_CLOEXEC));
  ::unlink(path);
  const auto taken = tryLockFile(first.get());
  REQUIRE(taken.ok());
  CHECK(taken.value());
  CHECK(tryLockFile(first.get()).value());
  CHECK(!tryLockFile(second.get()).value());
  first.reset();
  CHECK(tryLockFile(second.get()).value());
}

TEST("a descriptor that is no open file is not locked, and the error says so") {
  const auto result = tryLockFile(-1);
  REQUIRE(!result.ok());
  CHECK_EQ(result.error().errnoValue, EBADF);
}

TEST("network namespaces have different names, and each name stays the same") {
  const auto here = networkNamespaceName();
  REQUIRE(here.ok());
  CHECK_EQ(networkNamespaceName().value(), here.value());
  std::string there;
  if (!testing::inNetworkNamespace([&] { there = networkNamespaceName().value(); })) SKIP(testing::kNoNamespace);
  CHECK(!there.empty());
  CHECK(there != here.value());
}

}  // namespace
}  // namespace tunvs::file_lock_test
