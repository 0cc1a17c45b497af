#include "director/worker/defence.h"

namespace tunvs {

int32_t Defence::shown(int32_t mode, const Tunables& tunables) const {
  if (!isAutomatic(mode)) return mode;
  return isShort(tunables) ? kActing : kWaiting;
}

uint32_t Defence::dropRate(const Tunables& tunables) const {
  if (tunables.dropPacket == kOff) return 0;
  if (tunables.dropPacket == kAlways) return static_cast<uint32_t>(tunables.amDroprate);
  const auto threshold = static_cast<uint64_t>(tunables.amemthresh);
  const uint64_t available = availablePages_.load(std::memory_order_relaxed);
  return available < threshold ? static_cast<uint32_t>(threshold / (threshold - available)) : 0;
}

}  // namespace tunvs
