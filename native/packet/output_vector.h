// An OutputVector holds what the director sends: the packets of one vector, and room for those that it makes itself.
//
// make() gives a packet its place among the outputs and its room in one call, so no flush can come between the two.
//
// Thread safety: none; one per worker.
// Invariants:
//  1. Packets stand in the order in which they are to be sent.
//  2. What add() and make() took stays as it is until the flush that sends it. Until then the owners of input buffers,
//     and of the buffers of fragments and parked packets that had waited, keep them: Director::process(), resume() and
//     expire() free what the call before has sent, and everything is flushed before that.
//  3. Room in the arena belongs to a packet of this vector: when there is no packet, none is used.
#pragma once

#include <cassert>
#include <memory>

#include "packet/output_packet.h"
#include "packet/packet_vector.h"

namespace tunvs {

class OutputVector {
 public:
  static constexpr size_t kMax = 2 * kVectorSize;
  // The arena has room for the fragments of the longest packet, with their headers and headroom.
  static constexpr size_t kArenaBytes = 256 * 1024;

  // Sends the packets that there are; the vector is reset afterwards. It is called in the middle of a vector when one
  // of the two limits is reached.
  using Flush = void (*)(void* context, OutputVector& out);

  OutputVector() = default;
  OutputVector(Flush flush, void* context) : flush_(flush), context_(context) {}

  // Adds a packet in a buffer of the caller's. `cause` is the index in the input vector of the packet that led to it.
  void add(uint8_t* data, size_t length, const IpAddress& nextHop, size_t cause, OutputWay way = OutputWay::server) {
    assert(!isMaking_);
    if (count_ == kMax) flush();
    put(data, length, nextHop, cause, way);
  }
  // Adds a packet that may have an offload, behind an outer header of `outerBytes`.
  void addOffloaded(uint8_t* data, size_t length, const IpAddress& nextHop, size_t cause, OutputWay way,
                    Offload offload, size_t outerBytes, bool sealsOuter = false) {
    add(data, length, nextHop, cause, way);
    if (offload.isNone()) return;
    assert(outerBytes <= offload.checksumStart);
    packets_[count_ - 1].offload = offload;
    packets_[count_ - 1].outerBytes = static_cast<uint8_t>(outerBytes);
    packets_[count_ - 1].sealsOuter = sealsOuter;
    hasOffloads_ = true;
  }

  // Says that the packet that was made last is still to be finished. REQUIRES: there is one, without an outer header
  void offloadLast(Offload offload) {
    if (offload.isNone()) return;
    packets_[count_ - 1].offload = offload;
    packets_[count_ - 1].outerBytes = 0;
    packets_[count_ - 1].sealsOuter = false;
    hasOffloads_ = true;
  }

  // Makes a packet of at most `bytes` here: write(std::span<uint8_t> room) writes it and returns its length, or 0 when
  // there is to be none after all. kHeadroom bytes lie in front of the room. Returns the length. REQUIRES: bytes <=
  // kMaxPacketBytes; write() does not use this vector
  template <typename Write>
  size_t make(size_t bytes, const IpAddress& nextHop, size_t cause, OutputWay way, Write&& write) {
    assert(!isMaking_ && bytes <= kMaxPacketBytes);
    if (arena_ == nullptr) arena_ = std::make_unique_for_overwrite<uint8_t[]>(kArenaBytes);
    const size_t needed = (kHeadroom + bytes + 63) / 64 * 64;
    if (count_ == kMax || used_ + needed > kArenaBytes) flush();
    uint8_t* const at = arena_.get() + used_ + kHeadroom;
    isMaking_ = true;
    const size_t length = write(std::span<uint8_t>(at, bytes));
    isMaking_ = false;
    assert(length <= bytes);
    if (length == 0) return 0;
    used_ += needed;
    put(at, length, nextHop, cause, way);
    return length;
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
    assert(!isMaking_);
    if (hasOffloads_) [[unlikely]]
      forgetOffloads();
    count_ = 0;
    used_ = 0;
    ways_ = 0;
  }

  size_t count() const { return count_; }
  std::span<const OutputPacket> packets() const { return {packets_, count_}; }
  const OutputPacket& operator[](size_t i) const { return packets_[i]; }
  size_t cause(size_t i) const { return tags_[i] & kCauseMask; }
  OutputWay way(size_t i) const { return static_cast<OutputWay>(tags_[i] >> kCauseBits); }
  // Returns true when a packet goes this way. REQUIRES: way != OutputWay::server
  bool has(OutputWay way) const { return (ways_ >> static_cast<uint8_t>(way) & 1) != 0; }
  // Returns true when a packet goes another way than to a real server.
  bool hasOthers() const { return ways_ != 0; }
  bool hasOffloads() const { return hasOffloads_; }
  // Counts the packets that a full vector without a flush function had to drop.
  uint64_t lost() const { return lost_; }

 private:
  static constexpr uint8_t kCauseBits = 6;
  static constexpr uint8_t kCauseMask = (1 << kCauseBits) - 1;
  static_assert(kVectorSize <= kCauseMask + 1);

  void put(uint8_t* data, size_t length, const IpAddress& nextHop, size_t cause, OutputWay way) {
    OutputPacket& packet = packets_[count_];
    packet.data = data;
    packet.length = static_cast<uint32_t>(length);
    packet.nextHop = nextHop;
    tags_[count_++] = static_cast<uint8_t>(cause | static_cast<size_t>(way) << kCauseBits);
    // Most packets go to real servers and nobody asks has() about those, so nothing is noted for them.
    if (way != OutputWay::server) ways_ |= static_cast<uint8_t>(1 << static_cast<uint8_t>(way));
  }

  void forgetOffloads() {
    for (size_t i = 0; i < count_; i++) packets_[i].offload = Offload();
    hasOffloads_ = false;
  }

  OutputPacket packets_[kMax];  // an offload stays none until one is added, so put() need not write it
  uint8_t tags_[kMax];          // the cause, with the way above it
  size_t count_ = 0;
  size_t used_ = 0;
  uint8_t ways_ = 0;  // a bit for each OutputWay but `server`
  bool hasOffloads_ = false;
  bool isMaking_ = false;
  uint64_t lost_ = 0;
  std::unique_ptr<uint8_t[]> arena_;
  Flush flush_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace tunvs
