// Checks the table size that a service asks for.
#pragma once

#include "scheduler/scheduler.h"

namespace tunvs {

bool isPrime(uint32_t n);

// Accepts a power of two from 16 to 2^20, as IPVS can be built with (4 to 20 bits) for dh and sh; 0 means 256.
Result<void> checkPowerTable(const SchedulerOptions& options);
// Returns the bits of a slot's number. REQUIRES: checkPowerTable() has passed.
unsigned powerTableBits(const SchedulerOptions& options);

}  // namespace tunvs
