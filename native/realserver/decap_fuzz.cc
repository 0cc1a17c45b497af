// Any bytes as an IPIP packet: what comes out lies within what went in and is a valid IPv4 packet.
#include <cstdlib>

#include "core/checksum.h"
#include "realserver/decap.h"

using namespace tunvs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const DecapRules rules = [] {
    const IpAddress director = IpAddress::v4(10, 0, 0, 1), virtualAddress = IpAddress::v4(192, 168, 50, 100);
    return DecapRules::make({&director, 1}, {&virtualAddress, 1}).value();
  }();
  std::vector<uint8_t> packet(data, data + size);
  const Decapsulated result = decapsulate(packet, rules);
  if (result.verdict != DecapVerdict::accepted) {
    if (!result.inner.empty()) std::abort();
    return 0;
  }
  const uint8_t* const begin = result.inner.data();
  if (begin < packet.data() + 20 || begin + result.inner.size() > packet.data() + packet.size()) std::abort();
  const size_t headerBytes = size_t{begin[0] & 0x0fu} * 4;
  if (loadBe16(begin + 2) != result.inner.size() || headerBytes > result.inner.size()) std::abort();
  if (checksumFold(checksumAdd(begin, headerBytes)) != 0xffff) std::abort();
  return 0;
}
