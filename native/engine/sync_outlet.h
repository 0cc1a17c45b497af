// A SyncOutlet is how a master's messages leave: to a multicast group, or to peers.
//
// Thread safety: the master's thread calls everything but counts.
#pragma once

#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tunvs {

// Any thread reads them.
struct SyncOutletCounts {
  std::atomic<uint64_t> messages{0}, bytes{0}, records{0};  // sent
  std::atomic<uint64_t> recordsLost{0};                     // of messages that found no room
  std::atomic<uint64_t> messagesFailed{0};                  // that the kernel refused
};

class SyncOutlet {
 public:
  virtual ~SyncOutlet() = default;
  // Sends a message of so many records; `port` says which of the messages whose order has to be kept it belongs to.
  virtual void send(size_t port, std::span<const uint8_t> message, size_t records, uint64_t nowMs) = 0;
  // Something could not be told.
  virtual void skip() = 0;
  // Takes what has come, and does what is due.
  virtual void turn(uint64_t nowMs) = 0;
  // Adds what it waits for.
  virtual void addWaits(std::vector<pollfd>& waits) const = 0;
  // Returns how long until turn() has something to do, unless something comes.
  virtual uint64_t waitMs(uint64_t nowMs) const = 0;

  SyncOutletCounts counts;
};

inline void raise(std::atomic<uint64_t>& counter, uint64_t n = 1) { counter.fetch_add(n, std::memory_order_relaxed); }

}  // namespace tunvs
