// Thread safety: one thread adds; any reads.
#pragma once

#include <atomic>
#include <cstdint>

namespace tunvs {

// A counter with one writer: it needs no locked instruction and is never torn.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace tunvs
