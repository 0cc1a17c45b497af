#include "table/tag_group.h"

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::tag_group_test {
namespace {

TEST("a group of tags tells which of its slots have a tag, and leaves its count out") {
  const TagGroup group{0x0807060504030201, 0x010f0e0d0c0b0109};  // the count is 1, slot 9's tag as well
  CHECK_EQ(group.matches(1), 1u << 0 | 1u << 9);
  CHECK_EQ(group.matches(8), 1u << 7);
  CHECK_EQ(group.matches(9), 1u << 8);
  CHECK_EQ(group.matches(15), 1u << 14);
  CHECK_EQ(group.matches(0), 0u);
  CHECK_EQ(group.count(), 1u);
}

TEST("a group of tags marks every slot that has the tag, and none that only looks alike") {
  testing::Random random(5);
  for (int i = 0; i < 20000; i++) {
    uint8_t tags[16];
    // There are few tags, most of them next to each other, where borrows and carries would show.
    for (auto& tag : tags) tag = static_cast<uint8_t>(random.oneIn(4) ? random.below(256) : 0x7f + random.below(3));
    TagGroup group{};
    for (uint32_t slot = 0; slot < 16; slot++)
      (slot < 8 ? group.low : group.high) |= uint64_t{tags[slot]} << slot % 8 * 8;
    const auto wanted = static_cast<uint8_t>(random.oneIn(4) ? random.below(256) : 0x7e + random.below(4));
    uint32_t expected = 0;
    for (uint32_t slot = 0; slot < TagGroup::kSlots; slot++) {
      expected |= uint32_t{tags[slot] == wanted} << slot;
      if (!CHECK_EQ(group.tag(slot), tags[slot])) return;
    }
    if (!CHECK_EQ(group.matches(wanted), expected) || !CHECK_EQ(group.matchesByWords(wanted), expected)) return;
    if (!CHECK_EQ(group.count(), tags[15])) return;
  }
}

}  // namespace
}  // namespace tunvs::tag_group_test
