#include "table/unit_pool.h"

#include <utility>

namespace tunvs {
namespace {

constexpr uint32_t kUnitsPerBatch = 32;  // an eighth of those that the smallest shard has room for

}  // namespace

bool UnitPool::hasRoom(ConnLink* links, uint32_t total, const Epochs& epochs) {
  if (freeHead_ == 0) reclaim(links, epochs);
  return freeHead_ != 0 || untouched_ < total;
}

uint32_t UnitPool::allocate(ConnLink* links, uint32_t total, const Epochs& epochs) {
  if (freeHead_ == 0) {
    if (untouched_ < total) return ++untouched_;
    reclaim(links, epochs);
    if (freeHead_ == 0) return 0;
  }
  const uint32_t unit = freeHead_;
  freeHead_ = links[unit - 1].next;
  return unit;
}

void UnitPool::free(ConnLink* links, uint32_t unit) {
  links[unit] = {freeHead_, 0};
  freeHead_ = unit + 1;
}

void UnitPool::retire(ConnLink* links, uint32_t unit, const Epochs& epochs) {
  links[unit] = {0, 0};
  const uint64_t epoch = epochs.stamp();
  if (behind_.first != 0 && behind_.epoch != epoch && waiting_.first == 0) waiting_ = std::exchange(behind_, {});
  // Units that gather wait as long as the last of them, so a batch that is long safe must not stay and hold them up.
  if (behind_.count >= kUnitsPerBatch && behind_.count % kUnitsPerBatch == 0) reclaim(links, epochs);
  if (behind_.first != 0) {
    links[behind_.last - 1].next = unit + 1;
  } else {
    behind_.first = unit + 1;
  }
  behind_.last = unit + 1;
  behind_.epoch = epoch;
  behind_.count++;
}

void UnitPool::reclaim(ConnLink* links, const Epochs& epochs) {
  for (;;) {
    if (waiting_.first == 0) {
      waiting_ = std::exchange(behind_, {});
      if (waiting_.first == 0) return;
    }
    if (!epochs.isSafe(waiting_.epoch)) return;
    links[waiting_.last - 1].next = freeHead_;
    freeHead_ = waiting_.first;
    waiting_ = {};
  }
}

}  // namespace tunvs
