#include "io/pcap/pcap_device.h"

#include <cstring>

namespace tunvs {

Result<std::unique_ptr<PcapDevice>> PcapDevice::open(const std::string& path, size_t maxPacketBytes) {
  auto reader = PcapReader::open(path);
  if (!reader) return reader.error();
  return std::unique_ptr<PcapDevice>(new PcapDevice(path, std::move(reader).value(), maxPacketBytes));
}

Result<size_t> PcapDevice::receive(PacketVector& vector) {
  vector.reset();
  if (deferred_) return *deferred_;
  size_t count = 0;
  while (count < kVectorSize && !isAtEnd_) {
    auto packet = reader_->next();
    if (!packet) {
      deferred_ = packet.error();
      if (count == 0) return *deferred_;
      break;
    }
    if (!packet.value()) {
      isAtEnd_ = true;
    } else if (packet.value()->bytes.size() > vector.maxPacketBytes()) {
      oversized_++;
    } else {
      std::memcpy(vector[count].data, packet.value()->bytes.data(), packet.value()->bytes.size());
      vector[count].length = static_cast<uint32_t>(packet.value()->bytes.size());
      timesNs_[count++] = packet.value()->timeNs;
    }
  }
  vector.setCount(count);
  return count;
}

}  // namespace tunvs
