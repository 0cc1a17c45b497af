#include "scheduler/table_size.h"

#include <bit>

namespace tunvs {
namespace {

constexpr unsigned kDefaultBits = 8, kMinBits = 4, kMaxBits = 20;

}  // namespace

bool isPrime(uint32_t n) {
  if (n < 4) return n >= 2;
  if (n % 2 == 0) return false;
  for (uint32_t divisor = 3; divisor <= n / divisor; divisor += 2) {
    if (n % divisor == 0) return false;
  }
  return true;
}

Result<void> checkPowerTable(const SchedulerOptions& options) {
  const uint32_t size = options.tableSize;
  if (size == 0 || (std::has_single_bit(size) && size >= 1u << kMinBits && size <= 1u << kMaxBits)) return {};
  return Error::make(ErrorCode::invalidArgument,
                     "a table size of " + std::to_string(size) + " is not a power of two from 16 to 1048576");
}

unsigned powerTableBits(const SchedulerOptions& options) {
  return options.tableSize == 0 ? kDefaultBits : static_cast<unsigned>(std::countr_zero(options.tableSize));
}

}  // namespace tunvs
