#include "director/fragment/fragment_shard.h"

#include <bit>
#include <cassert>
#include <functional>

namespace tunvs {
namespace {

// How many of the oldest datagrams are checked for the newcomer's source.
constexpr size_t kVictims = 8;

// How many due datagrams every call drops. This is more than a call can add.
constexpr size_t kExpirePerCall = 2;

bool areOfOneSource(const FlowKey& a, const FlowKey& b) { return a.family == b.family && a.client() == b.client(); }

}  // namespace

FragmentTable::Shard::Shard(uint32_t capacity, size_t arenaBytes, uint32_t lifeTicks)
    : arena(arenaBytes),
      capacity(capacity),
      lifeTicks(lifeTicks),
      entries_(capacity, std::bit_ceil(capacity)),
      hashes_(std::make_unique<uint64_t[]>(capacity)) {}

FragmentTable::Entry* FragmentTable::Shard::find(const FlowKey& key, uint64_t hash, Tick now) {
  Entry* entry = entries_.find(placeHash(hash),
                               [&](uint32_t index) { return hashes_[index] == hash && entries_[index].key == key; });
  if (entry == nullptr || !reached(now, entry->bornAt + lifeTicks)) return entry;
  counts.expired += freeWaiting(*entry);
  counts.datagramsExpired++;
  remove(*entry);
  return nullptr;
}

FragmentTable::Entry* FragmentTable::Shard::meet(const FragmentInfo& info, FragmentDrop alone, const FlowKey& key,
                                                 uint64_t hash, Tick now, FragmentAnswer& dropped) {
  counts.handedIn++;
  expire(now, kExpirePerCall);
  if (alone != FragmentDrop::none && isDroppedAlone(info, alone)) {
    dropped = drop(alone);
    return nullptr;
  }
  Entry* entry = find(key, hash, now);
  if (entry != nullptr && info.isFirst() && entry->isOverFor(info, now)) {
    remove(*entry);
    entry = nullptr;
  }
  if (entry == nullptr) entry = create(key, hash, now);
  entry->seenAt = now;
  if (entry->state != Entry::State::dead) return entry;
  dropped = drop(entry->reason);
  return nullptr;
}

FragmentTable::Entry* FragmentTable::Shard::create(const FlowKey& key, uint64_t hash, Tick now) {
  if (entries_.isFull()) evict(victimFor(key));
  const uint32_t index = entries_.take(placeHash(hash));
  Entry& entry = entries_[index];
  hashes_[index] = hash;
  entry.key = key;
  entry.decision = {};
  entry.bornAt = entry.seenAt = now;
  entry.firstWaiting = entry.lastWaiting = kNone;
  entry.waitingBytes = 0;
  entry.state = Entry::State::gathering;
  link(entry);
  entry.reason = FragmentDrop::none;
  entry.ranges.clear();
  counts.datagrams++;
  return &entry;
}

void FragmentTable::Shard::remove(Entry& entry) {
  assert(entry.state != Entry::State::unused && entry.firstWaiting == kNone);
  unlink(entry);
  entry.state = Entry::State::unused;
  const uint32_t index = entries_.indexOf(entry);
  entries_.giveBack(index, placeHash(hashes_[index]));
  counts.datagrams--;
}

void FragmentTable::Shard::conclude(Entry& entry, const FragmentDecision& decision) {
  unlink(entry);
  entry.state = Entry::State::decided;
  entry.decision = decision;
  link(entry);
}

// Each of the two kinds may have half of the places, whatever the other does: a flood of fragments without their first
// one takes no place of a datagram that goes on, nor the reverse. Within a kind, a source that has many places makes
// room for itself.
FragmentTable::Entry& FragmentTable::Shard::victimFor(const FlowKey& key) {
  const AgeList& list = open_.count > capacity / 2 || decided_.count == 0 ? open_ : decided_;
  uint32_t index = list.oldest;
  for (size_t i = 0; i < kVictims && index != kNone; i++, index = entries_[index].links.newer) {
    if (areOfOneSource(entries_[index].key, key)) return entries_[index];
  }
  return entries_[list.oldest];
}

uint64_t FragmentTable::Shard::freeWaiting(Entry& entry) {
  uint64_t freed = 0;
  for (uint32_t record = entry.firstWaiting; record != kNone; freed++) {
    const uint32_t next = arena.at(record).next;
    arena.free(record);
    record = next;
  }
  counts.waiting -= freed;
  entry.firstWaiting = entry.lastWaiting = kNone;
  entry.waitingBytes = 0;
  return freed;
}

void FragmentTable::Shard::evict(Entry& entry) {
  counts.evicted += freeWaiting(entry);
  counts.datagramsEvicted++;
  remove(entry);
}

FragmentAnswer FragmentTable::Shard::kill(Entry& entry, FragmentDrop reason) {
  counts.dropped[static_cast<size_t>(reason)] += freeWaiting(entry);
  // A host begins anew with the next piece. It keeps a datagram that would be too long, and finds out when it has all
  // of it.
  if (entry.state == Entry::State::gathering && reason != FragmentDrop::tooLong) {
    remove(entry);
    return drop(reason);
  }
  unlink(entry);
  entry.state = Entry::State::dead;
  entry.reason = reason;
  link(entry);
  return drop(reason);
}

bool FragmentTable::Shard::store(Entry& entry, const FragmentInfo& info, std::span<const uint8_t> packet) {
  if (packet.size() > kMaxPacketBytes || entry.waitingBytes + packet.size() > kMaxWaitingBytesPerDatagram) return false;
  const uint32_t self = entries_.indexOf(entry);
  uint32_t index;
  while ((index = arena.allocate(static_cast<uint32_t>(packet.size()), self)) == kNone) {
    const FragmentArena::Record& oldest = arena.tail();
    if (oldest.state == FragmentArena::State::lent) return false;
    const uint32_t owner = oldest.owner;
    evict(entries_[owner]);
    if (owner == self) return false;
  }
  FragmentArena::Record& record = arena.at(index);
  std::memcpy(record.packet(), packet.data(), packet.size());
  record.offsetBytes = info.offsetBytes;

  uint32_t* link = &entry.firstWaiting;
  if (entry.lastWaiting != kNone && arena.at(entry.lastWaiting).offsetBytes < info.offsetBytes) {
    link = &arena.at(entry.lastWaiting).next;
  }
  while (*link != kNone && arena.at(*link).offsetBytes < info.offsetBytes) link = &arena.at(*link).next;
  record.next = *link;
  *link = index;
  if (record.next == kNone) entry.lastWaiting = index;
  entry.waitingBytes += static_cast<uint32_t>(packet.size());
  counts.waiting++;
  return true;
}

size_t FragmentTable::Shard::expire(Tick now, size_t budget) {
  size_t expired = 0;
  for (const AgeList& list : {std::cref(open_), std::cref(decided_)}) {
    while (expired < budget && list.oldest != kNone && reached(now, entries_[list.oldest].bornAt + lifeTicks)) {
      Entry& entry = entries_[list.oldest];
      counts.expired += freeWaiting(entry);
      counts.datagramsExpired++;
      remove(entry);
      expired++;
    }
  }
  return expired;
}

}  // namespace tunvs
