#include "table/bucket_index.h"

#include <map>
#include <memory>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::bucket_index_test {
namespace {

using testing::Random;
constexpr uint32_t kSlots = BucketIndex::kSlotsPerBucket, kNone = BucketIndex::kNone;

// A TestIndex is an index over entries that remember their hashes, as keys do.
struct TestIndex {
  explicit TestIndex(uint32_t count)
      : buckets(std::make_unique<BucketIndex::Bucket[]>(count)), index(buckets.get(), count), hashes(index.slots()) {}

  // Returns the slot.
  uint32_t insert(uint64_t hash) {
    const uint32_t slot = index.emptySlot(hash);
    if (slot == kNone) return kNone;
    hashes[slot] = hash;
    index.insert(hash, slot);
    return slot;
  }
  void remove(uint32_t slot) {
    index.remove(hashes[slot], slot);
    index.release(slot);
  }
  bool finds(uint64_t hash, uint32_t slot) const {
    return index.find(hash, [&](uint32_t found) { return found == slot ? &hashes[found] : nullptr; }) != nullptr;
  }
  const uint64_t* first(uint64_t hash) const {
    const uint32_t home = index.home(hash), slot = BucketIndex::slotIn(*index.bucket(home), hash);
    return slot == BucketIndex::kNone ? nullptr : &hashes[home * BucketIndex::kSlotsPerBucket + slot];
  }
  // Counts the entries that a search for a hash that is not there has to look at.
  size_t looks(uint64_t hash) const {
    size_t looks = 0;
    index.find(hash, [&](uint32_t) {
      looks++;
      return static_cast<const uint64_t*>(nullptr);
    });
    return looks;
  }

  std::unique_ptr<BucketIndex::Bucket[]> buckets;
  BucketIndex index;
  std::vector<uint64_t> hashes;
};

// Returns a hash whose home is the given bucket, with the low bits as in `low`: bits 0..7 and 16..23 make the tag.
uint64_t hashIn(uint32_t bucket, uint32_t buckets, uint64_t low) {
  return (uint64_t{bucket} << 32) / buckets + (uint64_t{1} << 24) + low;
}

TEST("an index finds slots by their hashes, and asks about no entry of another tag") {
  TestIndex t(16);
  const uint64_t hash = hashIn(3, 16, 0x10), otherTag = hashIn(3, 16, 0x11), otherBucket = hashIn(4, 16, 0x10);
  const uint32_t slot = t.insert(hash);
  CHECK_EQ(slot, 3 * kSlots);
  CHECK(t.finds(hash, slot));
  CHECK_EQ(t.looks(hash), 1u);
  CHECK_EQ(t.looks(otherTag), 0u);
  CHECK_EQ(t.looks(otherBucket), 0u);
  t.remove(slot);
  CHECK_EQ(t.looks(hash), 0u);
}

TEST("an index takes no hash for an empty slot or a removed entry, whatever its tag would be") {
  TestIndex t(4);
  const uint32_t slot = t.insert(hashIn(1, 4, 0x77));
  t.index.remove(t.hashes[slot], slot);
  for (uint64_t low = 0; low < 256; low++) {
    if (!CHECK_EQ(t.looks(hashIn(1, 4, low)), 0u) || !CHECK_EQ(t.first(hashIn(1, 4, low)), nullptr)) return;
  }
}

TEST("an index returns the first entry of a hash's own bucket, from its low slots or its high ones") {
  TestIndex t(16);
  CHECK_EQ(t.first(hashIn(3, 16, 0)), nullptr);
  for (uint32_t i = 0; i < kSlots; i++) CHECK_EQ(t.insert(hashIn(3, 16, i + 10)), 3 * kSlots + i);
  for (uint32_t i = 0; i < kSlots; i++) CHECK_EQ(t.first(hashIn(3, 16, i + 10)), &t.hashes[3 * kSlots + i]);
  // This one went on to the next bucket.
  const uint32_t slot = t.insert(hashIn(3, 16, 0x80));
  CHECK_EQ(slot, 4 * kSlots);
  CHECK_EQ(t.first(hashIn(3, 16, 0x80)), nullptr);
  CHECK(t.finds(hashIn(3, 16, 0x80), slot));
}

TEST("an index gives the slot of a removed entry to nobody before it is released") {
  TestIndex t(8);
  const uint64_t hash = hashIn(2, 8, 0x20);
  const uint32_t slot = t.insert(hash);
  t.index.remove(hash, slot);
  CHECK(!t.index.isTaken(slot));
  CHECK_EQ(t.insert(hash), slot + 1);
  t.index.release(slot);
  CHECK_EQ(t.insert(hash), slot);
}

TEST("an index follows those that went on to other buckets, round its end, and stops when they are gone") {
  constexpr uint32_t kBuckets = 5, kEntries = 3 * kSlots;
  TestIndex t(kBuckets);
  const uint64_t hash = hashIn(kBuckets - 1, kBuckets, 0x20);
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < kEntries; i++) slots.push_back(t.insert(hash));
  CHECK_EQ(slots.back(), 2 * kSlots - 1);
  for (const uint32_t slot : slots) CHECK(t.finds(hash, slot));
  CHECK_EQ(t.looks(hash), kEntries);
  // Those in the way are removed, and the others are still found.
  for (uint32_t i = 0; i < 2 * kSlots; i++) t.remove(slots[i]);
  for (uint32_t i = 0; i < kEntries; i++) CHECK_EQ(t.finds(hash, slots[i]), i >= 2 * kSlots);
  // When the last one that went on is removed, a search for its hash ends at home.
  for (uint32_t i = 2 * kSlots; i < kEntries; i++) t.remove(slots[i]);
  t.insert(hashIn(0, kBuckets, 0x20));
  CHECK_EQ(t.looks(hash), 0u);
}

TEST("an index has room for a hash within its reach only, and says when there is none") {
  constexpr uint32_t kBuckets = BucketIndex::kReach + 32;
  TestIndex t(kBuckets);
  const uint64_t hash = hashIn(kBuckets - 10, kBuckets, 0x20);
  for (uint32_t i = 0; i < BucketIndex::kReach * kSlots; i++) {
    const uint32_t slot = t.insert(hash);
    if (!CHECK(slot != kNone && t.index.isInReach(hash, slot))) return;
  }
  CHECK_EQ(t.insert(hash), kNone);
  CHECK(t.index.isInReach(hash, (BucketIndex::kReach - 11) * kSlots));
  CHECK(!t.index.isInReach(hash, (BucketIndex::kReach - 10) * kSlots));
  CHECK(!t.index.isInReach(hash, (kBuckets - 10) * kSlots - 1));
  CHECK(t.insert(hashIn(kBuckets - 9, kBuckets, 0x20)) != kNone);
}

// A bucket counts to 255 at most.
TEST("an index finds its entries when more went on than a bucket counts, also after most of them are gone") {
  constexpr uint32_t kBuckets = 64, kEntries = 40 * kSlots;
  TestIndex t(kBuckets);
  const uint64_t hash = hashIn(7, kBuckets, 0x20);
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < kEntries; i++) slots.push_back(t.insert(hash));
  for (uint32_t gone = 0; gone < kEntries - 1; gone++) t.remove(slots[gone]);
  CHECK(t.finds(hash, slots.back()));
  t.remove(slots.back());
  CHECK_EQ(t.looks(hash), 0u);
  for (uint32_t i = 0; i < kEntries; i++) slots[i] = t.insert(hash);
  for (const uint32_t slot : slots) CHECK(t.finds(hash, slot));
}

TEST("a full index ends a search for what it does not hold") {
  TestIndex t(2);
  for (uint32_t i = 0; i < 2 * kSlots; i++) CHECK(t.insert(hashIn(0, 2, 9)) != kNone);
  CHECK_EQ(t.looks(hashIn(0, 2, 9)), 2 * kSlots);
  CHECK_EQ(t.looks(hashIn(0, 2, 10)), 0u);
  CHECK_EQ(t.insert(hashIn(1, 2, 9)), kNone);
}

TEST("an index that was cleared is empty") {
  TestIndex t(3);
  for (uint32_t i = 0; i < 30; i++) t.insert(hashIn(1, 3, 9));
  t.index.clear();
  CHECK_EQ(t.looks(hashIn(1, 3, 9)), 0u);
  CHECK_EQ(t.looks(hashIn(2, 3, 9)), 0u);
  CHECK_EQ(t.index.firstTaken(0), kNone);
}

TEST("a walk through an index comes to every entry, and to no removed one") {
  TestIndex t(4);
  std::vector<uint32_t> expected;
  for (const uint32_t slot : {0u, 7u, 8u, 14u, 15u, 44u, 59u}) {
    t.index.insert(hashIn(0, 4, slot), slot);
    expected.push_back(slot);
  }
  t.index.remove(hashIn(0, 4, 8), 8);
  expected.erase(expected.begin() + 2);
  std::vector<uint32_t> taken;
  for (uint32_t slot = 0; (slot = t.index.firstTaken(slot)) != kNone; slot++) taken.push_back(slot);
  CHECK_EQ(taken, expected);
  CHECK_EQ(t.index.firstTaken(t.index.slots()), kNone);
}

TEST("an index holds what a map holds, at four fifths of its slots, whatever comes and goes") {
  constexpr uint32_t kBuckets = 16, kEntries = kBuckets * 12;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Random random(seed);
    TestIndex t(kBuckets);
    std::map<uint32_t, uint64_t> model;  // by slot
    for (int i = 0; i < 3000; i++) {
      const uint32_t slot = random.below(t.index.slots());
      if (const auto known = model.find(slot); known != model.end()) {
        t.remove(slot);
        model.erase(known);
      } else if (model.size() < kEntries) {
        // There are few tags, and buckets that are not used evenly.
        const uint64_t hash = hashIn(random.below(random.below(kBuckets) + 1), kBuckets, random.below(3));
        const uint32_t given = t.insert(hash);
        if (!CHECK(given != kNone && model.emplace(given, hash).second)) return;
      }
      const uint32_t asked = random.below(t.index.slots());
      if (!CHECK_EQ(t.finds(t.hashes[asked], asked), model.contains(asked))) return;
      if (!CHECK_EQ(t.index.isTaken(asked), model.contains(asked))) return;
    }
  }
}

}  // namespace
}  // namespace tunvs::bucket_index_test
