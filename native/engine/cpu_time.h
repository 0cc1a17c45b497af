// The processor time that a thread has taken.
//
// Thread safety: pure system calls.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>

namespace tunvs {

struct CpuTime {
  uint64_t userNs = 0;
  uint64_t systemNs = 0;
};

// Returns the calling thread's; nothing where the kernel does not say.
inline std::optional<CpuTime> threadCpuTime() {
  rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) != 0) return std::nullopt;
  const auto nsOf = [](const timeval& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1000;
  };
  return CpuTime{nsOf(usage.ru_utime), nsOf(usage.ru_stime)};
}

}  // namespace tunvs
