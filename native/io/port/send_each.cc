#include "io/port/send_each.h"

#include <cerrno>

namespace tunvs {

void countSendError(int error, SendResult& result) {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM: result.noBuffer++; break;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENXIO:
    case ENODEV: result.noRoute++; break;
    case EMSGSIZE: result.tooLong++; break;
    default: result.failed++; break;
  }
}

void sendEach(int fd, std::span<mmsghdr> messages, SendResult& result, SendMany sendMany) {
  while (!messages.empty()) {
    // sendmmsg() stops at the first message that fails. It reports an error only when that is the first of the call, so
    // the call after a short count meets the same message again and says why.
    const int sent = sendMany(fd, messages.data(), static_cast<unsigned>(messages.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      result.sent += static_cast<size_t>(sent);
      messages = messages.subspan(static_cast<size_t>(sent));
    } else if (sent == 0 || errno != EINTR) {
      countSendError(sent == 0 ? EIO : errno, result);
      messages = messages.subspan(1);
    }
  }
}

}  // namespace tunvs
