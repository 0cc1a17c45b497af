#include "packet/transport_checksum.h"

#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::transport_checksum_test {
namespace {

using namespace testing;

const IpAddress kClient4 = address("198.51.100.7"), kVirtual4 = address("192.0.2.10");
const IpAddress kClient6 = address("2001:db8:c::7"), kVirtual6 = address("2001:db8:2::10");

bool isRight4(uint8_t protocol, const Bytes& segment) {
  return transportChecksumIsRight(kClient4, kVirtual4, protocol, Exact(segment).span());
}

bool isRight6(uint8_t protocol, const Bytes& segment) {
  return transportChecksumIsRight(kClient6, kVirtual6, protocol, Exact(segment).span());
}

Bytes sealed(Bytes segment, size_t field, uint8_t protocol, const IpAddress& source, const IpAddress& destination) {
  seal(segment, field, pseudoHeaderSum(source, destination, protocol, static_cast<uint32_t>(segment.size())));
  return segment;
}

TEST("a transport checksum is right for its own addresses, protocol and bytes only") {
  Bytes udp = {0x9c, 0x40, 0, 53, 0, 13, 0, 0, 1, 2, 3, 4, 5};
  const Bytes udp4 = sealed(udp, 6, 17, kClient4, kVirtual4), udp6 = sealed(udp, 6, 17, kClient6, kVirtual6);
  const Bytes tcp4 = sealed(Bytes(27, 0x42), 16, 6, kClient4, kVirtual4);
  CHECK(isRight4(17, udp4));
  CHECK(isRight6(17, udp6));
  CHECK(isRight4(6, tcp4));
  CHECK(!isRight6(17, udp4));
  CHECK(!isRight6(6, tcp4));
  CHECK(!isRight4(132, tcp4));
  Bytes changed = tcp4;
  changed[26] ^= 1;
  CHECK(!isRight4(6, changed));
}

TEST("UDP may have no checksum over IPv4, but must have one over IPv6") {
  const Bytes udp = {0x9c, 0x40, 0, 53, 0, 9, 0, 0, 1};
  CHECK(isRight4(17, udp));
  CHECK(!isRight6(17, udp));
}

TEST("a UDP length that does not fit its packet is wrong, a shorter one leaves padding out") {
  CHECK(!isRight4(17, {0, 1, 0, 2, 0, 10, 0, 0, 1}));
  CHECK(!isRight4(17, {0, 1, 0, 2, 0, 7, 0, 0, 1}));
  CHECK(!isRight4(17, {0, 1, 0, 2, 0, 8, 0}));
  const Bytes udp = sealed({0x9c, 0x40, 0, 53, 0, 9, 0, 0, 1}, 6, 17, kClient4, kVirtual4);
  CHECK(isRight4(17, udp + Bytes{0xee, 0xee}));
}

}  // namespace
}  // namespace tunvs::transport_checksum_test
