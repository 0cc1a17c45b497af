// What the director sends: the packets of one vector, and room for those that it makes itself.
//
// Thread safety: none; one per worker.
// Invariants:
//  1. Packets stand in the order in which they are to be sent.
//  2. What add() took stays valid until the flush that sends it: input buffers until the next vector, made packets
//  until reset().
#pragma once

#include <bitset>
#include <memory>

#include "core/packet_vector.h"

namespace tunvs {

class OutputVector {
 public:
  static constexpr size_t kMax = 2 * kVectorSize;
  // Room for the fragments of the longest packet, their headers and head-room included.
  static constexpr size_t kArenaBytes = 256 * 1024;

  // Sends what there is; the vector is reset afterwards. Called in the middle of a vector when one of the two limits is
  // reached.
  using Flush = void (*)(void* context, OutputVector& out);

  OutputVector() = default;
  OutputVector(Flush flush, void* context) : flush_(flush), context_(context) {}

  // `cause`: index in the input vector of the packet that this one is due to.
  void add(uint8_t* data, size_t length, const IpAddress& nextHop, size_t cause) {
    if (count_ == kMax) flush();
    OutputPacket& packet = packets_[count_];
    packet.data = data;
    packet.length = static_cast<uint32_t>(length);
    packet.nextHop = nextHop;
    causes_[count_++] = static_cast<uint8_t>(cause);
  }

  // The same for a packet that goes to this host's own stack. `server`: the local node.
  void addLocal(uint8_t* data, size_t length, const IpAddress& server, size_t cause) {
    add(data, length, server, cause);
    locals_.set(count_ - 1);
  }

  // The same for what the director says itself: it goes to the client, whose address is anybody's.
  void addAnswer(uint8_t* data, size_t length, const IpAddress& client, size_t cause) {
    add(data, length, client, cause);
    answers_.set(count_ - 1);
  }

  // Room for a packet of `bytes` with kHeadroom in front of it. Flushes when the arena is full, so that a packet which
  // was made before may be sent, and be gone: add() each before reserving for the next. REQUIRES: bytes <=
  // kMaxPacketBytes
  uint8_t* reserve(size_t bytes) {
    if (arena_ == nullptr) arena_ = std::make_unique<uint8_t[]>(kArenaBytes);
    const size_t needed = (kHeadroom + bytes + 63) / 64 * 64;
    if (used_ + needed > kArenaBytes) flush();
    uint8_t* at = arena_.get() + used_ + kHeadroom;
    used_ += needed;
    return at;
  }

  void flush() {
    if (flush_ != nullptr) {
      flush_(context_, *this);
    } else {
      lost_ += count_;
    }
    reset();
  }

  void reset() {
    count_ = 0;
    locals_.reset();
    answers_.reset();
    used_ = 0;
  }

  size_t count() const { return count_; }
  std::span<const OutputPacket> packets() const { return {packets_, count_}; }
  const OutputPacket& operator[](size_t i) const { return packets_[i]; }
  size_t cause(size_t i) const { return causes_[i]; }
  bool hasLocal() const { return locals_.any(); }
  bool isLocal(size_t i) const { return locals_[i]; }
  bool hasAnswer() const { return answers_.any(); }
  bool isAnswer(size_t i) const { return answers_[i]; }
  // Packets that a full vector without a flush function had to forget.
  uint64_t lost() const { return lost_; }

 private:
  OutputPacket packets_[kMax];
  uint8_t causes_[kMax];
  size_t count_ = 0;
  std::bitset<kMax> locals_, answers_;
  size_t used_ = 0;
  uint64_t lost_ = 0;
  std::unique_ptr<uint8_t[]> arena_;
  Flush flush_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace tunvs
