#include "io/os/allowed_cpus.h"

#include <sched.h>

#include <algorithm>
#include <string>

namespace tunvs {
namespace {

constexpr unsigned kMaxCpus = 8192;  // the most that a kernel is built for

}  // namespace

std::vector<unsigned> allowedCpus() {
  std::vector<unsigned> allowed;
  cpu_set_t* const set = CPU_ALLOC(kMaxCpus);
  const size_t bytes = CPU_ALLOC_SIZE(kMaxCpus);
  CPU_ZERO_S(bytes, set);
  if (::sched_getaffinity(0, bytes, set) == 0) {
    for (unsigned cpu = 0; cpu < kMaxCpus; cpu++) {
      if (CPU_ISSET_S(cpu, bytes, set)) allowed.push_back(cpu);
    }
  }
  CPU_FREE(set);
  return allowed;
}

std::string cpuList(std::span<const unsigned> cpus) {
  std::string text;
  for (size_t first = 0; first < cpus.size();) {
    size_t last = first;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) last++;
    text += (text.empty() ? "" : ",") + std::to_string(cpus[first]);
    if (last > first) text += "-" + std::to_string(cpus[last]);
    first = last + 1;
  }
  return text;
}

Result<void> checkCpus(std::span<const unsigned> cpus) {
  if (cpus.empty()) return {};
  const std::vector<unsigned> allowed = allowedCpus();
  for (const unsigned cpu : cpus) {
    if (std::binary_search(allowed.begin(), allowed.end(), cpu)) continue;
    return Error::make(ErrorCode::invalidArgument,
                       "CPU " + std::to_string(cpu) + " is not one that this process may run on, which are " +
                           cpuList(allowed) + ": choose of those, or widen its cpuset or affinity");
  }
  return {};
}

}  // namespace tunvs
