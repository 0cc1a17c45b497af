// A TunEgress writes packets back into the TUN device, and the host's routing sends them on. It needs nothing but the
// open device, but the device needs accept_local=1, since the packets' source is an address of this host.
//
// Thread safety: as Egress.
#pragma once

#include <unistd.h>

#include "io/port/egress.h"

namespace tunvs {

class TunEgress final : public Egress {
 public:
  using Write = ssize_t (*)(int fd, const void* bytes, size_t length);

  // `descriptor` is a queue of the device, which outlives this egress. `write` is write(2), or a test's stand-in for
  // it.
  explicit TunEgress(int descriptor, Write write = ::write) : descriptor_(descriptor), write_(write) {}

  std::string_view name() const override { return "tun"; }
  SendResult send(std::span<const OutputPacket> packets) override;

 private:
  int descriptor_;
  Write write_;
};

}  // namespace tunvs
