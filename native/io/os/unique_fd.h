// A UniqueFd is a file descriptor that is closed when its owner goes; retryOnInterrupt() is a loop for calls that a
// signal may interrupt.
#pragma once

#include <unistd.h>
#include <cerrno>

#include <utility>

namespace tunvs {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Returns the descriptor, which is the caller's to close from now on.
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);  // never retried: Linux frees the number even when close() is interrupted
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Makes `call` again until no signal interrupts it; a negative result leaves errno set.
template <typename Call>
auto retryOnInterrupt(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace tunvs
