#include "table/conn_table.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace tunvs {

ConnTable ConnTable::create(std::span<std::byte> region, Family family, uint32_t capacity, const HashSecret& secret,
                            Tick now, Epochs& epochs) {
  const ConnTable table(ConnRegion::create(region, family, capacity, secret), epochs);
  for (uint32_t i = 0; i < table.shardCount(); i++) table.region_.shard(i).wheels.begin(now);
  return table;
}

Result<ConnTable> ConnTable::attach(std::span<std::byte> region, Tick now, Epochs& epochs) {
  auto found = ConnRegion::attach(region);
  if (!found) return found.error();
  ConnTable table(found.value(), epochs);
  for (uint32_t i = 0; i < table.shardCount(); i++) table.rebuild(i, now);
  return table;
}

// Makes buckets, links and the shard's own state from its entries alone, each of which stays where it is. The readers
// for which removed entries waited are gone. The next round of expiry comes to all entries, and finds out how they
// stand.
void ConnTable::rebuild(uint32_t index, Tick now) {
  ConnShard& shard = region_.shard(index);
  new (&shard) ConnShard();
  shard.wheels.begin(now);
  const BucketIndex buckets = region_.index(index);
  buckets.clear();
  ConnLink* links = region_.links(index);
  for (uint32_t unit = 0; unit < region_.shardUnits(); unit++) {
    Conn* conn = region_.connAt(index, unit);
    const uint64_t hash = this->hash(keyOf(*conn));
    const uint32_t live = shard.live.load(std::memory_order_relaxed);
    const bool isHere = region_.shardOf(hash) == index && buckets.isInReach(hash, unit);
    if (conn->isLive() && isHere && live < region_.shardCapacity()) {
      const Standing stood = ExpiryWheels::standingOf(links, unit);
      shard.wheels.link(links, unit, {stood < Standing::kCount ? stood : Standing::stale, shard.wheels.handled()});
      buckets.insert(hash, unit);
      shard.live.store(live + 1, std::memory_order_relaxed);
    } else {
      conn->flags.store(0, std::memory_order_relaxed);
    }
  }
}

uint64_t ConnTable::liveCount() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < shardCount(); i++) sum += region_.shard(i).live.load(std::memory_order_relaxed);
  return sum;
}

uint32_t ConnTable::emptyUnit(uint32_t index, uint64_t hash) const {
  const ConnShard& shard = region_.shard(index);
  const auto find = [&] {
    const uint32_t held = shard.live.load(std::memory_order_relaxed) + shard.retired.count() + shard.handedOver.count();
    return held < region_.shardRoom() ? region_.index(index).emptySlot(hash) : BucketIndex::kNone;
  };
  const uint32_t unit = find();
  if (unit != BucketIndex::kNone) return unit;
  giveBack(index, kGivenBack);
  return find();
}

void ConnTable::giveBack(uint32_t index, uint32_t limit) const {
  const BucketIndex buckets = region_.index(index);
  ConnShard& shard = region_.shard(index);
  ConnLink* links = region_.links(index);
  const auto give = [&](uint32_t unit) { buckets.release(unit); };
  shard.retired.reclaim(links, *epochs_, /*inKernel=*/false, limit, give);
  if (shard.handedOver.count() != 0) shard.handedOver.reclaim(links, *epochs_, /*inKernel=*/true, limit, give);
}

void ConnTable::removeUnit(uint32_t index, uint32_t unit, uint64_t hash) {
  ConnShard& shard = region_.shard(index);
  ConnLink* links = region_.links(index);
  Conn* conn = region_.connAt(index, unit);
  assert(conn->isLive());
  region_.index(index).remove(hash, unit);
  shard.wheels.unlink(links, unit);
  const uint8_t flags = conn->flags.fetch_and(static_cast<uint8_t>(~kConnLive), std::memory_order_acq_rel);
  RetiredUnits& waiting = (flags & kConnHandedOver) != 0 ? shard.handedOver : shard.retired;
  if (waiting.retire(links, unit, *epochs_)) giveBack(index, kGivenBack);
  shard.live.store(shard.live.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

void ConnTable::removeLocked(Conn* conn, uint64_t hash) {
  const uint32_t shard = region_.shardOf(hash);
  removeUnit(shard, region_.unitOf(shard, conn), hash);
}

void ConnTable::moveLocked(const Conn* conn, uint64_t hash, Place place) {
  const uint32_t shard = region_.shardOf(hash);
  region_.shard(shard).wheels.move(region_.links(shard), region_.unitOf(shard, conn), place);
}

}  // namespace tunvs
