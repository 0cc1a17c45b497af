#include "core/result.h"

#include <cerrno>
#include <memory>

#include "support/testing.h"

namespace tunvs::result_test {
namespace {

TEST("a result holds a value or an error, never both") {
  const Result<int> good = 7;
  CHECK(good.ok());
  CHECK_EQ(good.value(), 7);
  const Result<int> bad = Error::make(ErrorCode::limit, "too many; remove some");
  CHECK(!bad);
  CHECK(bad.error().code == ErrorCode::limit);
  CHECK_EQ(bad.error().errnoValue, 0);
  const Result<void> nothing;
  CHECK(nothing.ok());
}

TEST("a result hands out a value that can only be moved") {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(made).value();
  CHECK_EQ(*taken, 3);
}

TEST("an error turns errno into a code that a caller can act on") {
  const struct {
    int errnoValue;
    ErrorCode code;
  } table[] = {
      {EPERM, ErrorCode::permission},   {EACCES, ErrorCode::permission},      {EBUSY, ErrorCode::busy},
      {ENODEV, ErrorCode::noDevice},    {ENOENT, ErrorCode::noDevice},        {EOPNOTSUPP, ErrorCode::unsupported},
      {ENOSYS, ErrorCode::unsupported}, {EINVAL, ErrorCode::invalidArgument}, {EIO, ErrorCode::system},
  };
  for (const auto& row : table) {
    const Error error = Error::fromErrno(row.errnoValue, "ioctl", "could not make the device");
    CHECK(error.code == row.code);
    CHECK_EQ(error.errnoValue, row.errnoValue);
    CHECK_EQ(error.syscall, "ioctl");
    CHECK_EQ(error.message, std::string("could not make the device: ") + std::strerror(row.errnoValue));
  }
}

}  // namespace
}  // namespace tunvs::result_test
