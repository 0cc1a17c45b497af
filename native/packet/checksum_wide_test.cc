#include "packet/checksum_wide.h"

#include "packet/checksum.h"
#include "support/packet_builder.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::checksum_wide_test {
namespace {

using testing::Bytes;

// Adds 16-bit words one by one, and shares nothing with what it checks.
uint32_t plainSum(const uint8_t* bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i < length; i++) {
    sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}
// 0 and 0xffff are the same number.
uint32_t inOrder(uint64_t sum) { return Be16{checksumFold(sum)}.host() % 0xffff; }

Bytes noise(size_t length) {
  Bytes bytes(length);
  uint32_t state = 12345;
  for (uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return bytes;
}

TEST("every way of summing many bytes agrees with a plain one, at each length and alignment") {
  const Bytes bytes = noise(66000);
  size_t tried = 0;
  for (const WideChecksum& way : wideChecksums()) {
    if (!way.isSupported()) continue;
    tried++;
    for (size_t start = 0; start < 64; start++) {
      for (size_t length = 0; length <= 512; length += kWideChecksumBlock)
        CHECK_EQ(inOrder(way.add(&bytes[start], length)), plainSum(&bytes[start], length) % 0xffff);
    }
    CHECK_EQ(inOrder(way.add(&bytes[1], 65536)), plainSum(&bytes[1], 65536) % 0xffff);
  }
  CHECK(tried > 0);
  CHECK(wideChecksums().back().isSupported());
}

TEST("no carry is lost, whatever the bytes are") {
  for (const uint8_t fill : {0x00, 0xff, 0x80, 0x01}) {
    const Bytes bytes(65536, fill);
    for (const WideChecksum& way : wideChecksums()) {
      if (!way.isSupported()) continue;
      CHECK(way.add(bytes.data(), bytes.size()) < uint64_t{1} << 48);
      CHECK_EQ(inOrder(way.add(bytes.data(), bytes.size())), plainSum(bytes.data(), bytes.size()) % 0xffff);
    }
  }
}

TEST("checksumAdd() sums right at each length around where it becomes wide, and adds what it is given") {
  for (size_t length = 0; length <= 700; length++) {
    for (const size_t start : {0u, 1u, 3u, 8u, 63u}) {
      const Bytes bytes = noise(start + length);
      const testing::Exact held{std::span<const uint8_t>(bytes).subspan(start)};
      const uint64_t initial = 0xfffffffffffffff0;
      CHECK_EQ(inOrder(checksumAdd(held.span().data(), length)), plainSum(held.span().data(), length) % 0xffff);
      CHECK_EQ(inOrder(checksumAdd(held.span().data(), length, initial)),
               inOrder(checksumFold(checksumAdd(held.span().data(), length)) + uint64_t{checksumFold(initial)}));
    }
  }
}

}  // namespace
}  // namespace tunvs::checksum_wide_test
