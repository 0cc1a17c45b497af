// These functions go through the shards of a connection table by turns, each of which holds a lock for a bounded time:
// expiry, removal, visits, samples. This is a part of conn_table.h, which includes it.
#pragma once

namespace tunvs {

template <typename Judge>
bool ConnTable::expire(uint32_t shardIndex, Tick now, bool exact, size_t& budget, Judge&& judge) {
  constexpr auto kTicksPerSlot = static_cast<int32_t>(ExpiryWheels::kTicksPerSlot);
  ConnShard& shard = region_.shard(shardIndex);
  SpinGuard guard(shard.lock);
  ExpiryWheels& wheels = shard.wheels;
  ConnLink* links = region_.links(shardIndex);
  giveBack(shardIndex, kGivenBackByTurn);
  // After a long pause one round meets every connection, whatever slot it is in.
  if (static_cast<int32_t>(now - wheels.handled()) > static_cast<int32_t>(ExpiryWheels::kRound))
    wheels.begin(now - ExpiryWheels::kRound);
  for (;;) {
    const auto behind = static_cast<int32_t>(now - wheels.handled());
    if (behind < 0) return true;
    const bool isCurrent = behind < kTicksPerSlot;
    if (isCurrent && !exact) return true;
    const uint32_t slot = wheels.currentSlot();
    for (size_t i = 0; i < kStandings; i++) {
      const auto standing = static_cast<Standing>(i);
      for (uint32_t next = wheels.first(standing, slot); next != 0;) {
        if (budget == 0) return false;
        budget--;
        const uint32_t unit = next - 1;
        next = ExpiryWheels::next(links, unit);
        Conn* conn = region_.connAt(shardIndex, unit);
        if (!conn->hasExpired(now)) {
          const Place place = judge.place(*conn);
          const bool staysHere = isCurrent && place.standing == standing && wheels.slotOf(place.due) == slot;
          if (!staysHere) wheels.move(links, unit, place);
          continue;
        }
        const uint32_t longer = judge.onDue(*conn);
        if (longer == 0) {
          removeUnit(shardIndex, unit, hash(keyOf(*conn)));
        } else {
          conn->expires.store(now + longer, std::memory_order_relaxed);
          wheels.move(links, unit, judge.place(*conn));
        }
      }
    }
    if (isCurrent) return true;
    wheels.advance();
  }
}

template <typename Visit>
uint64_t ConnTable::forEach(uint64_t cursor, size_t limit, Visit&& visit) const {
  const uint64_t units = region_.shardUnits();
  for (uint64_t index = cursor / units; index < shardCount(); index++, cursor = index * units) {
    const auto shard = static_cast<uint32_t>(index);
    const BucketIndex buckets = region_.index(shard);
    auto unit = static_cast<uint32_t>(cursor % units);
    while ((unit = buckets.firstTaken(unit)) != BucketIndex::kNone) {
      if (limit == 0) return index * units + unit;
      const Conn* conn = region_.connAt(shard, unit++);
      if (!conn->isLive()) continue;
      visit(*conn);
      limit--;
    }
  }
  return UINT64_MAX;
}

template <typename OnEach>
uint32_t ConnTable::removeIf(uint32_t shard, uint32_t unit, OnEach&& onEach) {
  SpinGuard guard(region_.shard(shard).lock);
  if (unit >= region_.shardUnits()) return 0;
  const BucketIndex buckets = region_.index(shard);
  for (uint32_t looks = kUnitsPerLock; (unit = buckets.firstTaken(unit)) != BucketIndex::kNone; unit++) {
    if (looks-- == 0) return unit;
    Conn* conn = region_.connAt(shard, unit);
    if (onEach(*conn)) removeUnit(shard, unit, hash(keyOf(*conn)));
  }
  return 0;
}

template <typename OnEach>
void ConnTable::sample(uint32_t shardIndex, uint64_t numerator, uint64_t denominator, SplitMix64& random,
                       OnEach&& onEach) {
  const BucketIndex buckets = region_.index(shardIndex);
  // A fraction of a visit becomes a whole one with that probability.
  uint64_t visits = (buckets.slots() * numerator + random.below(denominator)) / denominator;
  while (visits > 0) {
    SpinGuard guard(region_.shard(shardIndex).lock);
    for (uint32_t i = 0; i < kUnitsPerLock && visits > 0; i++, visits--) {
      const auto unit = static_cast<uint32_t>(random.below(buckets.slots()));
      if (!buckets.isTaken(unit)) continue;
      Conn* conn = region_.connAt(shardIndex, unit);
      if (onEach(*conn)) removeUnit(shardIndex, unit, hash(keyOf(*conn)));
    }
  }
}

}  // namespace tunvs
