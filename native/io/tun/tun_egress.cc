#include "io/tun/tun_egress.h"

#include "io/os/unique_fd.h"
#include "io/port/send_each.h"
#include "packet/vnet_header.h"

namespace tunvs {

bool TunEgress::write(const OutputPacket& packet) {
  const uint8_t* from = packet.data;
  size_t length = packet.length;
  if (hasVnetHeader_) {
    writeVnetHeader(packet.data, packet.offload);
    from -= kVnetHeaderBytes;
    length += kVnetHeaderBytes;
  }
  return retryOnInterrupt([&] { return write_(descriptor_, from, length); }) >= 0;
}

SendResult TunEgress::send(std::span<const OutputPacket> packets) {
  SendResult result;
  for (const OutputPacket& packet : packets) {
    if (write(packet)) {
      result.sent++;
    } else if (packet.offload.isNone() || errno != EINVAL) {
      countSendError(errno, result);
    } else {
      finishAndWrite(packet, result);
    }
  }
  return result;
}

// The packet counts as one, as it was handed in as one: it is sent if all of what it became is.
void TunEgress::finishAndWrite(const OutputPacket& packet, SendResult& result) {
  canOffload_ = false;
  offloadsRefused_.store(offloadsRefused_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  int error = 0;
  SegmentBurst burst(room_, [&](std::span<const OutputPacket> finished) {
    for (const OutputPacket& each : finished)
      if (!write(each)) error = errno;
  });
  if (burst.addFinished(packet) == 0) error = EINVAL;
  burst.flush();
  if (error == 0) {
    result.sent++;
  } else {
    countSendError(error, result);
  }
}

}  // namespace tunvs
