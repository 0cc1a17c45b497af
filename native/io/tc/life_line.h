// A LifeLine says to programs that may outlive their process that it is alive (bpf/life.h).
//
// Thread safety: one thread calls extend().
#pragma once

#include "io/os/coarse_clock.h"
#include "io/tc/bpf/life.h"
#include "io/tc/bpf_array.h"

namespace tunvs {

class LifeLine {
 public:
  // Whoever extends it does so four times as often, at least.
  static constexpr uint64_t kLifeMs = 4000;

  static Result<LifeLine> make(const std::string& owner) {
    auto line = BpfArray<TcLife>::make(owner + "'s life line", 1);
    if (!line) return line.error();
    return LifeLine(std::move(line).value());
  }
  int descriptor() const { return line_.descriptor(); }
  void extend() {
    const uint64_t until = (coarseNowMs() + kLifeMs) * 1'000'000;
    __atomic_store_n(&line_.lines()[0].aliveUntil, until, __ATOMIC_RELAXED);
  }

 private:
  explicit LifeLine(BpfArray<TcLife> line) : line_(std::move(line)) {}
  BpfArray<TcLife> line_;
};

}  // namespace tunvs
