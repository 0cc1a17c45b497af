#include "core/siphash.h"

#include <array>

#include "support/testing.h"

namespace tunvs::siphash_test {
namespace {

constexpr SipKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::array<uint8_t, 64> countingBytes() {
  std::array<uint8_t, 64> bytes;
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>(i);
  return bytes;
}

// The authors' reference implementation gives these for the bytes 00, 01, 02, ..., as many as the index says.
TEST("SipHash-1-3 and SipHash-2-4 give the numbers that their authors published") {
  constexpr uint64_t kSip13[] = {0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
                                 0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
                                 0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
                                 0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956};
  const auto bytes = countingBytes();
  for (size_t length = 0; length < std::size(kSip13); length++) {
    CHECK_EQ(sipHash13(kKey, {bytes.data(), length}), kSip13[length]);
  }
  CHECK_EQ(sipHash24(kKey, {bytes.data(), 0}), 0x726fdb47dd0e0e31u);
  CHECK_EQ(sipHash24(kKey, {bytes.data(), 15}), 0xa129ca6149be45e5u);
  CHECK_EQ(sipHash24(kKey, {bytes.data(), 63}), 0x958a324ceb064572u);
}

TEST("SipHash of a number is that of its four bytes, lowest byte first") {
  const uint8_t bytes[] = {0x78, 0x56, 0x34, 0x12};
  CHECK_EQ(sipHash13(kKey, 0x12345678u), sipHash13(kKey, bytes));
}

}  // namespace
}  // namespace tunvs::siphash_test
