#include "table/conn_region.h"

#include <algorithm>
#include <cassert>

namespace tunvs {
namespace {

constexpr size_t align(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

constexpr uint32_t kConnsPerShard = 32768;
constexpr uint32_t kMaxShards = 1024;
// A shard's room takes so many of the 15 slots of a bucket on average, in tenths. The others are spare, so that a
// connection finds one in its own bucket or close by. In a table that is 85 % full, 64 bytes for each connection, or
// 100 for IPv6, leave room for no more.
constexpr uint32_t roomPerTenBuckets(Family family) { return family == Family::ipv4 ? 123 : 137; }
// So many connections and templates are evicted by 16 vectors that find no room.
constexpr uint32_t kSpareUnits = 2048;

}  // namespace

ConnRegion::Header ConnRegion::layout(Family family, uint32_t capacity) {
  Header h{};
  h.magic = kMagic;
  h.layoutVersion = kLayoutVersion;
  h.family = family;
  h.capacity = capacity;
  h.shards = std::clamp<uint32_t>(capacity / kConnsPerShard, 1, kMaxShards);
  const uint32_t fair = (capacity + h.shards - 1) / h.shards;
  // A hash does not fill shards evenly, so five standard deviations (sqrt(n) each) keep the promised capacity.
  uint32_t deviation = 1;
  while (uint64_t{deviation} * deviation < fair) deviation++;
  h.shardCapacity = h.shards == 1 ? fair : fair + 5 * deviation;
  // There is room for removed connections that wait for the readers to pass on: the fewer the shards, the more of these
  // each gets.
  h.shardRoom = h.shardCapacity + std::max({256u, h.shardCapacity / 256, kSpareUnits / h.shards});
  const uint32_t perTen = roomPerTenBuckets(family);
  h.shardBuckets = (h.shardRoom * 10 + perTen - 1) / perTen;
  const uint64_t units = uint64_t{h.shardBuckets} * BucketIndex::kSlotsPerBucket;
  h.bucketsOffset = align(sizeof(ConnShard), 64);
  h.connsOffset = align(h.bucketsOffset + uint64_t{h.shardBuckets} * sizeof(BucketIndex::Bucket), 64);
  h.linksOffset = align(h.connsOffset + units * strideOf(family), 64);
  h.shardBytes = align(h.linksOffset + units * sizeof(ConnLink), 4096);
  h.firstShard = align(sizeof(Header), 4096);
  return h;
}

size_t ConnRegion::bytesFor(Family family, uint32_t capacity) {
  const Header h = layout(family, capacity);
  return h.firstShard + h.shards * h.shardBytes;
}

ConnRegion ConnRegion::create(std::span<std::byte> memory, Family family, uint32_t capacity, const HashSecret& secret) {
  assert(memory.size() >= bytesFor(family, capacity));
  assert(reinterpret_cast<uintptr_t>(memory.data()) % 64 == 0);
  auto* header = reinterpret_cast<Header*>(memory.data());
  *header = layout(family, capacity);
  header->secret = secret;
  return ConnRegion(memory.data());
}

Result<ConnRegion> ConnRegion::attach(std::span<std::byte> memory) {
  const auto refuse = [](const char* why) {
    return Error::make(ErrorCode::invalidArgument, std::string("this is not a connection table to take over: ") + why);
  };
  if (memory.size() < sizeof(Header)) return refuse("it is shorter than a header");
  const Header& found = *reinterpret_cast<const Header*>(memory.data());
  if (found.magic != kMagic) return refuse("it does not begin with the table's mark");
  if (found.layoutVersion != kLayoutVersion) return refuse("another version of tunvs made it");
  if (found.capacity < kMinCapacity || found.capacity > kMaxCapacity) return refuse("its capacity is out of range");
  if (found.family != Family::ipv4 && found.family != Family::ipv6) return refuse("its address family is unknown");
  const Header expected = layout(found.family, found.capacity);
  if (std::memcmp(&found, &expected, offsetof(Header, secret)) != 0) return refuse("its header is damaged");
  if (memory.size() < bytesFor(found.family, found.capacity)) return refuse("it is cut short");
  return ConnRegion(memory.data());
}

Conn* ConnRegion::findNamed(uint32_t reference) const {
  const uint64_t at = uint64_t{reference} * sizeof(Conn);
  if (at < header_->firstShard || at >= bytes()) return nullptr;
  const auto shard = static_cast<uint32_t>((at - header_->firstShard) / header_->shardBytes);
  const uint64_t within = (at - header_->firstShard) % header_->shardBytes;
  if (within < header_->connsOffset || (within - header_->connsOffset) % stride() != 0) return nullptr;
  const uint64_t unit = (within - header_->connsOffset) / stride();
  return unit < shardUnits() ? connAt(shard, static_cast<uint32_t>(unit)) : nullptr;
}

}  // namespace tunvs
