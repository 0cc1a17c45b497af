#include "core/conn_table.h"

#include <algorithm>

namespace tunvs {

using namespace conn_table_detail;

namespace {

constexpr size_t align(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

constexpr uint32_t kConnsPerShard = 32768;
constexpr uint32_t kMaxShards = 1024;
constexpr uint32_t kUnitsPerBucket = 8;  // at full capacity two thirds of the slots are taken

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
  // Room for removed connections that wait for the readers to pass on.
  h.shardUnits = h.shardCapacity + std::max(256u, h.shardCapacity / 256);
  h.shardBuckets = (h.shardUnits + kUnitsPerBucket - 1) / kUnitsPerBucket;
  h.bucketsOffset = align(sizeof(Shard), 64);
  h.connsOffset = h.bucketsOffset + uint64_t{h.shardBuckets} * sizeof(Bucket);
  const size_t stride = family == Family::ipv4 ? sizeof(Conn) : sizeof(Conn6);
  h.linksOffset = align(h.connsOffset + h.shardUnits * stride, 64);
  h.shardBytes = align(h.linksOffset + uint64_t{h.shardUnits} * sizeof(Link), 4096);
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
  for (uint32_t i = 0; i < table.shardCount(); i++) table.shardAt(i).handled = now / kTicksPerSlot * kTicksPerSlot;
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
  for (uint32_t i = 0; i < table.shardCount(); i++) {
    new (&table.lockOf(i)) SpinLock();
    // The readers that removed connections waited for are gone, and their epochs are not these.
    Shard& shard = table.shardAt(i);
    if (shard.waitingHead == 0) continue;
    table.links(i)[shard.waitingTail - 1].next = shard.freeHead;
    shard.freeHead = shard.waitingHead;
    shard.waitingHead = shard.waitingTail = 0;
  }
  return table;
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

uint32_t ConnTable::allocateUnit(uint32_t shardIndex) {
  Shard& shard = shardAt(shardIndex);
  Link* all = links(shardIndex);
  if (shard.freeHead == 0 && shard.waitingHead != 0) {
    const auto oldest = static_cast<uint32_t>(epochs_->oldest());
    while (shard.waitingHead != 0) {
      Link& link = all[shard.waitingHead - 1];
      if (static_cast<int32_t>(oldest - link.previous) <= 0) break;
      const uint32_t next = link.next;
      link.next = shard.freeHead;
      shard.freeHead = shard.waitingHead;
      shard.waitingHead = next;
    }
    if (shard.waitingHead == 0) shard.waitingTail = 0;
  }
  if (shard.freeHead != 0) {
    const uint32_t unit = shard.freeHead;
    shard.freeHead = all[unit - 1].next;
    return unit;
  }
  if (shard.untouched < header_->shardUnits) return ++shard.untouched;
  return 0;
}

uint32_t ConnTable::wheelSlot(const Shard& shard, Tick deadline) {
  const auto ahead = static_cast<int32_t>(deadline - shard.handled);
  uint32_t slots = ahead < 0 ? 0 : static_cast<uint32_t>(ahead) / kTicksPerSlot;
  slots = std::min(slots, kWheelSlots - 1);
  return (shard.handled / kTicksPerSlot + slots) % kWheelSlots;
}

void ConnTable::linkWheel(uint32_t shardIndex, uint32_t unit, Tick deadline) {
  Shard& shard = shardAt(shardIndex);
  Link* all = links(shardIndex);
  const uint32_t slot = wheelSlot(shard, deadline);
  const uint32_t next = shard.heads[slot];
  all[unit] = {next, kHeadMark | slot};
  if (next != 0) all[next - 1].previous = unit + 1;
  shard.heads[slot] = unit + 1;
  shard.occupied[slot / 64] |= uint64_t{1} << slot % 64;
}

void ConnTable::unlinkWheel(uint32_t shardIndex, uint32_t unit) {
  Shard& shard = shardAt(shardIndex);
  Link* all = links(shardIndex);
  const Link link = all[unit];
  if (link.next != 0) all[link.next - 1].previous = link.previous;
  if ((link.previous & kHeadMark) == 0) {
    all[link.previous - 1].next = link.next;
    return;
  }
  const uint32_t slot = link.previous & ~kHeadMark;
  shard.heads[slot] = link.next;
  if (link.next == 0) shard.occupied[slot / 64] &= ~(uint64_t{1} << slot % 64);
}

uint32_t ConnTable::firstWheelSlot(uint32_t shardIndex, uint32_t ahead) const {
  const uint32_t now = shardAt(shardIndex).handled / kTicksPerSlot % kWheelSlots;
  const uint32_t start = (now + ahead) % kWheelSlots;
  constexpr uint32_t kWords = kWheelSlots / 64;
  for (uint32_t i = 0; i <= kWords; i++) {
    const uint32_t word = (start / 64 + i) % kWords;
    uint64_t bits = shardAt(shardIndex).occupied[word];
    if (i == 0) bits &= ~uint64_t{0} << start % 64;
    if (i == kWords) bits &= ~(~uint64_t{0} << start % 64);
    if (bits == 0) continue;
    const uint32_t slot = word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
    return (slot - now) % kWheelSlots >= ahead ? slot : kWheelSlots;
  }
  return kWheelSlots;
}

void ConnTable::removeUnit(uint32_t shardIndex, uint32_t unit, uint64_t hash) {
  Shard& shard = shardAt(shardIndex);
  Link* all = links(shardIndex);
  Conn* conn = connAt(shardIndex, unit);
  assert(conn->isLive());
  unpublish(shardIndex, hash, unit);
  unlinkWheel(shardIndex, unit);
  conn->flags.fetch_and(static_cast<uint8_t>(~kConnLive), std::memory_order_release);
  all[unit] = {0, static_cast<uint32_t>(epochs_->stamp())};
  if (shard.waitingTail != 0) {
    all[shard.waitingTail - 1].next = unit + 1;
  } else {
    shard.waitingHead = unit + 1;
  }
  shard.waitingTail = unit + 1;
  shard.live.store(shard.live.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

void ConnTable::removeLocked(Conn* conn, uint64_t hash) {
  const uint32_t shard = shardOf(hash);
  removeUnit(shard, unitOf(shard, conn), hash);
}

void ConnTable::setDeadlineLocked(Conn* conn, uint64_t hash, Tick expires) {
  const uint32_t shard = shardOf(hash);
  const uint32_t unit = unitOf(shard, conn);
  conn->expires.store(expires, std::memory_order_relaxed);
  unlinkWheel(shard, unit);
  linkWheel(shard, unit, expires);
}

}  // namespace tunvs
