#include "packet/checksum.h"
#include "realserver/encapsulation.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::unwrap_gue_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::bytesOf;
using testing::Exact;
using testing::operator+;

constexpr auto kAccepted = DecapVerdict::accepted, kBad = DecapVerdict::badTunnelHeader;

Bytes innerPacket() { return testing::PacketBuilder().udp(4000, 53).payload(20).build(); }
Bytes innerPacket6() {
  return testing::ipv6Packet(address("2001:db8::7"), address("2001:db8::9"), 17, {1, 2, 3, 4, 0, 8, 0, 0});
}

TEST("GUE gives the packet behind its header, of the family that the header names") {
  struct Row {
    const char* what;
    Bytes header;
    Family family;
    Bytes inner;
  };
  const Row rows[] = {
      {"IPv4", {0, 4, 0, 0}, Family::ipv4, innerPacket()},
      {"IPv6", {0, 41, 0, 0}, Family::ipv6, innerPacket6()},
      {"private data and no flags", {2, 4, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, Family::ipv4, innerPacket()},
      {"private flags that are all off", {1, 4, 0, 1, 0, 0, 0, 0}, Family::ipv4, innerPacket()},
      {"a bare IPv4 packet", {}, Family::ipv4, innerPacket()},
      {"a bare IPv6 packet", {}, Family::ipv6, innerPacket6()},
  };
  for (const Row& row : rows) {
    const Exact payload(row.header + row.inner);
    const Unwrapped result = unwrapGue(payload.span());
    if (!CHECK(result.verdict == kAccepted) || !CHECK(result.family == row.family) ||
        !CHECK_EQ(bytesOf(result.packet), row.inner)) {
      testing::fail(__FILE__, __LINE__, std::string("for: ") + row.what);
    }
  }
}

TEST("GUE that is cut short, of another version or with parts that can't be skipped is refused") {
  const std::pair<const char*, Bytes> rows[] = {
      {"nothing", {}},
      {"a header cut short", {0, 4, 0}},
      {"a control message", {0x20, 4, 0, 0}},
      {"version 2", {0x80, 4, 0, 0}},
      {"version 3", {0xc0, 4, 0, 0}},
      {"version 1 with neither IPv4 nor IPv6", {0x50, 4, 0, 0}},
      {"optional fields beyond the end", {3, 4, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}},
      {"another protocol", {0, 6, 0, 0}},
      {"protocol 0", {0, 0, 0, 0}},
      {"an unknown flag", {1, 4, 0x80, 0, 0, 0, 0, 0}},
      {"private flags without their field", {0, 4, 0, 1}},
      {"an unknown private flag", {2, 4, 0, 1, 0x40, 0, 0, 0, 0, 0, 0, 0}},
      {"a remote checksum without its field", {1, 4, 0, 1, 0x80, 0, 0, 0}},
      {"a remote checksum whose field is before its start", {2, 4, 0, 1, 0x80, 0, 0, 0, 0, 20, 0, 18}},
      {"a remote checksum beyond the packet", {2, 4, 0, 1, 0x80, 0, 0, 0, 0, 20, 0, 47}},
  };
  for (const auto& [what, header] : rows) {
    const bool isPacketNext = header.size() >= 4;
    const Exact payload(isPacketNext ? header + testing::firstOf(innerPacket(), 28 + 20) : header);
    const bool isTooLong = std::string_view(what).starts_with("optional");
    const Unwrapped result = unwrapGue(isTooLong ? payload.span().first(12) : payload.span());
    if (!CHECK(result.verdict == kBad) || !CHECK(result.packet.empty()))
      testing::fail(__FILE__, __LINE__, std::string("for: ") + what);
  }
}

TEST("GUE's remote checksum is filled in, whatever the transport") {
  const IpAddress source = address("198.51.100.7"), destination = address("192.0.2.10");
  for (const uint8_t protocol : {6, 17}) {
    const size_t field = protocol == 6 ? 16 : 6;
    Bytes segment(41);
    for (size_t i = 0; i < segment.size(); i++) segment[i] = static_cast<uint8_t>(i * 31);
    Bytes finished = segment;
    const uint64_t pseudo = pseudoHeaderSum(source, destination, protocol, static_cast<uint32_t>(segment.size()));
    testing::seal(finished, field, pseudo);
    const uint16_t left = checksumFold(pseudo);
    std::memcpy(&segment[field], &left, sizeof left);

    const Bytes header = {2, 4, 0, 1, 0x80, 0, 0, 0, 0, 20, 0, static_cast<uint8_t>(20 + field)};
    const Exact payload(header + testing::ipv4Packet(source, destination, protocol, segment));
    const Unwrapped result = unwrapGue(payload.span());
    REQUIRE(result.verdict == kAccepted);
    CHECK_EQ(bytesOf(result.packet.subspan(20)), finished);
  }
}

TEST("GUE's remote checksum never becomes UDP's 0, which IPv6 does not accept") {
  const IpAddress source = address("2001:db8::7"), destination = address("2001:db8::9");
  Bytes segment{4, 0, 0, 53, 0, 10, 0, 0, 0, 0};
  const uint64_t pseudo = pseudoHeaderSum(source, destination, 17, static_cast<uint32_t>(segment.size()));
  const uint16_t left = checksumFold(pseudo);
  std::memcpy(&segment[6], &left, sizeof left);
  const Be16 all = checksum(segment.data(), segment.size());
  std::memcpy(&segment[8], &all.raw, sizeof all.raw);  // makes the sum 0xffff, and its complement 0
  const Bytes header = {2, 41, 0, 1, 0x80, 0, 0, 0, 0, 40, 0, 46};
  const Exact payload(header + testing::ipv6Packet(source, destination, 17, segment));
  const Unwrapped result = unwrapGue(payload.span());
  REQUIRE(result.verdict == kAccepted);
  CHECK_EQ(loadBe16(&result.packet[46]), 0xffffu);
  CHECK_EQ(checksumFold(pseudo + checksumAdd(&result.packet[40], segment.size())), 0xffffu);
}

}  // namespace
}  // namespace tunvs::unwrap_gue_test
