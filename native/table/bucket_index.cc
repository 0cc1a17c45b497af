#include "table/bucket_index.h"

#include <cassert>
#include <cstring>

namespace tunvs {

void BucketIndex::insert(uint64_t hash, uint32_t unit) const {
  for (uint32_t index = home(hash);; index = behind(index)) {
    Bucket& bucket = buckets_[index];
    const uint64_t low = bucket.tagsLow.load(std::memory_order_relaxed);
    const uint64_t high = bucket.tagsHigh.load(std::memory_order_relaxed);
    for (size_t slot = 0; slot < kSlotsPerBucket; slot++) {
      const size_t shift = slot % 8 * 8;
      if (((slot < 8 ? low : high) >> shift & 0xff) != 0) continue;
      bucket.units[slot].store(unit, std::memory_order_release);
      const uint64_t mark = uint64_t{tagOf(hash)} << shift;
      if (slot < 8) {
        bucket.tagsLow.store(low | mark, std::memory_order_release);
      } else {
        bucket.tagsHigh.store(high | mark, std::memory_order_release);
      }
      return;
    }
    bucket.tagsHigh.store(high + (uint64_t{1} << kDisplacedShift), std::memory_order_release);
  }
}

void BucketIndex::remove(uint64_t hash, uint32_t unit) const {
  for (uint32_t index = home(hash);; index = behind(index)) {
    Bucket& bucket = buckets_[index];
    const uint64_t low = bucket.tagsLow.load(std::memory_order_relaxed);
    const uint64_t high = bucket.tagsHigh.load(std::memory_order_relaxed);
    for (size_t slot = 0; slot < kSlotsPerBucket; slot++) {
      const uint64_t mask = uint64_t{0xff} << slot % 8 * 8;
      const uint64_t word = slot < 8 ? low : high;
      if ((word & mask) == 0 || bucket.units[slot].load(std::memory_order_relaxed) != unit) continue;
      (slot < 8 ? bucket.tagsLow : bucket.tagsHigh).store(word & ~mask, std::memory_order_release);
      return;
    }
    assert(displaced(high) > 0);
    bucket.tagsHigh.store(high - (uint64_t{1} << kDisplacedShift), std::memory_order_release);
  }
}

void BucketIndex::clear() const { std::memset(static_cast<void*>(buckets_), 0, count_ * sizeof(Bucket)); }

}  // namespace tunvs
