// A ServerState holds what changes about a real server while packets flow. Each server has one, which all workers and
// snapshots share.
//
// Thread safety: all of it is atomic. It is written when a connection begins, ends or changes between active and
// inactive, never for a packet of an established connection.
#pragma once

#include <atomic>
#include <cstdint>

namespace tunvs {

struct alignas(64) ServerState {
  std::atomic<int32_t> active{0};
  std::atomic<int32_t> inactive{0};
  std::atomic<int32_t> persistent{0};
  std::atomic<bool> overloaded{false};  // at its upper threshold, and not yet below the lower one again

  std::atomic<uint64_t> nextSource{0};           // where full NAT looks next for an address and a port
  std::atomic<uint64_t> noSourceAt{UINT64_MAX};  // the tick at which it last found none

  int64_t connections() const {
    return int64_t{active.load(std::memory_order_relaxed)} + inactive.load(std::memory_order_relaxed);
  }
};

}  // namespace tunvs
