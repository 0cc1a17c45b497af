#include "director/fragment/fragment_arena.h"

#include <cassert>

namespace tunvs {

FragmentArena::FragmentArena(size_t bytes)
    : capacity_(static_cast<uint32_t>(bytes / kUnitBytes)),
      records_(std::make_unique_for_overwrite<Record[]>(capacity_)) {
  assert(bytes >= kLeastBytes);
}

// Returns the place for a record at the head, or kNone. If what is left at the end of the ring is too short, that is
// given away.
uint32_t FragmentArena::place(uint32_t units) {
  if (used_ == 0) head_ = tail_ = 0;
  if (used_ != 0 && head_ <= tail_) return tail_ - head_ >= units ? head_ : kNone;
  const uint32_t atEnd = capacity_ - head_;
  if (atEnd >= units) return head_;
  if (tail_ < units) return kNone;
  records_[head_] = {atEnd, 0, kNone, kNone, 0, State::free};
  used_ += atEnd;
  head_ = 0;
  return head_;
}

uint32_t FragmentArena::allocate(uint32_t length, uint32_t owner) {
  assert(length <= kMaxPacketBytes);
  const auto units = static_cast<uint32_t>(1 + (kHeadroom + length + kUnitBytes - 1) / kUnitBytes);
  const uint32_t record = place(units);
  if (record == kNone) return kNone;
  records_[record] = {units, length, kNone, owner, 0, State::waiting};
  used_ += units;
  head_ = record + units == capacity_ ? 0 : record + units;
  return record;
}

void FragmentArena::free(uint32_t record) {
  assert(records_[record].state != State::free);
  records_[record].state = State::free;
  while (used_ != 0 && records_[tail_].state == State::free) {
    const uint32_t units = records_[tail_].units;
    used_ -= units;
    tail_ = tail_ + units == capacity_ ? 0 : tail_ + units;
  }
}

}  // namespace tunvs
