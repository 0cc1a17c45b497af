#include "table/expiry_wheels.h"

#include <algorithm>

namespace tunvs {

uint32_t ExpiryWheels::slotOf(Tick due) const {
  const auto ahead = static_cast<int32_t>(due - handled_);
  const uint32_t slots = ahead < 0 ? 0 : static_cast<uint32_t>(ahead) / kTicksPerSlot;
  return (currentSlot() + std::min(slots, kSlots - 1)) % kSlots;
}

uint32_t ExpiryWheels::firstSlot(Standing standing, uint32_t ahead) const {
  if (count(standing) == 0 || ahead >= kSlots) return kNone;
  const uint64_t* occupied = occupied_[static_cast<size_t>(standing)];
  const uint32_t start = (currentSlot() + ahead) % kSlots;
  for (uint32_t i = 0; i <= kWords; i++) {
    const uint32_t word = (start / 64 + i) % kWords;
    uint64_t bits = occupied[word];
    if (i == 0) bits &= ~uint64_t{0} << start % 64;
    if (i == kWords) bits &= ~(~uint64_t{0} << start % 64);
    if (bits == 0) continue;
    const uint32_t slot = word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
    return slotsAhead(slot) >= ahead ? slot : kNone;
  }
  return kNone;
}

void ExpiryWheels::link(ConnLink* links, uint32_t unit, Place place) {
  const auto wheel = static_cast<uint32_t>(place.standing);
  const uint32_t index = slotOf(place.due);
  const uint32_t end = kEnd | wheel << kWheelShift | index;
  Slot& slot = slots_[wheel][index];
  if (slot.last == 0) {
    links[unit] = {end, end};
    slot.first = unit + 1;
    occupied_[wheel][index / 64] |= uint64_t{1} << index % 64;
  } else {
    links[unit] = {end, wheel << kWheelShift | slot.last};
    links[slot.last - 1].next = unit + 1;
  }
  slot.last = unit + 1;
  counts_[wheel]++;
}

void ExpiryWheels::unlink(ConnLink* links, uint32_t unit) {
  const ConnLink link = links[unit];
  const uint32_t wheel = link.previous >> kWheelShift & kWheelMask;
  const bool isFirst = (link.previous & kEnd) != 0, isLast = (link.next & kEnd) != 0;
  counts_[wheel]--;
  if (isFirst && isLast) {
    const uint32_t index = link.next & (kSlots - 1);
    slots_[wheel][index] = {};
    occupied_[wheel][index / 64] &= ~(uint64_t{1} << index % 64);
    return;
  }
  if (isFirst) {
    slots_[wheel][link.previous & (kSlots - 1)].first = link.next;
  } else {
    links[(link.previous & kUnitMask) - 1].next = link.next;
  }
  if (isLast) {
    slots_[wheel][link.next & (kSlots - 1)].last = link.previous & kUnitMask;
  } else {
    links[link.next - 1].previous = link.previous;
  }
}

}  // namespace tunvs
