// An IcmpQueue reads ICMP errors about our own outer packets from raw sockets, and hands them on as the IP packets that
// they were. The kernel delivers them to the host, because the director's address is one of the host's.
//
// Thread safety: as DeviceQueue.
// A director whose addresses lie behind the TUN device gets these errors from there and needs no such queue.
#pragma once

#include <span>

#include "core/inet.h"
#include "io/os/unique_fd.h"
#include "io/port/device.h"

namespace tunvs {

class IcmpQueue final : public DeviceQueue {
 public:
  // Opens a queue for errors to `address` (DIP). Needs CAP_NET_RAW. An address that is not the host's own is an Error,
  // as bind() refuses it.
  static Result<std::unique_ptr<IcmpQueue>> open(const IpAddress& address);

  Result<size_t> receive(PacketVector& vector) override;
  int pollDescriptor() const override { return socket_.get(); }
  // Counts messages that are longer than the vector's buffers, and so longer than any error has to be. They are not
  // handed on.
  uint64_t oversized() const override { return oversized_; }

 private:
  IcmpQueue(UniqueFd socket, const IpAddress& address) : socket_(std::move(socket)), address_(address) {}
  ssize_t receiveIpv4(uint8_t* to, size_t room);
  ssize_t receiveIpv6(uint8_t* to, size_t room);

  UniqueFd socket_;
  IpAddress address_;
  uint64_t oversized_ = 0;
};

}  // namespace tunvs
