#include "io/memory/memory_device.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <deque>

#include "io/os/unique_fd.h"

namespace tunvs {

class MemoryDevice::Queue final : public DeviceQueue {
 public:
  Queue() : wakeUp_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  void push(std::span<const uint8_t> packet) {
    const std::lock_guard guard(lock_);
    packets_.emplace_back(packet.begin(), packet.end());
    signal();
  }

  void breakDown() {
    const std::lock_guard guard(lock_);
    isBroken_ = true;
    signal();
  }

  size_t waiting() const {
    const std::lock_guard guard(lock_);
    return packets_.size();
  }

  Result<size_t> receive(PacketVector& vector) override {
    vector.reset();
    const std::lock_guard guard(lock_);
    if (isBroken_) return Error::make(ErrorCode::noDevice, "the memory device was broken on purpose");
    size_t count = 0;
    while (count < kVectorSize && !packets_.empty()) {
      const std::vector<uint8_t>& packet = packets_.front();
      if (packet.size() <= vector.maxPacketBytes()) {
        std::copy(packet.begin(), packet.end(), vector[count].data);
        vector[count++].length = static_cast<uint32_t>(packet.size());
      } else {
        oversized_.fetch_add(1, std::memory_order_relaxed);
      }
      packets_.pop_front();
    }
    isDrained_ = packets_.empty();
    if (isDrained_) {
      uint64_t events;
      [[maybe_unused]] const ssize_t cleared = ::read(wakeUp_.get(), &events, sizeof events);  // empty: nobody woke it
    }
    vector.setCount(count);
    return count;
  }

  int pollDescriptor() const override { return wakeUp_.get(); }
  bool isDrained() const override { return isDrained_; }
  uint64_t oversized() const override { return oversized_.load(std::memory_order_relaxed); }

 private:
  void signal() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wakeUp_.get(), &one, sizeof one);  // a full counter wakes as well
  }

  mutable std::mutex lock_;
  std::deque<std::vector<uint8_t>> packets_;
  bool isBroken_ = false;
  std::atomic<uint64_t> oversized_{0};
  bool isDrained_ = false;  // the worker's own
  UniqueFd wakeUp_;
};

MemoryDevice::MemoryDevice(size_t queues, size_t maxPacketBytes) : maxPacketBytes_(maxPacketBytes) {
  for (size_t i = 0; i < queues; i++) queues_.push_back(std::make_unique<Queue>());
}
MemoryDevice::~MemoryDevice() = default;

void MemoryDevice::push(size_t queue, std::span<const uint8_t> packet) { queues_[queue]->push(packet); }
void MemoryDevice::breakQueue(size_t queue) { queues_[queue]->breakDown(); }
size_t MemoryDevice::waiting(size_t queue) const { return queues_[queue]->waiting(); }

DeviceQueue& MemoryDevice::queue(size_t index) {
  assert(index < queues_.size());
  return *queues_[index];
}

RepeatingDevice::RepeatingDevice(std::span<const std::vector<uint8_t>> packets, uint64_t rounds, size_t maxPacketBytes)
    : maxPacketBytes_(maxPacketBytes), roundsLeft_(packets.empty() ? 0 : rounds) {
  for (const auto& packet : packets) {
    assert(packet.size() <= maxPacketBytes);
    slices_.push_back({bytes_.size(), static_cast<uint32_t>(packet.size())});
    bytes_.insert(bytes_.end(), packet.begin(), packet.end());
  }
}

Result<size_t> RepeatingDevice::receive(PacketVector& vector) {
  assert(vector.maxPacketBytes() >= maxPacketBytes_);
  vector.reset();
  size_t count = 0;
  while (count < kVectorSize && roundsLeft_ > 0) {
    const Slice slice = slices_[next_];
    std::memcpy(vector[count].data, bytes_.data() + slice.offset, slice.length);
    vector[count++].length = slice.length;
    if (++next_ == slices_.size()) {
      next_ = 0;
      roundsLeft_--;
    }
  }
  vector.setCount(count);
  return count;
}

}  // namespace tunvs
