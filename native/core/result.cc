#include "core/result.h"

#include <cerrno>

namespace tunvs {
namespace {

ErrorCode codeOf(int errnoValue) {
  switch (errnoValue) {
    case EPERM:
    case EACCES: return ErrorCode::permission;
    case EBUSY: return ErrorCode::busy;
    case ENODEV:
    case ENXIO:
    case ENOENT: return ErrorCode::noDevice;
    case EOPNOTSUPP:
    case ENOPROTOOPT:
    case ENOSYS:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: return ErrorCode::unsupported;
    case EINVAL: return ErrorCode::invalidArgument;
    default: return ErrorCode::system;
  }
}

}  // namespace

Error Error::fromErrno(int errnoValue, const char* syscall, std::string message) {
  message += ": ";
  message += std::strerror(errnoValue);
  return {codeOf(errnoValue), std::move(message), errnoValue, syscall};
}

}  // namespace tunvs
