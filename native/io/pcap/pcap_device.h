// A PcapDevice is a capture file as a device with one queue: its packets come as fast as they are asked for, and it
// keeps their times.
//
// Thread safety: as DeviceQueue.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "io/pcap/pcap_file.h"
#include "io/port/device.h"

namespace tunvs {

class PcapDevice final : public Device, private DeviceQueue {
 public:
  static Result<std::unique_ptr<PcapDevice>> open(const std::string& path, size_t maxPacketBytes = kMaxPacketBytes);

  const std::string& name() const override { return path_; }
  size_t queueCount() const override { return 1; }
  DeviceQueue& queue(size_t) override { return *this; }
  size_t maxPacketBytes() const override { return maxPacketBytes_; }

  // Returns the time of packet `index` of the vector filled last, since the epoch. REQUIRES: index < its count
  uint64_t timeNs(size_t index) const { return timesNs_[index]; }
  // Returns true when the last receive() found no more packets.
  bool atEnd() const { return isAtEnd_; }
  const PcapReader& reader() const { return *reader_; }

 private:
  PcapDevice(std::string path, std::unique_ptr<PcapReader> reader, size_t maxPacketBytes)
      : path_(std::move(path)), reader_(std::move(reader)), maxPacketBytes_(maxPacketBytes) {}

  Result<size_t> receive(PacketVector& vector) override;
  int pollDescriptor() const override { return -1; }
  uint64_t oversized() const override { return oversized_; }

  std::string path_;
  std::unique_ptr<PcapReader> reader_;
  size_t maxPacketBytes_;
  std::array<uint64_t, kVectorSize> timesNs_{};
  std::optional<Error> deferred_;  // met behind packets that were still to be delivered
  uint64_t oversized_ = 0;
  bool isAtEnd_ = false;
};

}  // namespace tunvs
