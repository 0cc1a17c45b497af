#include "packet/checksum.h"
#include "realserver/encapsulation.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::unwrap_gre_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::bytesOf;
using testing::Exact;
using testing::operator+;

Bytes innerPacket(size_t payloadBytes = 21) {
  return testing::PacketBuilder().tcp(4000, 80, kTcpAck).payload(payloadBytes).build();
}
Bytes innerPacket6() {
  return testing::ipv6Packet(address("2001:db8::7"), address("2001:db8::9"), 17, {1, 2, 3, 4, 0, 8, 0, 0});
}

Bytes withChecksum(uint16_t etherType, const Bytes& inner) {
  Bytes packet =
      Bytes{0x80, 0, static_cast<uint8_t>(etherType >> 8), static_cast<uint8_t>(etherType), 0, 0, 0, 0} + inner;
  testing::seal(packet, 4);
  return packet;
}

TEST("GRE gives the packet behind its header, with and without checksum, of either family") {
  struct Row {
    const char* what;
    Bytes payload;
    Family family;
    Bytes inner;
  };
  const Row rows[] = {
      {"IPv4", Bytes{0, 0, 8, 0} + innerPacket(), Family::ipv4, innerPacket()},
      {"IPv6", Bytes{0, 0, 0x86, 0xdd} + innerPacket6(), Family::ipv6, innerPacket6()},
      {"IPv4 of odd length with a checksum", withChecksum(0x0800, innerPacket()), Family::ipv4, innerPacket()},
      {"IPv6 with a checksum", withChecksum(0x86dd, innerPacket6()), Family::ipv6, innerPacket6()},
      {"bits to be ignored", Bytes{0x07, 0xf8, 8, 0} + innerPacket(), Family::ipv4, innerPacket()},
  };
  for (const Row& row : rows) {
    const Exact payload(row.payload);
    const Unwrapped result = unwrapGre(payload.span());
    if (!CHECK(result.verdict == DecapVerdict::accepted) || !CHECK(result.family == row.family) ||
        !CHECK_EQ(bytesOf(result.packet), row.inner)) {
      testing::fail(__FILE__, __LINE__, std::string("for: ") + row.what);
    }
  }
}

TEST("GRE that is cut short, of another version or with options is refused") {
  const std::pair<const char*, Bytes> rows[] = {
      {"nothing", {}},
      {"a header cut short", {0, 0, 8}},
      {"a checksum cut short", {0x80, 0, 8, 0, 0, 0, 0}},
      {"version 1 (PPTP)", Bytes{0, 1, 8, 0} + innerPacket()},
      {"a key", Bytes{0x20, 0, 8, 0, 0, 0, 0, 1} + innerPacket()},
      {"a sequence number", Bytes{0x10, 0, 8, 0, 0, 0, 0, 1} + innerPacket()},
      {"source routing", Bytes{0x40, 0, 8, 0, 0, 0, 0, 0} + innerPacket()},
      {"an Ethernet frame", Bytes{0, 0, 0x65, 0x58} + innerPacket()},
  };
  for (const auto& [what, bytes] : rows) {
    const Exact payload(bytes);
    const Unwrapped result = unwrapGre(payload.span());
    if (!CHECK(result.verdict == DecapVerdict::badTunnelHeader) || !CHECK(result.packet.empty()))
      testing::fail(__FILE__, __LINE__, std::string("for: ") + what);
  }
}

TEST("GRE's checksum covers header and packet to the last bit") {
  const Bytes right = withChecksum(0x0800, innerPacket());
  for (size_t at = 4; at < right.size(); at++) {
    Bytes bytes = right;
    bytes[at] ^= 0x10;
    const Exact payload(bytes);
    CHECK(unwrapGre(payload.span()).verdict == DecapVerdict::badTunnelChecksum);
  }
}

TEST("GRE packets that receive offload merged are accepted with the first one's checksum") {
  Bytes joined = innerPacket(4000);
  const uint64_t pseudo = pseudoHeaderSum(address("198.51.100.7"), address("192.0.2.10"), 6, 4020);
  const uint16_t unfinished = checksumFold(pseudo);
  std::memcpy(&joined[36], &unfinished, sizeof unfinished);
  const Bytes first = withChecksum(0x0800, innerPacket(1000));
  const Exact payload(testing::firstOf(first, 8) + joined);
  const Unwrapped result = unwrapGre(payload.span());
  REQUIRE(result.verdict == DecapVerdict::accepted);
  CHECK_EQ(result.packet.size(), joined.size());
}

}  // namespace
}  // namespace tunvs::unwrap_gre_test
