#include "io/memory/memory_egress.h"

#include <utility>

namespace tunvs {

SendResult MemoryEgress::send(std::span<const OutputPacket> packets) {
  SendResult result;
  const size_t refusals = refusals_.load(std::memory_order_relaxed);
  result.noBuffer = refusals < packets.size() ? refusals : packets.size();
  if (refusals > 0) refusals_.store(refusals - result.noBuffer, std::memory_order_relaxed);
  packets = packets.subspan(result.noBuffer);
  result.sent = packets.size();

  uint64_t bytes = 0;
  for (const OutputPacket& packet : packets) bytes += packet.length;
  if (mode_ == Mode::keep) {
    const std::lock_guard guard(lock_);
    for (const OutputPacket& packet : packets) {
      kept_.push_back({std::vector<uint8_t>(packet.data, packet.data + packet.length), packet.nextHop});
    }
  }
  packets_.store(packets_.load(std::memory_order_relaxed) + packets.size(), std::memory_order_relaxed);
  bytes_.store(bytes_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  return result;
}

std::vector<MemoryEgress::Sent> MemoryEgress::take() {
  const std::lock_guard guard(lock_);
  return std::exchange(kept_, {});
}

}  // namespace tunvs
