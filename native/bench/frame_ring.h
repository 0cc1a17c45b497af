// Sees the IPv4 packets that come in on an interface, through a ring in memory that the kernel fills (TPACKET_V2, Linux
// 2.6.27): a look at it makes no system call, and costs next to nothing while nothing comes.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs::bench {

class FrameRing {
 public:
  // Opens it on an interface of the calling thread's namespace. REQUIRES: CAP_NET_RAW
  static Result<FrameRing> open(const std::string& interfaceName);
  FrameRing(FrameRing&& other) noexcept
      : socket_(std::move(other.socket_)), ring_(std::exchange(other.ring_, nullptr)), next_(other.next_) {}
  FrameRing& operator=(FrameRing&&) = delete;
  ~FrameRing();

  // Returns the next packet from its IP header on, at most kShownBytes of it; nothing when none has come.
  std::span<const uint8_t> front() const;
  // Gives the place of front() back to the kernel. REQUIRES: there is one
  void pop();

  static constexpr size_t kShownBytes = 128;

 private:
  FrameRing(UniqueFd socket, uint8_t* ring) : socket_(std::move(socket)), ring_(ring) {}

  UniqueFd socket_;
  uint8_t* ring_;  // null when moved from
  size_t next_ = 0;
};

}  // namespace tunvs::bench
