#include "io/tun/tun_queue.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/counter.h"
#include "io/port/vnet_reads.h"

namespace tunvs {
namespace {

// A vector ends when its packets take this many bytes: packets that are still to be cut make it a few packets long, and
// what was read is still in the cache when it is cut.
constexpr size_t kVectorBytes = 256 * 1024;

class Queue : public DeviceQueue {
 public:
  Queue(UniqueFd fd, const std::string& deviceName) : fd_(std::move(fd)), deviceName_(deviceName) {}

  int pollDescriptor() const override { return fd_.get(); }
  bool isDrained() const override { return isDrained_; }

 protected:
  ssize_t read(uint8_t* to, size_t room) {
    return retryOnInterrupt([&] { return ::read(fd_.get(), to, room); });
  }
  // Says what a read that failed after `count` packets means: what was read before goes on its way, and the error comes
  // back with the next call.
  Result<size_t> ended(size_t count) {
    isDrained_ = errno == EAGAIN;
    if (isDrained_ || count > 0) return count;
    return Error::fromErrno(errno, "read", "device '" + deviceName_ + "' can't be read, it was probably deleted");
  }
  bool isDrained_ = false;

 private:
  UniqueFd fd_;
  const std::string& deviceName_;
};

class PlainQueue final : public Queue {
 public:
  using Queue::Queue;

  Result<size_t> receive(PacketVector& vector) override {
    vector.reset();
    isDrained_ = false;
    size_t count = 0;
    for (size_t reads = 0; reads < kVectorSize; reads++) {
      // A TUN read cuts what does not fit and does not say so, so one byte more than allowed is asked for. That byte
      // lies behind the buffer, in the headroom of the next one or at the end of the vector's storage, where nothing is
      // yet. readv() with a byte of its own would cost a tenth more per packet.
      const ssize_t length = read(vector[count].data, vector.maxPacketBytes() + 1);
      if (length < 0) {
        const auto result = ended(count);
        if (!result) return result;
        break;
      }
      if (static_cast<size_t>(length) > vector.maxPacketBytes()) {
        oversized_.add(1);
        continue;
      }
      vector[count++].length = static_cast<uint32_t>(length);
    }
    vector.setCount(count);
    return count;
  }
  uint64_t oversized() const override { return oversized_.read(); }

 private:
  Counter oversized_;
};

// The header is read into the headroom in front of the packet.
class HeaderQueue final : public Queue {
 public:
  HeaderQueue(UniqueFd fd, const std::string& deviceName, size_t maxPacketBytes)
      : Queue(std::move(fd), deviceName), reads_(maxPacketBytes) {}

  Result<size_t> receive(PacketVector& vector) override {
    vector.reset();
    isDrained_ = false;
    size_t count = 0;
    for (size_t reads = 0; reads < kVectorSize; reads++) {
      if (count != 0) {
        vector.pack(count);
        if (vector.bytesBefore(count) >= kVectorBytes) break;
      }
      Packet& packet = vector[count];
      const ssize_t length = read(packet.data - kVnetHeaderBytes, kVnetHeaderBytes + vector.maxPacketBytes() + 1);
      if (length < 0) {
        const auto result = ended(count);
        if (!result) return result;
        break;
      }
      if (take(packet, static_cast<size_t>(length), vector.maxPacketBytes())) count++;
    }
    vector.setCount(count);
    return count;
  }

  uint64_t oversized() const override { return reads_.oversized(); }
  ReadCounts readCounts() const override { return reads_.counts(); }

 private:
  bool take(Packet& packet, size_t length, size_t room) {
    packet.length = static_cast<uint32_t>(length - std::min(length, kVnetHeaderBytes));
    if (length >= kVnetHeaderBytes) return reads_.take(packet, room);
    reads_.addBadOffload();
    return false;
  }

  VnetReads reads_;
};

}  // namespace

std::unique_ptr<DeviceQueue> makeTunQueue(UniqueFd fd, const std::string& deviceName) {
  return std::make_unique<PlainQueue>(std::move(fd), deviceName);
}

std::unique_ptr<DeviceQueue> makeTunQueueWithHeaders(UniqueFd fd, const std::string& deviceName,
                                                     size_t maxPacketBytes) {
  return std::make_unique<HeaderQueue>(std::move(fd), deviceName, maxPacketBytes);
}

}  // namespace tunvs
