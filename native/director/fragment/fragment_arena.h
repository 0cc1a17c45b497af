// The memory in which fragments wait: a ring of records, handed out at its head and taken back at its tail.
//
// A record that is given back out of order becomes free only when the tail gets there. So when the ring is full, the
// record at its tail is the oldest one still in use, which is the one to give up.
//
// Thread safety: none; the owner locks. Whoever holds a record may use its bytes, and `next`, without the lock.
// Invariants:
//  1. Records follow each other without a gap from the tail to the head, around the ring's end; `used_` is their sum.
//  2. The record at the tail is never a free one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "packet/packet_vector.h"

namespace tunvs {

class FragmentArena {
 public:
  static constexpr uint32_t kUnitBytes = 64;
  static constexpr uint32_t kNone = UINT32_MAX;
  // The space that the longest packet takes. A ring must be at least as large.
  static constexpr size_t kLeastBytes = 2 * kUnitBytes + kHeadroom + kMaxPacketBytes;

  enum class State : uint8_t { free, waiting, lent };

  // One fragment. Behind it lie kHeadroom writable bytes and then the packet.
  struct alignas(kUnitBytes) Record {
    uint32_t units;   // of kUnitBytes, this header included
    uint32_t length;  // bytes of the packet
    uint32_t next;    // for whoever holds the record
    uint32_t owner;
    uint16_t offsetBytes;
    State state;

    uint8_t* packet() { return reinterpret_cast<uint8_t*>(this + 1) + kHeadroom; }
  };

  // REQUIRES: bytes >= kLeastBytes
  explicit FragmentArena(size_t bytes);

  // Hands out a record with room for `length` bytes, or kNone when there is none until tail() is freed.
  // REQUIRES: length <= kMaxPacketBytes
  uint32_t allocate(uint32_t length, uint32_t owner);
  void free(uint32_t record);

  Record& at(uint32_t record) { return records_[record]; }
  // Returns the oldest record in use. REQUIRES: !isEmpty()
  Record& tail() { return records_[tail_]; }
  bool isEmpty() const { return used_ == 0; }
  size_t usedBytes() const { return size_t{used_} * kUnitBytes; }
  size_t capacityBytes() const { return size_t{capacity_} * kUnitBytes; }

 private:
  uint32_t place(uint32_t units);

  uint32_t capacity_;  // units
  uint32_t head_ = 0, tail_ = 0, used_ = 0;
  std::unique_ptr<Record[]> records_;  // one per unit; most of them lie within another's packet
};
static_assert(sizeof(FragmentArena::Record) == FragmentArena::kUnitBytes);

}  // namespace tunvs
