// Counters of one worker. Written by that worker alone, summed by whoever reads.
//
// The law:  received = the sum of verdicts          (verdict.h)
//           verdicts[forwarded] = sent + egressNoBuffer + egressNoRoute + egressTooLong + egressFailed   (with an egress)
#pragma once

#include <atomic>
#include <span>

#include "director/verdict.h"

namespace tunvs {

// A counter with one writer: no locked instruction, never torn.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct alignas(64) WorkerStats {
  Counter received;
  Counter receivedBytes;
  Counter forwardedBytes;       // inner bytes, without outer headers
  Counter connectionsCreated;
  Counter connectionsExpired;   // reached their deadline
  Counter connectionsEvicted;   // gave way to a new one in a full table
  Counter connectionsDropped;   // ended early: rescheduled, or their server was removed
  Counter vectors;              // reads that brought at least one packet
  Counter sent;
  Counter egressNoBuffer;
  Counter egressNoRoute;
  Counter egressTooLong;
  Counter egressFailed;
  Counter oversized;            // longer than the device's buffers; not in `received`
  Counter verdicts[kVerdicts];
};

// The names that JavaScript sees, in the order in which readCounters() writes.
inline constexpr std::string_view kCounterNames[] = {
    "received",       "receivedBytes",  "forwardedBytes", "connectionsCreated", "connectionsExpired",
    "connectionsEvicted", "connectionsDropped", "vectors",    "sent",           "egressNoBuffer",
    "egressNoRoute",  "egressTooLong",  "egressFailed",   "oversized",
};
inline constexpr size_t kNamedCounters = std::size(kCounterNames);
inline constexpr size_t kCounters = kNamedCounters + kVerdicts;
static_assert(sizeof(WorkerStats) >= kCounters * sizeof(uint64_t));

// Adds one worker's counters to `sums`. REQUIRES: sums.size() == kCounters
inline void addTo(std::span<uint64_t> sums, const WorkerStats& stats) {
  const auto* all = reinterpret_cast<const Counter*>(&stats);
  static_assert(offsetof(WorkerStats, verdicts) == kNamedCounters * sizeof(Counter));
  for (size_t i = 0; i < kCounters; i++) sums[i] += all[i].read();
}

// What one worker counted for one real server.
struct alignas(32) ServerCounters {
  Counter connections;
  Counter packets;
  Counter bytes;  // of the inner packets
};

}  // namespace tunvs
