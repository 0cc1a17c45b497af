// Asks the kernel by netlink and gives its answer. The kernel answers within the call that asks, so nobody waits.
//
// Thread safety: one thread per object.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class NetlinkExchange {
 public:
  explicit NetlinkExchange(UniqueFd socket) : socket_(std::move(socket)) {}

  // Sends `request`, whose sequence number it sets, and returns the first message of the answer, valid until the next
  // call; nothing when the kernel only agreed. `what` names what it is about, in errors.
  Result<std::span<const uint8_t>> ask(std::span<uint8_t> request, const std::string& what);
  // Asks for all there is (NLM_F_DUMP), and visits each message of the answer.
  Result<void> askForAll(std::span<uint8_t> request, const std::string& what,
                         const std::function<void(std::span<const uint8_t> message)>& visit);

 private:
  Result<void> send(std::span<uint8_t> request, const std::string& what);
  // Returns the next datagram, which answers the last request.
  Result<std::span<const uint8_t>> next(const std::string& what);

  UniqueFd socket_;
  uint32_t sequence_ = 0;
  std::array<uint8_t, 32768> answer_;
};

}  // namespace tunvs
