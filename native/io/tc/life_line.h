// A LifeLine says to programs that may outlive their process that it is alive (bpf/life.h).
//
// Thread safety: one thread calls extend().
#pragma once

#include <atomic>

#include "core/ticks.h"
#include "io/os/coarse_clock.h"
#include "io/tc/bpf/life.h"
#include "io/tc/bpf_array.h"

namespace tunvs {

class LifeLine {
 public:
  // Whoever extends it does so four times as often, at least.
  static constexpr uint32_t kSeconds = 4;

  static Result<LifeLine> make(const std::string& owner) {
    auto line = BpfArray<TcLife>::make(owner + "'s life line", 1);
    if (!line) return line.error();
    return LifeLine(std::move(line).value());
  }
  int descriptor() const { return line_.descriptor(); }
  void extend() {
    const Tick until = ticksFromMs(coarseNowMs()) + ticksFromSeconds(kSeconds);
    std::atomic_ref(line_.lines()[0].aliveUntil).store(until, std::memory_order_relaxed);
  }
  // The programs let everything go from now on.
  void end() { std::atomic_ref(line_.lines()[0].aliveUntil).store(ticksFromMs(coarseNowMs()) - 1); }

 private:
  explicit LifeLine(BpfArray<TcLife> line) : line_(std::move(line)) {}
  BpfArray<TcLife> line_;
};

}  // namespace tunvs
