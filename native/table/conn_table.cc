#include "table/conn_table.h"

#include <algorithm>
#include <utility>

namespace tunvs {

using namespace conn_table_detail;

namespace {

constexpr size_t align(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

constexpr uint32_t kConnsPerShard = 32768;
constexpr uint32_t kMaxShards = 1024;
constexpr uint32_t kUnitsPerBucket = 8;  // at full capacity two thirds of the slots are taken
// As many as 16 vectors evict that find no room, of connections and templates alike.
constexpr uint32_t kSpareUnits = 2048;
constexpr uint32_t kUnitsPerBatch = 32;  // removed ones: an eighth of those that the smallest shard has room for

}  // namespace

ConnTable::Header ConnTable::layout(Family family, uint32_t capacity) {
  Header h{};
  h.magic = kMagic;
  h.layoutVersion = kLayoutVersion;
  h.family = family;
  h.capacity = capacity;
  h.shards = std::clamp<uint32_t>(capacity / kConnsPerShard, 1, kMaxShards);
  const uint32_t fair = (capacity + h.shards - 1) / h.shards;
  // A hash does not fill shards evenly: five standard deviations (sqrt(n) each) keep the promised capacity.
  uint32_t deviation = 1;
  while (uint64_t{deviation} * deviation < fair) deviation++;
  h.shardCapacity = h.shards == 1 ? fair : fair + 5 * deviation;
  // Room for removed connections that wait for the readers to pass on: the fewer the shards, the more come to each.
  h.shardUnits = h.shardCapacity + std::max({256u, h.shardCapacity / 256, kSpareUnits / h.shards});
  h.shardBuckets = (h.shardUnits + kUnitsPerBucket - 1) / kUnitsPerBucket;
  h.bucketsOffset = align(sizeof(Shard), 64);
  h.connsOffset = h.bucketsOffset + uint64_t{h.shardBuckets} * sizeof(Bucket);
  const size_t stride = family == Family::ipv4 ? sizeof(Conn) : sizeof(Conn6);
  h.linksOffset = align(h.connsOffset + h.shardUnits * stride, 64);
  h.shardBytes = align(h.linksOffset + uint64_t{h.shardUnits} * sizeof(ConnLink), 4096);
  h.firstShard = align(sizeof(Header), 4096);
  return h;
}

size_t ConnTable::regionBytes(Family family, uint32_t capacity) {
  const Header h = layout(family, capacity);
  return h.firstShard + h.shards * h.shardBytes;
}

ConnTable ConnTable::create(std::span<std::byte> region, Family family, uint32_t capacity, const HashSecret& secret,
                            Tick now, Epochs& epochs) {
  assert(region.size() >= regionBytes(family, capacity));
  assert(reinterpret_cast<uintptr_t>(region.data()) % 64 == 0);
  ConnTable table(region.data(), epochs);
  *table.header_ = layout(family, capacity);
  table.header_->secret = secret;
  for (uint32_t i = 0; i < table.shardCount(); i++) table.shardAt(i).wheels.begin(now);
  return table;
}

Result<ConnTable> ConnTable::attach(std::span<std::byte> region, Epochs& epochs) {
  const auto refuse = [](const char* why) {
    return Error::make(ErrorCode::invalidArgument, std::string("this is not a connection table to take over: ") + why);
  };
  if (region.size() < sizeof(Header)) return refuse("it is shorter than a header");
  ConnTable table(region.data(), epochs);
  const Header& found = *table.header_;
  if (found.magic != kMagic) return refuse("it does not begin with the table's mark");
  if (found.layoutVersion != kLayoutVersion) return refuse("another version of tunvs made it");
  if (found.capacity < kMinCapacity || found.capacity > kMaxCapacity) return refuse("its capacity is out of range");
  if (found.family != Family::ipv4 && found.family != Family::ipv6) return refuse("its address family is unknown");
  const Header expected = layout(found.family, found.capacity);
  if (std::memcmp(&found, &expected, offsetof(Header, secret)) != 0) return refuse("its header is damaged");
  if (region.size() < regionBytes(found.family, found.capacity)) return refuse("it is cut short");
  for (uint32_t i = 0; i < table.shardCount(); i++) table.rebuild(i);
  return table;
}

// Buckets, links and what a shard keeps for itself, from its entries alone. The readers that removed ones waited for
// are gone. Where an entry stands is found out by the next round of expiry, which comes to all of them.
void ConnTable::rebuild(uint32_t index) {
  Shard& shard = shardAt(index);
  const uint32_t used = std::min(shard.untouched, header_->shardUnits);
  const Tick handled = shard.wheels.handled();
  new (&shard) Shard();
  shard.untouched = used;
  shard.wheels.begin(handled);
  std::memset(static_cast<void*>(buckets(index)), 0, header_->shardBuckets * sizeof(Bucket));
  ConnLink* all = links(index);
  for (uint32_t unit = used; unit-- > 0;) {
    Conn* conn = connAt(index, unit);
    const uint64_t hash = this->hash(keyOf(*conn));
    const uint32_t live = shard.live.load(std::memory_order_relaxed);
    if (conn->isLive() && shardOf(hash) == index && live < header_->shardCapacity) {
      const Standing stood = ExpiryWheels::standingOf(all, unit);
      shard.wheels.link(all, unit, {stood < Standing::kCount ? stood : Standing::stale, shard.wheels.handled()});
      publish(index, hash, unit);
      shard.live.store(live + 1, std::memory_order_relaxed);
    } else {
      conn->flags.store(0, std::memory_order_relaxed);
      all[unit] = {shard.freeHead, 0};
      shard.freeHead = unit + 1;
    }
  }
}

uint64_t ConnTable::liveCount() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < shardCount(); i++) sum += shardAt(i).live.load(std::memory_order_relaxed);
  return sum;
}

FlowKey ConnTable::keyOf(const Conn& conn) const {
  FlowKey key;
  key.family = header_->family;
  if (key.isV4()) {
    key.words[0] = conn.addresses;
  } else {
    std::memcpy(key.words, static_cast<const Conn6&>(conn).words, sizeof key.words);
  }
  key.tail = FlowKey::makeTail(conn.ports, conn.protocol, conn.kind);
  return key;
}

void ConnTable::publish(uint32_t shard, uint64_t hash, uint32_t unit) {
  Bucket* all = buckets(shard);
  for (uint32_t index = homeBucket(hash);; index = index + 1 == header_->shardBuckets ? 0 : index + 1) {
    Bucket& bucket = all[index];
    const uint64_t low = bucket.tagsLow.load(std::memory_order_relaxed);
    const uint64_t high = bucket.tagsHigh.load(std::memory_order_relaxed);
    for (size_t slot = 0; slot < kSlotsPerBucket; slot++) {
      const size_t shift = slot % 8 * 8;
      if (((slot < 8 ? low : high) >> shift & 0xff) != 0) continue;
      bucket.references[slot].store(unit, std::memory_order_release);
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

void ConnTable::unpublish(uint32_t shard, uint64_t hash, uint32_t unit) {
  Bucket* all = buckets(shard);
  for (uint32_t index = homeBucket(hash);; index = index + 1 == header_->shardBuckets ? 0 : index + 1) {
    Bucket& bucket = all[index];
    const uint64_t low = bucket.tagsLow.load(std::memory_order_relaxed);
    const uint64_t high = bucket.tagsHigh.load(std::memory_order_relaxed);
    for (size_t slot = 0; slot < kSlotsPerBucket; slot++) {
      const uint64_t mask = uint64_t{0xff} << slot % 8 * 8;
      const uint64_t word = slot < 8 ? low : high;
      if ((word & mask) == 0 || bucket.references[slot].load(std::memory_order_relaxed) != unit) continue;
      (slot < 8 ? bucket.tagsLow : bucket.tagsHigh).store(word & ~mask, std::memory_order_release);
      return;
    }
    assert(displaced(high) > 0);
    bucket.tagsHigh.store(high - (uint64_t{1} << kDisplacedShift), std::memory_order_release);
  }
}

// What was removed is free when every reader has passed on since the last of its batch.
void ConnTable::reclaim(uint32_t shardIndex) {
  Shard& shard = shardAt(shardIndex);
  for (;;) {
    if (shard.waiting.first == 0) {
      shard.waiting = std::exchange(shard.behind, {});
      if (shard.waiting.first == 0) return;
    }
    if (!epochs_->isSafe(shard.waiting.epoch)) return;
    links(shardIndex)[shard.waiting.last - 1].next = shard.freeHead;
    shard.freeHead = shard.waiting.first;
    shard.waiting = {};
  }
}

uint32_t ConnTable::allocateUnit(uint32_t shardIndex) {
  Shard& shard = shardAt(shardIndex);
  if (shard.freeHead == 0) {
    if (shard.untouched < header_->shardUnits) return ++shard.untouched;
    reclaim(shardIndex);
    if (shard.freeHead == 0) return 0;
  }
  const uint32_t unit = shard.freeHead;
  shard.freeHead = links(shardIndex)[unit - 1].next;
  return unit;
}

void ConnTable::removeUnit(uint32_t shardIndex, uint32_t unit, uint64_t hash) {
  Shard& shard = shardAt(shardIndex);
  ConnLink* all = links(shardIndex);
  Conn* conn = connAt(shardIndex, unit);
  assert(conn->isLive());
  unpublish(shardIndex, hash, unit);
  shard.wheels.unlink(all, unit);
  conn->flags.fetch_and(static_cast<uint8_t>(~kConnLive), std::memory_order_release);
  all[unit] = {0, 0};
  Shard::Batch& batch = shard.behind;
  const uint64_t epoch = epochs_->stamp();
  if (batch.first != 0 && batch.epoch != epoch && shard.waiting.first == 0) shard.waiting = std::exchange(batch, {});
  // Whatever gathers waits as long as its last, so that a batch that is long over must not be left to hold it up.
  if (batch.count >= kUnitsPerBatch && batch.count % kUnitsPerBatch == 0) reclaim(shardIndex);
  if (batch.first != 0) {
    all[batch.last - 1].next = unit + 1;
  } else {
    batch.first = unit + 1;
  }
  batch.last = unit + 1;
  batch.epoch = epoch;
  batch.count++;
  shard.live.store(shard.live.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

void ConnTable::removeLocked(Conn* conn, uint64_t hash) {
  const uint32_t shard = shardOf(hash);
  removeUnit(shard, unitOf(shard, conn), hash);
}

void ConnTable::moveLocked(const Conn* conn, uint64_t hash, Place place) {
  const uint32_t shard = shardOf(hash);
  shardAt(shard).wheels.move(links(shard), unitOf(shard, conn), place);
}

}  // namespace tunvs
