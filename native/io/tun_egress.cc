#include "io/tun_egress.h"

#include "io/send_each.h"
#include "io/unique_fd.h"

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
