#include "packet/icmp.h"

#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::icmp_test {
namespace {

using namespace testing;

const IpAddress kRouter4 = address("10.0.0.254"), kHost4 = address("10.0.0.1");
const IpAddress kRouter6 = address("2001:db8::fe"), kHost6 = address("2001:db8::1");

IcmpMessage read4(uint8_t type, uint8_t code, uint32_t rest, const Bytes& body = {}) {
  const Exact message(icmpMessage(kRouter4, kHost4, type, code, rest, body));
  return readIcmp(kRouter4, kHost4, message.span()).value();
}

IcmpMessage read6(uint8_t type, uint8_t code, uint32_t rest, const Bytes& body = {}) {
  const Exact message(icmpMessage(kRouter6, kHost6, type, code, rest, body));
  return readIcmp(kRouter6, kHost6, message.span()).value();
}

TEST("an ICMPv4 error is one of five types, of which IPVS handles three") {
  for (int type = 0; type < 256; type++) {
    const auto icmp = read4(static_cast<uint8_t>(type), 0, 0);
    CHECK_EQ(icmp.isError, type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
    CHECK_EQ(icmp.isHandledError, type == 3 || type == 4 || type == 11);
  }
}

TEST("an ICMPv6 error is every type below 128, and all of them are handled") {
  for (int type = 0; type < 256; type++) {
    const auto icmp = read6(static_cast<uint8_t>(type), 0, 0);
    CHECK_EQ(icmp.isError, type < 128);
    CHECK_EQ(icmp.isHandledError, type < 128);
  }
}

TEST("only fragmentation needed has an MTU in ICMPv4, and a router older than RFC 1191 gives 0") {
  CHECK_EQ(read4(3, 4, 1300).mtu, 1300u);
  CHECK(read4(3, 4, 1300).isTooBig);
  CHECK_EQ(read4(3, 4, 0).mtu, 0u);
  CHECK(read4(3, 4, 0).isTooBig);
  CHECK_EQ(read4(3, 4, 0x00051234).mtu, 0x1234u);  // the upper half holds the length of the quote
  CHECK_EQ(read4(3, 3, 1300).mtu, 0u);
  CHECK(!read4(3, 3, 1300).isTooBig);
  CHECK_EQ(read4(11, 4, 1300).mtu, 0u);
}

TEST("the MTU of ICMPv6 packet too big has 32 bits") {
  CHECK_EQ(read6(2, 0, 0x12345678).mtu, 0x12345678u);
  CHECK(read6(2, 0, 1280).isTooBig);
  CHECK_EQ(read6(1, 0, 1280).mtu, 0u);
  CHECK(!read6(1, 4, 1280).isTooBig);
}

TEST("the ICMP checksum covers every byte, and in ICMPv6 the addresses too") {
  const Bytes body(27, 0x5a);
  const Bytes good4 = icmpMessage(kRouter4, kHost4, 3, 3, 0, body),
              good6 = icmpMessage(kRouter6, kHost6, 1, 4, 0, body);
  CHECK(readIcmp(kRouter4, kHost4, good4)->checksumIsRight);
  CHECK(readIcmp(kRouter6, kHost6, good6)->checksumIsRight);
  CHECK(readIcmp(kHost4, kHost4, good4)->checksumIsRight);
  CHECK(!readIcmp(kHost6, kHost6, good6)->checksumIsRight);
  for (size_t i = 0; i < good4.size(); i++) {
    Bytes bad4 = good4, bad6 = good6;
    bad4[i] ^= 0x10;
    bad6[i] ^= 0x10;
    CHECK(!readIcmp(kRouter4, kHost4, bad4)->checksumIsRight);
    CHECK(!readIcmp(kRouter6, kHost6, bad6)->checksumIsRight);
  }
}

TEST("an informational message quotes nothing") {
  CHECK(read4(8, 0, 0, Bytes(40)).quoted.empty());
  CHECK(read6(128, 0, 0, Bytes(40)).quoted.empty());
}

TEST("an error without extensions quotes all that follows its header") {
  CHECK_EQ(read4(3, 3, 0, Bytes(48)).quoted.size(), 48u);
  CHECK_EQ(read4(4, 0, 0xffffffff, Bytes(48)).quoted.size(), 48u);
  CHECK_EQ(read6(1, 4, 0, Bytes(48)).quoted.size(), 48u);
  CHECK_EQ(read6(2, 0, 0x01000000, Bytes(48)).quoted.size(), 48u);  // an MTU, not a length
  CHECK_EQ(read4(3, 3, 0).quoted.size(), 0u);
}

TEST("RFC 4884 extensions are not taken for quoted data") {
  struct Row {
    bool isV4;
    uint8_t type;
    uint32_t rest;
    size_t quoted;
  };
  const Row rows[] = {
      {true, 3, 32u << 16, 128},  {true, 3, 32u << 16 | 1300, 128}, {true, 11, 32u << 16, 128},
      {true, 12, 33u << 16, 132}, {true, 5, 32u << 16, 160},        {true, 3, 40u << 16, 160},
      {true, 3, 41u << 16, 160},  {false, 1, 16u << 24, 128},       {false, 3, 17u << 24, 136},
      {false, 4, 16u << 24, 160}, {false, 1, 20u << 24, 160},       {false, 1, 255u << 24, 160},
  };
  for (const Row& row : rows) {
    const auto icmp = row.isV4 ? read4(row.type, 4, row.rest, Bytes(160)) : read6(row.type, 0, row.rest, Bytes(160));
    CHECK_EQ(icmp.quoted.size(), row.quoted);
  }
}

TEST("a message shorter than an ICMP header is not read") {
  for (size_t bytes = 0; bytes < kIcmpHeaderBytes; bytes++) {
    const Exact message(bytes);
    CHECK(!readIcmp(kRouter4, kHost4, message.span()));
    CHECK(!readIcmp(kRouter6, kHost6, message.span()));
  }
}

}  // namespace
}  // namespace tunvs::icmp_test
