// A KeepingQueue is a queue whose port keeps packets beyond send(), as one that sends without copying does. It keeps
// them until the test lets them go, oldest or newest first, and reads their bytes only then.
//
// Thread safety: as PortQueue; tests may ask it from any thread.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <vector>

#include "io/os/unique_fd.h"
#include "io/port/port.h"
#include "support/packet_builder.h"

namespace tunvs::testing {

class KeepingQueue final : public PortQueue {
 public:
  // With `tells` it has a descriptor that says when there is something to reclaim.
  KeepingQueue(DeviceQueue& in, bool tells) : in_(in), tells_(tells), told_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  Result<size_t> receive(PacketVector& vector) override { return in_.receive(vector); }
  int pollDescriptor() const override { return in_.pollDescriptor(); }
  int reclaimDescriptor() const override { return tells_ ? told_.get() : -1; }

  SendResult send(std::span<const OutputPacket> packets, OutputWay, PacketVector& read) override {
    const std::lock_guard guard(lock_);
    for (const OutputPacket& packet : packets) {
      Kept& kept = kept_.emplace_back();
      kept.bytes = {packet.data, packet.length};
      if (read.owns(packet.data)) {
        kept.of = &read;
        read.hold();
      } else {
        kept.copy.assign(packet.data, packet.data + packet.length);
        kept.bytes = kept.copy;
      }
    }
    return {packets.size()};
  }

  void reclaim() override {
    const std::lock_guard guard(lock_);
    reclaims_++;
    for (; oldest_ > 0 && !kept_.empty(); oldest_--, kept_.pop_front()) finish(kept_.front());
    for (; newest_ > 0 && !kept_.empty(); newest_--, kept_.pop_back()) finish(kept_.back());
    uint64_t times;
    [[maybe_unused]] const ssize_t cleared = ::read(told_.get(), &times, sizeof times);
  }

  void abandon() override {
    const std::lock_guard guard(lock_);
    for (Kept& kept : kept_)
      if (kept.of != nullptr) kept.of->release();
    kept_.clear();
  }

  // Lets the next reclaim() send this many of the oldest packets, and this many of the newest.
  void letGo(size_t oldest, size_t newest = 0) {
    const std::lock_guard guard(lock_);
    oldest_ += oldest;
    newest_ += newest;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(told_.get(), &one, sizeof one);
  }
  size_t kept() const {
    const std::lock_guard guard(lock_);
    return kept_.size();
  }
  size_t reclaims() const {
    const std::lock_guard guard(lock_);
    return reclaims_;
  }
  size_t sent() const {
    const std::lock_guard guard(lock_);
    return sent_.size();
  }
  // Returns what was sent since the last call, in that order.
  std::vector<Bytes> take() {
    const std::lock_guard guard(lock_);
    return std::exchange(sent_, {});
  }

 private:
  struct Kept {
    std::span<const uint8_t> bytes;
    PacketVector* of = nullptr;  // null: `copy` has the bytes
    Bytes copy;
  };
  void finish(Kept& kept) {
    sent_.emplace_back(kept.bytes.begin(), kept.bytes.end());
    if (kept.of != nullptr) kept.of->release();
  }

  DeviceQueue& in_;
  const bool tells_;
  UniqueFd told_;
  mutable std::mutex lock_;
  std::deque<Kept> kept_;
  std::vector<Bytes> sent_;
  size_t oldest_ = 0, newest_ = 0, reclaims_ = 0;
};

}  // namespace tunvs::testing
