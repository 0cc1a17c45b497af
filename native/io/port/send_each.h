// Sends a batch of messages through one socket so that an error on one message costs only that one.
//
// Thread safety: none; it belongs to the egress of one worker.
#pragma once

#include <sys/socket.h>

#include <span>

#include "io/port/egress.h"

namespace tunvs {

using SendMany = int (*)(int fd, mmsghdr* messages, unsigned count, int flags);

// Adds what became of each message to `result`. `sendMany` is sendmmsg(2), or a test's stand-in for it.
void sendEach(int fd, std::span<mmsghdr> messages, SendResult& result, SendMany sendMany = ::sendmmsg);

// Adds one packet that errno `error` kept from being sent.
void countSendError(int error, SendResult& result);

}  // namespace tunvs
