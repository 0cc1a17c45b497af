// Says which CPUs this process may run on.
//
// Thread safety: any thread may call these.
#pragma once

#include <span>
#include <vector>

#include "core/result.h"

namespace tunvs {

// Returns the CPUs of the calling thread's affinity, ascending: what cpusets and taskset(1) left to it.
std::vector<unsigned> allowedCpus();

// Refuses CPUs that are not allowed, and says which are.
Result<void> checkCpus(std::span<const unsigned> cpus);

// Writes ascending CPUs as the kernel does: "0-3,6".
std::string cpuList(std::span<const unsigned> cpus);

}  // namespace tunvs
