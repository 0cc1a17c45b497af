// Reads how often the kernel has run our programs, and for how long (BPF_ENABLE_STATS, Linux 5.8). Each run
// takes longer then, for two looks at the clock.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs::bench {

// Has the kernel measure all programs while the descriptor is open. Needs CAP_SYS_ADMIN.
Result<UniqueFd> measurePrograms();

struct ProgramTime {
  uint64_t runs = 0, ns = 0;
};

// Sums up all programs of this name on the host. Needs CAP_SYS_ADMIN.
ProgramTime programTime(std::string_view name);

}  // namespace tunvs::bench
