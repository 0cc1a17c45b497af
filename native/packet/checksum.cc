#include "packet/checksum.h"

#include "packet/checksum_wide.h"

namespace tunvs {

uint64_t checksumAdd(const void* data, size_t length, uint64_t initial) {
  const auto* p = static_cast<const uint8_t*>(data);
  // Adding 32-bit halves into 64 bits leaves room for 2^32 additions before a carry could be lost.
  uint64_t even = initial & 0xffffffff;
  uint64_t odd = initial >> 32;
  if (length >= kWideChecksumBytes) {
    const size_t wide = length - length % kWideChecksumBlock;
    even += checksumAddWide(p, wide);
    p += wide;
    length -= wide;
  }
  while (length >= 16) {
    const auto a = loadUnaligned<uint64_t>(p);
    const auto b = loadUnaligned<uint64_t>(p + 8);
    even += (a & 0xffffffff) + (b & 0xffffffff);
    odd += (a >> 32) + (b >> 32);
    p += 16;
    length -= 16;
  }
  if (length >= 8) {
    const auto a = loadUnaligned<uint64_t>(p);
    even += a & 0xffffffff;
    odd += a >> 32;
    p += 8;
    length -= 8;
  }
  if (length >= 4) {
    even += loadUnaligned<uint32_t>(p);
    p += 4;
    length -= 4;
  }
  if (length >= 2) {
    even += loadUnaligned<uint16_t>(p);
    p += 2;
    length -= 2;
  }
  if (length > 0) {
    const uint8_t last[2] = {*p, 0};  // RFC 1071: an odd byte is padded with a zero behind it
    even += loadUnaligned<uint16_t>(last);
  }
  return even + odd;
}

uint64_t pseudoHeaderSum(const IpAddress& source, const IpAddress& destination, uint8_t protocol, uint32_t length) {
  const size_t bytes = source.isV4() ? 4 : 16;
  uint64_t sum = checksumAdd(source.bytes.data(), bytes);
  sum = checksumAdd(destination.bytes.data(), bytes, sum);
  return sum + Be32::from(length).raw + Be32::from(protocol).raw;
}

}  // namespace tunvs
