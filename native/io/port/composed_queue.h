// A ComposedQueue is a port's queue made of a device's queue to read from and egresses to send by. Neither keeps a
// packet.
//
// Thread safety: as PortQueue.
#pragma once

#include <memory>
#include <utility>

#include "io/port/port.h"

namespace tunvs {

class ComposedQueue final : public PortQueue {
 public:
  // `in` outlives this object. By `host`, packets come to this host's own stack.
  ComposedQueue(DeviceQueue& in, std::unique_ptr<Egress> out, std::unique_ptr<Egress> host)
      : in_(in), out_(std::move(out)), host_(std::move(host)) {}

  Result<size_t> receive(PacketVector& vector) override { return in_.receive(vector); }
  int pollDescriptor() const override { return in_.pollDescriptor(); }
  bool isDrained() const override { return in_.isDrained(); }
  bool allowsNaps() const override { return in_.allowsNaps(); }
  uint64_t oversized() const override { return in_.oversized(); }
  ReadCounts readCounts() const override { return in_.readCounts(); }

  bool canOffload(OutputWay way, const OutputPacket& packet) const override {
    switch (way) {
      case OutputWay::server: return out_->canOffload(packet);
      case OutputWay::client: return false;
      case OutputWay::host:
      case OutputWay::routed: break;
    }
    return host_->canOffload(packet);
  }
  uint64_t offloadsRefused() const override { return out_->offloadsRefused() + host_->offloadsRefused(); }

  SendResult send(std::span<const OutputPacket> packets, OutputWay way, PacketVector&) override {
    switch (way) {
      case OutputWay::server: return out_->send(packets);
      case OutputWay::client: return out_->sendAnswers(packets);
      case OutputWay::host:
      case OutputWay::routed: break;
    }
    return host_->send(packets);
  }

 private:
  DeviceQueue& in_;
  std::unique_ptr<Egress> out_, host_;
};

}  // namespace tunvs
