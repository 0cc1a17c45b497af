// Thread safety: any thread makes any call.
#pragma once

#include <cstdint>

namespace tunvs {

// Returns one more than the highest number that a CPU can have, now or once it is plugged in.
uint32_t possibleCpus();

}  // namespace tunvs
