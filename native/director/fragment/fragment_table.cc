#include "director/fragment/fragment_table.h"

#include <bit>
#include <cassert>

#include "director/fragment/fragment_shard.h"

namespace tunvs {
namespace {

// RFC 8200 section 4.5: the fragments of an IPv6 datagram may differ in Next Header, so the key leaves it out.
FlowKey keyOf(const FragmentInfo& info) {
  FlowKey key = FlowKey::make(info.source, {}, info.destination, {}, 0);
  const uint8_t protocol = info.family() == Family::ipv4 ? info.protocol : uint8_t{0};
  key.tail = FlowKey::makeTail(info.identification, protocol, FlowKind::connection);
  return key;
}

// What one fragment means for its datagram.
struct Judged {
  FragmentDrop wrong;   // `none`: it is accepted
  bool isNews = false;  // a copy that is accepted nevertheless: it is the first to say where the datagram ends
};

Judged judge(const FragmentInfo& info, FragmentDrop alone, const FragmentRanges* ranges) {
  if (alone != FragmentDrop::none || ranges == nullptr) return {alone};
  const FragmentDrop wrong = ranges->check(info);
  return {wrong, wrong == FragmentDrop::duplicate && ranges->isNews(info)};
}

}  // namespace

FragmentTable::FragmentTable(const Options& options, const HashSecret& secret) : secret_(secret) {
  assert(std::has_single_bit(options.shards) && options.datagrams >= options.shards);
  shards_.reserve(options.shards);
  for (uint32_t i = 0; i < options.shards; i++) {
    shards_.push_back(std::make_unique<Shard>(options.datagrams / options.shards, options.arenaBytes / options.shards,
                                              options.lifeTicks));
  }
  shardUnits_ = static_cast<uint32_t>(shards_[0]->arena.capacityBytes() / FragmentArena::kUnitBytes);
}

FragmentTable::~FragmentTable() = default;

FragmentAnswer FragmentTable::begin(const FragmentInfo& info, Tick now) {
  assert(info.isFirst() && !info.isAtomic() && info.source.family == info.destination.family);
  const FlowKey key = keyOf(info);
  const uint64_t hash = flowHash(key, secret_);
  Shard& shard = shardOf(hash);
  SpinGuard guard(shard.lock);
  const FragmentDrop alone = checkFragment(info);
  FragmentAnswer dropped;
  Entry* entry = shard.meet(info, alone, key, hash, now, dropped);
  if (entry == nullptr) return dropped;

  const FragmentDrop wrong = judge(info, alone, &entry->ranges).wrong;
  if (wrong == FragmentDrop::duplicate) {
    shard.counts.duplicates++;
    return shard.drop(wrong);
  }
  if (wrong != FragmentDrop::none) return shard.kill(*entry, wrong);
  entry->ranges.add(info);
  entry->state = Entry::State::deciding;
  return {FragmentVerdict::forward, FragmentDrop::none, {}};
}

FragmentAnswer FragmentTable::conclude(const FragmentInfo& info, const FragmentDecision& decision, Tick now,
                                       uint32_t& first, uint32_t& last) {
  const FlowKey key = keyOf(info);
  const uint64_t hash = flowHash(key, secret_);
  Shard& shard = shardOf(hash);
  SpinGuard guard(shard.lock);
  // Without the lock it may have been evicted or killed, or evicted and opened again and decided by another worker.
  Entry* entry = shard.find(key, hash, now);
  if (entry != nullptr && entry->state == Entry::State::dead) return shard.drop(entry->reason);
  // Fragments that came since then wait, and those still to come go by the decision as well.
  if (entry == nullptr) entry = shard.create(key, hash, now);
  if (entry->state == Entry::State::gathering) {
    if (const FragmentDrop wrong = entry->ranges.check(info); wrong != FragmentDrop::none)
      return shard.kill(*entry, wrong);
    entry->ranges.add(info);
    entry->state = Entry::State::deciding;
  }
  const FragmentDecision decided = entry->state == Entry::State::decided ? entry->decision : decision;
  const auto refused = static_cast<size_t>(FragmentDrop::refused);
  if (entry->state == Entry::State::deciding) {
    if (decided.refusal != 0) {
      shard.counts.dropped[refused] += shard.freeWaiting(*entry);
    } else {
      lend(shard, static_cast<uint32_t>(hash & (shards_.size() - 1)), *entry, first, last);
    }
    shard.conclude(*entry, decided);
    if (entry->ranges.isComplete()) shard.remove(*entry);
  }
  if (decided.refusal != 0) {
    shard.counts.dropped[refused]++;
    return {FragmentVerdict::drop, FragmentDrop::refused, decided};
  }
  shard.counts.decided++;
  return {FragmentVerdict::forward, FragmentDrop::none, decided};
}

FragmentAnswer FragmentTable::foresee(const FragmentInfo& info, Tick now) const {
  const FragmentDrop alone = checkFragment(info);
  if (alone != FragmentDrop::none && isDroppedAlone(info, alone)) return {FragmentVerdict::drop, alone, {}};
  const FlowKey key = keyOf(info);
  const uint64_t hash = flowHash(key, secret_);
  Shard& shard = shardOf(hash);
  SpinGuard guard(shard.lock);
  const Entry* entry = shard.find(key, hash, now);
  if (entry != nullptr && info.isFirst() && entry->isOverFor(info, now)) entry = nullptr;
  if (entry != nullptr && entry->state == Entry::State::dead) return {FragmentVerdict::drop, entry->reason, {}};
  const auto [wrong, isNews] = judge(info, alone, entry != nullptr ? &entry->ranges : nullptr);
  if (wrong != FragmentDrop::none && !isNews) return {FragmentVerdict::drop, wrong, {}};
  const bool isDecided = entry != nullptr && entry->state == Entry::State::decided;
  if (!isDecided) return {FragmentVerdict::wait, FragmentDrop::none, {}};
  const bool isRefused = entry->decision.refusal != 0;
  return {isRefused ? FragmentVerdict::drop : FragmentVerdict::forward,
          isRefused ? FragmentDrop::refused : FragmentDrop::none, entry->decision};
}

// Lends all that waits for `entry`, as a list of records in the numbering of all shards.
void FragmentTable::lend(Shard& shard, uint32_t number, Entry& entry, uint32_t& first, uint32_t& last) {
  const uint32_t base = number * shardUnits_;
  uint32_t next = entry.firstWaiting;
  if (next != FragmentArena::kNone) first = base + next, last = base + entry.lastWaiting;
  while (next != FragmentArena::kNone) {
    FragmentArena::Record& record = shard.arena.at(next);
    next = record.next;
    if (next != FragmentArena::kNone) record.next = base + next;
    record.state = FragmentArena::State::lent;
    shard.counts.waiting--;
    shard.counts.released++;
  }
  entry.firstWaiting = entry.lastWaiting = FragmentArena::kNone;
  entry.waitingBytes = 0;
}

FragmentAnswer FragmentTable::follow(const FragmentInfo& info, std::span<const uint8_t> packet, Tick now) {
  assert(!info.isFirst() && info.source.family == info.destination.family);
  const FlowKey key = keyOf(info);
  const uint64_t hash = flowHash(key, secret_);
  Shard& shard = shardOf(hash);
  SpinGuard guard(shard.lock);
  const FragmentDrop alone = checkFragment(info);
  FragmentAnswer dropped;
  Entry* entry = shard.meet(info, alone, key, hash, now, dropped);
  if (entry == nullptr) return dropped;

  const auto [wrong, isNews] = judge(info, alone, &entry->ranges);
  if (wrong == FragmentDrop::duplicate) shard.counts.duplicates++;
  if (wrong == FragmentDrop::duplicate && !isNews) return shard.drop(wrong);
  if (wrong != FragmentDrop::none && !isNews) return shard.kill(*entry, wrong);

  if (entry->state != Entry::State::decided) {
    if (!shard.store(*entry, info, packet)) return shard.drop(FragmentDrop::noRoom);
    isNews ? entry->ranges.noteEnd(info) : entry->ranges.add(info);
    return {FragmentVerdict::wait, FragmentDrop::none, {}};
  }

  const FragmentDecision decided = entry->decision;
  isNews ? entry->ranges.noteEnd(info) : entry->ranges.add(info);
  // A host checks whether the datagram is complete when it accepts a fragment. A copy is not accepted.
  if (!isNews && entry->ranges.isComplete()) shard.remove(*entry);
  if (decided.refusal != 0) {
    shard.counts.dropped[static_cast<size_t>(FragmentDrop::refused)]++;
    return {FragmentVerdict::drop, FragmentDrop::refused, decided};
  }
  shard.counts.followed++;
  return {FragmentVerdict::forward, FragmentDrop::none, decided};
}

size_t FragmentTable::expire(Tick now, size_t budget) {
  size_t expired = 0;
  for (const auto& shard : shards_) {
    SpinGuard guard(shard->lock);
    expired += shard->expire(now, budget);
  }
  return expired;
}

FragmentCounts FragmentTable::counts() const {
  FragmentCounts sums;
  for (const auto& shard : shards_) {
    SpinGuard guard(shard->lock);
    const FragmentCounts& counts = shard->counts;
    sums.decided += counts.decided;
    sums.followed += counts.followed;
    sums.released += counts.released;
    sums.expired += counts.expired;
    sums.evicted += counts.evicted;
    sums.waiting += counts.waiting;
    for (size_t i = 0; i < kFragmentDrops; i++) sums.dropped[i] += counts.dropped[i];
    sums.handedIn += counts.handedIn;
    sums.duplicates += counts.duplicates;
    sums.datagramsExpired += counts.datagramsExpired;
    sums.datagramsEvicted += counts.datagramsEvicted;
    sums.datagrams += counts.datagrams;
    sums.arenaBytes += shard->arena.usedBytes();
  }
  return sums;
}

size_t FragmentTable::capacity() const { return size_t{shards_[0]->capacity} * shards_.size(); }

FragmentArena::Record& FragmentTable::recordAt(uint32_t reference) {
  return shards_[reference / shardUnits_]->arena.at(reference % shardUnits_);
}

void FragmentTable::giveBack(uint32_t first) {
  for (uint32_t next = first; next != FragmentArena::kNone;) {
    const uint32_t reference = next;
    next = recordAt(reference).next;
    Shard& shard = *shards_[reference / shardUnits_];
    SpinGuard guard(shard.lock);
    shard.arena.free(reference % shardUnits_);
  }
}

}  // namespace tunvs
