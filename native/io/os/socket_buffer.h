// Asks the kernel for larger socket buffers. Both are best effort: with the default size it drops or refuses earlier in
// a burst.
//
// Thread safety: pure system calls.
#pragma once

#include <sys/socket.h>

namespace tunvs {

inline constexpr int kSendBufferBytes = 4 << 20;

// Passes the host's limit where the process may (CAP_NET_ADMIN).
inline void raiseSendBuffer(int socket) {
  if (::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBufferBytes, sizeof kSendBufferBytes) < 0)
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
}

inline void raiseReceiveBuffer(int socket, int bytes) {
  if (::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

}  // namespace tunvs
