#include "io/tun/tun_egress.h"

#include "io/os/unique_fd.h"
#include "io/port/send_each.h"

namespace tunvs {

SendResult TunEgress::send(std::span<const OutputPacket> packets) {
  SendResult result;
  for (const OutputPacket& packet : packets) {
    if (retryOnInterrupt([&] { return write_(descriptor_, packet.data, packet.length); }) >= 0) {
      result.sent++;
    } else {
      countSendError(errno, result);
    }
  }
  return result;
}

}  // namespace tunvs
