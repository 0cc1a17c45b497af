// Checks of the table size that a service asks for.
#pragma once

#include "scheduler/scheduler.h"

namespace tunvs {

bool isPrime(uint32_t n);

// A power of two from 16 to 2^20, as IPVS can be built with (4 to 20 bits) for dh and sh; 0: 256.
Result<void> checkPowerTable(const SchedulerOptions& options);
// REQUIRES: checkPowerTable() has passed. Bits of a slot's number.
unsigned powerTableBits(const SchedulerOptions& options);

}  // namespace tunvs
