// A listening unix socket for tests.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstring>

#include "io/os/unique_fd.h"

namespace tunvs {

// A listening socket of an abstract name that the kernel chooses, and clients of it.
class LocalListener {
 public:
  LocalListener() : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    address_.sun_family = AF_UNIX;
    bytes_ = sizeof address_.sun_family;  // autobind: unix(7)
    isOpen_ = ::bind(socket_.get(), name(), bytes_) == 0;
    bytes_ = sizeof address_;
    isOpen_ = isOpen_ && ::getsockname(socket_.get(), name(), &bytes_) == 0 && ::listen(socket_.get(), 64) == 0;
  }

  bool isOpen() const { return isOpen_; }
  int fd() const { return socket_.get(); }

  UniqueFd client(const char* says = "") {
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(client.get(), name(), bytes_) != 0) return {};
    if (::write(client.get(), says, std::strlen(says)) < 0) return {};
    return client;
  }

 private:
  sockaddr* name() { return reinterpret_cast<sockaddr*>(&address_); }

  UniqueFd socket_;
  sockaddr_un address_{};
  socklen_t bytes_ = 0;
  bool isOpen_ = false;
};

}  // namespace tunvs
