#include "io/ring/ring_queue.h"

#include "core/inet.h"
#include "packet/vnet_header.h"

namespace tunvs {

void countHop(Packet& packet) {
  uint8_t* const data = packet.data;
  const bool isV4 = packet.length >= 20 && data[0] >> 4 == 4, isV6 = packet.length >= 40 && data[0] >> 4 == 6;
  if (!isV4 && !isV6) return;
  const uint32_t whole = isV4 ? loadBe16(data + 2) : 40 + loadBe16(data + 4);
  const size_t hopsAt = isV4 ? 8 : 7;
  if (whole < (isV4 ? 20 : 40) || whole > packet.length || data[hopsAt] == 0) return;
  packet.length = whole;
  data[hopsAt]--;
  if (!isV4) return;
  const uint32_t sum = loadBe16(data + 10) + 0x0100u;  // RFC 1624
  storeBe16(data + 10, static_cast<uint16_t>(sum + (sum >= 0xffff)));
}

bool RingQueue::take(const PacketRing::Frame& frame, PacketVector& vector, Packet& packet) {
  const auto linkBytes = static_cast<size_t>(frame.packet - frame.link);
  if (frame.isInQueue) {
    const size_t front = kVnetHeaderBytes + linkBytes;
    const ssize_t length = ring_->readLong(packet.data - front, front + vector.maxPacketBytes());
    if (length < static_cast<ssize_t>(front)) return false;
    packet.length = static_cast<uint32_t>(static_cast<size_t>(length) - front);
  } else {
    packet.data = frame.packet;
    packet.length = frame.wholeLength;
  }
  const size_t room = frame.isInQueue ? vector.maxPacketBytes() : frame.length;
  if (packet.length > room) {
    // The socket has kept no copy of it, or it is longer than any IP packet.
    if (packet.length <= kMaxPacketBytes) dropped_.add(1);
    if (packet.length > kMaxPacketBytes) reads_.addOversized();
    return false;
  }
  moveVnetHeader(packet.data, linkBytes);
  countHop(packet);
  return reads_.take(packet, room);
}

size_t RingQueue::throwAway() {
  for (size_t reads = 0; reads < kVectorSize && ring_->take(); reads++) {
  }
  ring_->release();
  isDrained_ = ring_->isEmpty();
  if (isDrained_) ring_->clearError();
  return 0;
}

Result<size_t> RingQueue::receive(PacketVector& vector) {
  ring_->release();
  if (next_.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
    PacketRing* const before = ring_.release();
    ring_.reset(next_.exchange(nullptr, std::memory_order_acq_rel));
    delete replaced_.exchange(before, std::memory_order_acq_rel);
  }
  vector.reset();
  if (isPaused_.load(std::memory_order_acquire)) [[unlikely]]
    return throwAway();
  size_t count = 0;
  for (size_t reads = 0; reads < kVectorSize; reads++) {
    const auto frame = ring_->take();
    if (!frame) break;
    Packet& packet = vector[count];
    uint8_t* const own = packet.data;
    if (take(*frame, vector, packet)) {
      count++;
    } else {
      packet = {own, 0};
    }
  }
  isDrained_ = ring_->isEmpty();
  // An error would have poll() return at once, for ever.
  if (count == 0 && isDrained_ && ++looksInVain_ % kLooksPerError == 0) ring_->clearError();
  vector.setCount(count);
  return count;
}

}  // namespace tunvs
