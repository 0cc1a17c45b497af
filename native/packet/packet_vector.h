// A vector is up to 64 packets that pass through every stage together. What a device fills is what an egress sends.
//
// Thread safety: none; a vector belongs to one worker.
// Invariants:
//  1. Every input packet has at least kHeadroom writable bytes in front of `data`, for outer headers and a link header.
//  2. Packets are IP packets without a link header.
//  3. One byte behind each buffer may be written too: a device notices by it that a packet is too long.
//  4. While the vector is held, a port has not sent some of its packets yet: nothing of it is written or reset.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "packet/offload.h"

namespace tunvs {

inline constexpr size_t kVectorSize = 64;
inline constexpr size_t kHeadroom = 128;  // outer IPv6 (40) + UDP (8) + GUE (12) + Ethernet (14), with room to spare
inline constexpr size_t kMaxPacketBytes = 65535;

// A Packet is one packet as it was read, IP header first.
struct Packet {
  uint8_t* data = nullptr;
  uint32_t length = 0;  // bytes, [0, kMaxPacketBytes]
  Offload offload{};
};

// A PacketVector is storage for one vector. Buffers lie an odd number of cache lines apart, so that headers do not
// share cache sets.
class PacketVector {
 public:
  // `maxPacketBytes` is the length of the longest packet that a buffer holds, [64, kMaxPacketBytes].
  explicit PacketVector(size_t maxPacketBytes)
      : maxPacketBytes_(maxPacketBytes),
        stride_(strideOf(maxPacketBytes)),
        storage_(std::make_unique_for_overwrite<uint8_t[]>(bytes() + 64)) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.get());
    base_ = storage_.get() + (64 - address % 64) % 64;
    reset();
  }

  // Makes every packet empty, its data at the start of its buffer's payload area. REQUIRES: !isHeld()
  void reset() {
    assert(!isHeld());
    for (size_t i = 0; i < kVectorSize; i++) packets_[i] = {buffer(i), 0};
    count_ = 0;
  }

  // Moves place `i` right behind the packet before it, so that short packets lie close together although each place has
  // room for a long one. REQUIRES: the packets before it lie where pack() or reset() put them, and have their lengths
  void pack(size_t i) {
    assert(i > 0 && i < kVectorSize);
    const Packet& before = packets_[i - 1];
    packets_[i].data = before.data + strideOf(before.length);
    assert(packets_[i].data <= buffer(i));
  }
  // Returns how many bytes of the storage lie in front of place `i`.
  size_t bytesBefore(size_t i) const { return static_cast<size_t>(packets_[i].data - base_) - kHeadroom; }

  uint8_t* buffer(size_t i) { return base_ + i * stride_ + kHeadroom; }
  size_t maxPacketBytes() const { return maxPacketBytes_; }
  size_t count() const { return count_; }
  void setCount(size_t count) { count_ = count; }
  Packet& operator[](size_t i) { return packets_[i]; }
  std::span<Packet> packets() { return {packets_, count_}; }

  // Returns true when this byte lies in one of the buffers or in the headroom in front of one.
  bool owns(const uint8_t* byte) const { return !std::less<>()(byte, base_) && std::less<>()(byte, base_ + bytes()); }
  // A port calls hold() for each packet of the vector that it keeps beyond send(), and release() when that one is sent.
  void hold() { held_++; }
  void release() {
    assert(isHeld());
    held_--;
  }
  bool isHeld() const { return held_ != 0; }

 private:
  static constexpr size_t strideOf(size_t packetBytes) { return (((kHeadroom + packetBytes + 63) / 64) | 1) * 64; }
  size_t bytes() const { return stride_ * kVectorSize; }

  size_t maxPacketBytes_;
  size_t stride_;
  size_t count_ = 0;
  size_t held_ = 0;  // packets that ports hold
  Packet packets_[kVectorSize];
  std::unique_ptr<uint8_t[]> storage_;
  uint8_t* base_ = nullptr;
};

}  // namespace tunvs
