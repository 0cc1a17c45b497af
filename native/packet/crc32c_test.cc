#include "packet/crc32c.h"

#include <string_view>

#include "support/random.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::crc32c_test {
namespace {

using namespace testing;

// Does it bit by bit, as RFC 9260 appendix A defines it, and shares nothing with what it checks.
uint32_t plainCrc(std::span<const uint8_t> bytes) {
  uint32_t state = 0xffffffff;
  for (const uint8_t byte : bytes) {
    state ^= byte;
    for (int bit = 0; bit < 8; bit++) state = (state & 1) != 0 ? state >> 1 ^ 0x82f63b78 : state >> 1;
  }
  return ~state;
}

Bytes counting(bool isUp) {
  Bytes bytes(32);
  for (size_t i = 0; i < 32; i++) bytes[i] = static_cast<uint8_t>(isUp ? i : 31 - i);
  return bytes;
}

// The bytes of RFC 3720 appendix B.4 are in the order of the wire: the lowest first.
TEST("CRC32c gives what the RFCs give") {
  const std::string_view digits = "123456789";
  const Bytes readCommand = {0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
                             0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2,    0, 0, 0, 0, 0, 0, 0};
  const struct {
    const char* what;
    Bytes message;
    uint32_t crc;
  } table[] = {
      {"nothing", {}, 0},
      {"the digits of every CRC catalogue", Bytes(digits.begin(), digits.end()), 0xe3069283},
      {"32 bytes of zeros", Bytes(32, 0x00), 0x8a9136aa},
      {"32 bytes of ones", Bytes(32, 0xff), 0x62a8ab43},
      {"32 bytes counting up", counting(true), 0x46dd794e},
      {"32 bytes counting down", counting(false), 0x113fdb5c},
      {"an iSCSI read command", readCommand, 0xd9963a56},
  };
  for (const auto& row : table) {
    checkEqual(__FILE__, __LINE__, row.what, crc32c(row.message), row.crc);
    checkEqual(__FILE__, __LINE__, row.what, plainCrc(row.message), row.crc);
  }
}

TEST("every way of computing CRC32c agrees with a plain one, at each length and alignment") {
  Random random(1);
  const Bytes bytes = noise(random, 2100);
  size_t tried = 0;
  for (const Crc32cWay& way : crc32cWays()) {
    if (!way.isSupported()) continue;
    tried++;
    for (size_t start = 0; start < 9; start++) {
      for (size_t length = 0; length < 80; length++) {
        const Exact held{std::span<const uint8_t>(bytes).subspan(start, length)};
        if (!CHECK_EQ(~way.add(0xffffffff, held.span().data(), length), plainCrc(held.span()))) return;
      }
      CHECK_EQ(~way.add(0xffffffff, &bytes[start], 2000 + start), plainCrc({&bytes[start], 2000 + start}));
    }
  }
  CHECK(tried > 0);
  CHECK(crc32cWays().back().isSupported());
}

TEST("every way of multiplying polynomials agrees with the last one") {
  Random random(2);
  const Crc32cWay& last = crc32cWays().back();
  CHECK_EQ(last.multiply(0x80000000, 0x12345678), 0x12345678u);
  for (const Crc32cWay& way : crc32cWays()) {
    if (!way.isSupported()) continue;
    for (int i = 0; i < 1000; i++) {
      const auto a = static_cast<uint32_t>(random.next()), b = static_cast<uint32_t>(random.next());
      if (!CHECK_EQ(way.multiply(a, b), last.multiply(a, b))) return;
    }
    CHECK_EQ(way.multiply(0, 0xffffffff), 0u);
    CHECK_EQ(way.multiply(0xffffffff, 0xffffffff), last.multiply(0xffffffff, 0xffffffff));
  }
}

void checkReplace(Random& random, size_t length, size_t offset) {
  Bytes message = noise(random, length);
  const uint32_t crc = crc32c(message);
  const auto before = loadUnaligned<uint32_t>(&message[offset]);
  const auto after = random.oneIn(4) ? before ^ 1u << random.below(32) : static_cast<uint32_t>(random.next());
  std::memcpy(&message[offset], &after, sizeof after);
  CHECK_EQ(crc32cReplace(crc, before, after, length - offset), crc32c(message));
  // A checksum that is wrong stays wrong by the same bits.
  const auto error = static_cast<uint32_t>(random.next());
  CHECK_EQ(crc32cReplace(crc ^ error, before, after, length - offset), crc32c(message) ^ error);
  CHECK_EQ(crc32cReplace(crc, before, before, length - offset), crc);
}

TEST("an updated CRC32c is that of the changed message, wherever the change is") {
  Random random(3);
  for (size_t length = 4; length < 600; length++) checkReplace(random, length, 0);
  for (int i = 0; i < 500; i++) {
    const size_t length = 4 + random.below(3000);
    checkReplace(random, length, random.below(static_cast<uint32_t>(length - 3)));
  }
  for (const size_t length : {255u, 256u, 257u, 511u, 512u, 4095u, 4096u, 65279u, 65280u, 65535u})
    checkReplace(random, length, 0);
}

}  // namespace
}  // namespace tunvs::crc32c_test
