// What a fast path in the kernel has done on the director's behalf, in memory that it writes: one tally for each real
// server and CPU, and one total for each CPU.
//
// Thread safety: each line has one writer, the program on that CPU; whoever reads sums the lines. clear() may be called
// only while nothing is sent to the server.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tunvs {

struct alignas(64) KernelTally {
  std::atomic<uint64_t> packets, bytes;
  std::atomic<uint32_t> longest;  // bytes of the longest packet sent since it was last set to 0
  uint32_t identification;        // the program's own
};
static_assert(sizeof(KernelTally) == 64);

struct KernelTotal {
  uint64_t packets = 0, bytes = 0;
};

// The packets that the program left to the engine, by the counter of the reason, and those that it lost.
inline constexpr size_t kKernelReasons = 10;

struct KernelSums {
  KernelTotal sent;
  uint64_t reasons[kKernelReasons] = {};
};

class KernelTallies {
 public:
  static constexpr uint32_t kMaxServers = 4096;  // servers with higher ids stay with the engine

  KernelTallies() = default;
  // `tallies` holds those of server 0 on all CPUs, then of server 1, and so on.
  KernelTallies(std::span<KernelTally> tallies, size_t cpus) : tallies_(tallies), cpus_(cpus) {}

  KernelTotal of(uint32_t server) const {
    KernelTotal sum;
    for (const KernelTally& each : linesOf(server)) {
      sum.packets += each.packets.load(std::memory_order_relaxed);
      sum.bytes += each.bytes.load(std::memory_order_relaxed);
    }
    return sum;
  }
  uint32_t longest(uint32_t server) const {
    uint32_t longest = 0;
    for (const KernelTally& each : linesOf(server))
      longest = std::max(longest, each.longest.load(std::memory_order_relaxed));
    return longest;
  }
  void forgetLongest(uint32_t server) const {
    for (KernelTally& each : linesOf(server)) each.longest.store(0, std::memory_order_relaxed);
  }
  void clear(uint32_t server) const {
    forgetLongest(server);
    for (KernelTally& each : linesOf(server)) {
      each.packets.store(0, std::memory_order_relaxed);
      each.bytes.store(0, std::memory_order_relaxed);
    }
  }

 private:
  std::span<KernelTally> linesOf(uint32_t server) const {
    const size_t first = server * cpus_;
    return first + cpus_ <= tallies_.size() ? tallies_.subspan(first, cpus_) : std::span<KernelTally>();
  }

  std::span<KernelTally> tallies_;
  size_t cpus_ = 0;
};

}  // namespace tunvs
