#include "packet/checksum.h"

#include <vector>

#include "support/packet_builder.h"
#include "support/random.h"
#include "support/testing.h"

namespace tunvs::checksum_test {
namespace {

using testing::Bytes;
using testing::naiveSum;
using testing::Random;

uint16_t foldedHost(const Bytes& bytes) { return Be16{checksumFold(checksumAdd(bytes.data(), bytes.size()))}.host(); }

Be16 recomputed(const Bytes& words) { return checksum(words.data(), words.size()); }

TEST("the checksum sums the example of RFC 1071") {
  CHECK_EQ(foldedHost({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), 0xddf2);
}

TEST("the checksum pads an odd byte with a zero behind it") {
  CHECK_EQ(foldedHost({0x00, 0x01, 0xf2}), 0xf201);
  CHECK_EQ(foldedHost({0xab}), 0xab00);
  CHECK_EQ(foldedHost({}), 0);
}

TEST("the checksum of a known IPv4 header is right") {
  const Bytes header = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                        0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  CHECK_EQ(checksum(header.data(), header.size()).host(), 0xb861);
}

TEST("the checksum agrees with the naive sum at every length and alignment") {
  Random random(1);
  std::vector<uint8_t> storage(16 + 200);
  for (auto& byte : storage) byte = static_cast<uint8_t>(random.next());
  for (size_t offset = 0; offset < 16; offset++) {
    for (size_t bytes = 0; bytes <= 200; bytes++) {
      const uint8_t* data = storage.data() + offset;
      if (!CHECK_EQ(Be16{checksumFold(checksumAdd(data, bytes))}.host(), naiveSum(data, bytes))) return;
    }
  }
}

TEST("the checksum loses no carry over 64 KiB of ones") {
  const Bytes ones(65535, 0xff);
  CHECK_EQ(foldedHost(ones), naiveSum(ones.data(), ones.size()));
  const Bytes even(65534, 0xff);
  CHECK_EQ(foldedHost(even), 0xffff);
}

TEST("the checksum adds an initial sum however large") {
  const Bytes data = {0x12, 0x34, 0x56, 0x78, 0x9a};
  for (const uint64_t initial : {uint64_t{0}, uint64_t{0xffff}, uint64_t{0x1ffff}, uint64_t{0xffffffff}, UINT64_MAX}) {
    const uint32_t folded = checksumFold(initial);
    uint32_t expected = folded + checksumFold(checksumAdd(data.data(), data.size()));
    expected = (expected & 0xffff) + (expected >> 16);
    CHECK_EQ(checksumFold(checksumAdd(data.data(), data.size(), initial)), expected);
  }
}

TEST("folding takes every unfolded sum to its value modulo 65535") {
  Random random(2);
  for (int i = 0; i < 10000; i++) {
    const uint64_t sum = random.next() >> random.below(64);
    const uint16_t folded = checksumFold(sum);
    if (!CHECK_EQ(folded % 65535, sum % 65535)) return;
    CHECK_EQ(folded == 0, sum == 0);
  }
  CHECK_EQ(checksumFold(UINT64_MAX), 0xffff);
}

TEST("the sum of a 20-byte header is the general one") {
  Random random(3);
  Bytes header(21);
  for (int i = 0; i < 1000; i++) {
    for (auto& byte : header) byte = static_cast<uint8_t>(random.next());
    const uint8_t* unaligned = header.data() + 1;
    if (!CHECK_EQ(checksumFold(checksumAdd20(unaligned)), checksumFold(checksumAdd(unaligned, 20)))) return;
  }
}

TEST("replacing one word updates a checksum as in the example of RFC 1624") {
  CHECK_EQ(checksumReplace(Be16::from(0xdd2f), Be16::from(0x5555), Be16::from(0x3285)).host(), 0x0000);
}

TEST("an updated checksum equals that of a new sum, minus zero included") {
  // The second of two words is replaced, and their checksum with it. The edges are where the two zeros of one's
  // complement differ.
  const uint16_t edges[] = {0x0000, 0x0001, 0x7fff, 0x8000, 0xfffe, 0xffff};
  for (const uint16_t fixed : edges) {
    for (const uint16_t before : edges) {
      for (const uint16_t after : edges) {
        Bytes words(4);
        storeBe16(&words[0], fixed);
        storeBe16(&words[2], before);
        const Be16 old = recomputed(words);
        storeBe16(&words[2], after);
        const Be16 updated = checksumReplace(old, Be16::from(before), Be16::from(after));
        if (fixed == 0 && after == 0) continue;  // no header sums to zero, as its version is not 0
        CHECK_EQ(updated.host(), recomputed(words).host());
        // A receiver checks that data and checksum sum up to minus zero.
        const uint32_t sum = checksumFold(checksumAdd(words.data(), words.size())) + uint32_t{updated.raw};
        CHECK_EQ(checksumFold(sum), 0xffff);
      }
    }
  }
}

TEST("updating the checksum of a random header equals summing it anew") {
  Random random(4);
  for (int i = 0; i < 20000; i++) {
    Bytes header(20);
    for (auto& byte : header) byte = static_cast<uint8_t>(random.next());
    header[0] = 0x45;
    const Be16 old = recomputed(header);
    const size_t at = 2 * (1 + random.below(9));
    const Be16 before{loadUnaligned<uint16_t>(&header[at])};
    const Be16 after{random.oneIn(4) ? uint16_t{0xffff} : static_cast<uint16_t>(random.next())};
    std::memcpy(&header[at], &after.raw, 2);
    if (!CHECK_EQ(checksumReplace(old, before, after).host(), recomputed(header).host())) return;
  }
}

TEST("the pseudo header of both families is summed") {
  const IpAddress a4 = testing::address("192.0.2.1"), b4 = testing::address("198.51.100.255");
  const Bytes v4 = {192, 0, 2, 1, 198, 51, 100, 255, 0, 6, 0x12, 0x34};
  CHECK_EQ(Be16{checksumFold(pseudoHeaderSum(a4, b4, 6, 0x1234))}.host(), naiveSum(v4.data(), v4.size()));

  const IpAddress a6 = testing::address("2001:db8::1"), b6 = testing::address("fe80::ff");
  Bytes v6(a6.bytes.begin(), a6.bytes.end());
  v6.insert(v6.end(), b6.bytes.begin(), b6.bytes.end());
  for (const uint8_t byte : {0, 1, 0x12, 0x34, 0, 0, 0, 58}) v6.push_back(byte);
  CHECK_EQ(Be16{checksumFold(pseudoHeaderSum(a6, b6, 58, 0x11234))}.host(), naiveSum(v6.data(), v6.size()));
}

}  // namespace
}  // namespace tunvs::checksum_test
