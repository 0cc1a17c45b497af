#include "io/tun/tun_queue.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "packet/vnet_header.h"

namespace tunvs {
namespace {

// A vector ends when its packets take this many bytes: packets that are still to be cut make it a few packets long, and
// what was read is still in the cache when it is cut.
constexpr size_t kVectorBytes = 256 * 1024;

void increase(std::atomic<uint64_t>& count) {
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

class Queue : public DeviceQueue {
 public:
  Queue(UniqueFd fd, const std::string& deviceName) : fd_(std::move(fd)), deviceName_(deviceName) {}

  int pollDescriptor() const override { return fd_.get(); }
  bool isDrained() const override { return isDrained_; }
  uint64_t oversized() const override { return oversized_.load(std::memory_order_relaxed); }

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
  // These are written by the worker and read by the control thread.
  std::atomic<uint64_t> oversized_{0};
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
        increase(oversized_);
        continue;
      }
      vector[count++].length = static_cast<uint32_t>(length);
    }
    vector.setCount(count);
    return count;
  }
};

// The header is read into the headroom in front of the packet.
class HeaderQueue final : public Queue {
 public:
  HeaderQueue(UniqueFd fd, const std::string& deviceName, size_t maxPacketBytes)
      : Queue(std::move(fd), deviceName), maxPacketBytes_(maxPacketBytes) {}

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

  ReadCounts readCounts() const override {
    return {superPackets_.load(std::memory_order_relaxed), badOffloads_.load(std::memory_order_relaxed)};
  }

 private:
  bool take(Packet& packet, size_t length, size_t room) {
    packet.length = static_cast<uint32_t>(length - std::min(length, kVnetHeaderBytes));
    if (length < kVnetHeaderBytes) {
      increase(badOffloads_);
      return false;
    }
    if (packet.length > room) {
      increase(oversized_);
      return false;
    }
    if (!readVnetHeader(packet)) [[unlikely]] {
      increase(badOffloads_);
      return false;
    }
    if (packet.offload.segmentBytes != 0) {
      increase(superPackets_);
    } else if (packet.length > maxPacketBytes_) [[unlikely]] {
      increase(oversized_);
      return false;
    }
    return true;
  }

  size_t maxPacketBytes_;
  std::atomic<uint64_t> superPackets_{0}, badOffloads_{0};
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
