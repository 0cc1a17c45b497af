#include "director/fragment/fragment_arena.h"

#include <cstring>
#include <deque>
#include <random>

#include "support/testing.h"

namespace tunvs::fragment_arena_test {
TEST("a packet of the greatest length fits into the smallest arena, once") {
  FragmentArena arena(FragmentArena::kLeastBytes);
  const uint32_t record = arena.allocate(kMaxPacketBytes, 1);
  REQUIRE(record != FragmentArena::kNone);
  std::memset(arena.at(record).packet() - kHeadroom, 1, kHeadroom + kMaxPacketBytes);
  CHECK_EQ(arena.at(record).length, kMaxPacketBytes);
  CHECK_EQ(arena.allocate(1, 2), FragmentArena::kNone);
  arena.free(record);
  CHECK(arena.isEmpty());
  CHECK(arena.allocate(kMaxPacketBytes, 1) != FragmentArena::kNone);
}

TEST("memory freed out of order comes back when the oldest record is freed") {
  FragmentArena arena(FragmentArena::kLeastBytes);
  const uint32_t oldest = arena.allocate(20000, 1), middle = arena.allocate(20000, 2),
                 newest = arena.allocate(20000, 3);
  REQUIRE(newest != FragmentArena::kNone);
  arena.free(middle);
  CHECK_EQ(arena.allocate(20000, 4), FragmentArena::kNone);
  CHECK_EQ(arena.tail().owner, 1u);
  arena.free(oldest);
  CHECK_EQ(arena.tail().owner, 3u);
  CHECK(arena.allocate(20000, 4) != FragmentArena::kNone);
}

TEST("records keep their bytes and never touch each other, whatever the order of freeing") {
  std::mt19937 random(11);
  FragmentArena arena(256 * 1024);
  std::deque<uint32_t> live;
  size_t refusals = 0;
  const auto intact = [&arena](uint32_t index) {
    FragmentArena::Record& record = arena.at(index);
    const auto mark = static_cast<uint8_t>(record.owner);
    for (uint32_t i = 0; i < record.length; i++) {
      if (record.packet()[i] != mark) return false;
    }
    return record.state == FragmentArena::State::waiting;
  };
  for (uint32_t step = 0; step < 20000; step++) {
    if (random() % 100 < 55) {
      const uint32_t length = random() % 20 == 0 ? random() % 65536 : random() % 2000;
      const uint32_t record = arena.allocate(length, step);
      if (record == FragmentArena::kNone) {
        refusals++;
        REQUIRE(!live.empty());
        REQUIRE(&arena.tail() == &arena.at(live.front()));
      } else {
        std::memset(arena.at(record).packet() - kHeadroom, static_cast<uint8_t>(step), kHeadroom + length);
        live.push_back(record);
        continue;
      }
    }
    if (live.empty()) continue;
    const size_t victim = random() % 3 == 0 ? 0 : random() % live.size();
    REQUIRE(CHECK(intact(live[victim])));
    arena.free(live[victim]);
    live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
    REQUIRE(arena.usedBytes() <= arena.capacityBytes());
    REQUIRE(CHECK_EQ(arena.isEmpty(), live.empty()));
  }
  CHECK(refusals > 100);
  for (const uint32_t record : live) CHECK(intact(record));
}

}  // namespace tunvs::fragment_arena_test
