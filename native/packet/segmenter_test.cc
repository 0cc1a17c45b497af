#include "packet/segmenter.h"

#include <algorithm>
#include <vector>

#include "packet/checksum.h"
#include "packet/transport_checksum.h"
#include "support/super_packets.h"
#include "support/testing.h"

namespace tunvs::segmenter_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::parsedOf;
using testing::SuperPacket;
using testing::tcp4;
using testing::tcp6;
using testing::udp4;
using testing::unfinish;

constexpr uint8_t kEce = 0x40, kCwr = 0x80, kPsh = 0x08;

std::vector<Bytes> cut(SuperPacket& whole) {
  std::vector<Bytes> made;
  Segmenter segments(whole.output());
  while (!segments.isDone()) {
    // A buffer of its own for each, so that a sanitizer sees what is written beyond it.
    Bytes room(segments.longestBytes());
    room.resize(segments.next(room));
    made.push_back(std::move(room));
  }
  CHECK_EQ(made.size(), segments.count());
  return made;
}

bool transportIsRight(const Bytes& bytes, const ParsedPacket& parsed, size_t outerBytes) {
  return transportChecksumIsRight(parsed.key.client(), parsed.key.virtualAddress(), parsed.protocol,
                                  std::span(bytes).subspan(outerBytes + parsed.transport));
}

// Checks what holds for the segments of any packet, whatever made it.
void checkLaws(SuperPacket& whole) {
  const std::vector<Bytes> made = cut(whole);
  REQUIRE(!made.empty());
  const ParsedPacket wholeParsed = parsedOf(whole.bytes, whole.outerBytes);
  const uint8_t* const wholeTransport = whole.bytes.data() + whole.outerBytes + wholeParsed.transport;
  const bool isTcp = wholeParsed.protocol == 6;
  const size_t headers = whole.outerBytes + wholeParsed.transport + (isTcp ? (wholeTransport[12] >> 4) * 4u : 8u);
  Bytes payload;
  for (size_t i = 0; i < made.size(); i++) {
    Bytes segment = made[i];
    const ParsedPacket parsed = parsedOf(segment, whole.outerBytes);
    if (!CHECK(parsed.error == ParseError::none)) return;
    CHECK_EQ(parsed.length, segment.size() - whole.outerBytes);
    CHECK_EQ(parsed.transport, wholeParsed.transport);
    CHECK(parsed.key == wholeParsed.key);
    CHECK(transportIsRight(segment, parsed, whole.outerBytes));
    const uint8_t* const transport = segment.data() + whole.outerBytes + parsed.transport;
    if (isTcp) {
      CHECK_EQ(loadBe32(transport + 4), static_cast<uint32_t>(loadBe32(wholeTransport + 4) + payload.size()));
      CHECK(std::equal(transport + 20, static_cast<const uint8_t*>(segment.data()) + headers, wholeTransport + 20));
    } else {
      CHECK_EQ(loadBe16(transport + 4), segment.size() - whole.outerBytes - parsed.transport);
    }
    if (parsed.key.isV4())
      CHECK_EQ(loadBe16(&segment[whole.outerBytes + 4]),
               static_cast<uint16_t>(loadBe16(&whole.bytes[whole.outerBytes + 4]) + i));
    const size_t bytes = segment.size() - headers;
    CHECK(bytes == whole.offload.segmentBytes || (i + 1 == made.size() && bytes <= whole.offload.segmentBytes));
    payload.insert(payload.end(), segment.begin() + static_cast<ptrdiff_t>(headers), segment.end());
  }
  CHECK(payload == Bytes(whole.bytes.begin() + static_cast<ptrdiff_t>(headers), whole.bytes.end()));
}

// Puts an outer IPv4 or IPv6 header and `own`, the tunnel's own header, in front.
SuperPacket behind(const SuperPacket& inner, bool isV4, uint8_t protocol, const Bytes& own, bool dontFragment = true) {
  Bytes outer(isV4 ? 20 : 40, 0);
  outer.insert(outer.end(), own.begin(), own.end());
  const size_t total = outer.size() + inner.bytes.size();
  if (isV4) {
    outer[0] = 0x45;
    storeBe16(&outer[2], static_cast<uint16_t>(total));
    storeBe16(&outer[4], dontFragment ? 0 : 500);
    outer[6] = dontFragment ? 0x40 : 0;
    outer[8] = 63;
    outer[9] = protocol;
    outer[12] = 10;
    outer[16] = 10;
    const Be16 check = checksum(outer.data(), 20);
    std::memcpy(&outer[10], &check.raw, 2);
  } else {
    outer[0] = 0x60;
    storeBe16(&outer[4], static_cast<uint16_t>(total - 40));
    outer[6] = protocol;
    outer[7] = 63;
    outer[8] = outer[24] = 0x20;
  }
  if (protocol == 17) storeBe16(&outer[isV4 ? 24 : 44], static_cast<uint16_t>(total - (isV4 ? 20 : 40)));
  SuperPacket whole{outer, inner.offload.behind(static_cast<uint32_t>(outer.size())), outer.size()};
  whole.bytes.insert(whole.bytes.end(), inner.bytes.begin(), inner.bytes.end());
  return whole;
}

}  // namespace

TEST("segments have the payload of the whole, and headers and checksums of their own, at every length") {
  for (const size_t payload : {0u, 1u, 99u, 100u, 101u, 199u, 200u, 777u, 65000u}) {
    for (const uint16_t segment : {8, 99, 100, 1448, 65000}) {
      SuperPacket packets[] = {tcp4(payload, segment), udp4(payload, segment), tcp6(payload, segment, 0),
                               tcp6(payload, segment, 3)};
      for (SuperPacket& whole : packets) {
        checkLaws(whole);
        CHECK_EQ(Segmenter(whole.output()).count(), std::max<size_t>((payload + segment - 1) / segment, 1));
      }
    }
  }
}

TEST("FIN and PSH are the last segment's alone, CWR the first's, and the other flags everybody's") {
  SuperPacket whole = tcp4(350, 100, kTcpAck | kTcpFin | kPsh | kEce | kCwr);
  const std::vector<Bytes> made = cut(whole);
  REQUIRE(made.size() == 4);
  CHECK_EQ(made[0][33], kTcpAck | kEce | kCwr);
  CHECK_EQ(made[1][33], kTcpAck | kEce);
  CHECK_EQ(made[2][33], kTcpAck | kEce);
  CHECK_EQ(made[3][33], kTcpAck | kEce | kTcpFin | kPsh);
  SuperPacket single = tcp4(50, 100, kTcpAck | kTcpFin | kPsh | kCwr);
  const std::vector<Bytes> one = cut(single);
  REQUIRE(one.size() == 1);
  CHECK_EQ(one[0][33], kTcpAck | kTcpFin | kPsh | kCwr);
}

TEST("sequence numbers and identifications go on beyond their greatest value") {
  SuperPacket whole = tcp4(1000, 100);
  storeBe32(&whole.bytes[24], 0xffffff00);
  checkLaws(whole);
  const std::vector<Bytes> made = cut(whole);
  CHECK_EQ(loadBe32(&made[3][24]), 0x2cu);
  CHECK_EQ(loadBe16(&made[6][4]), 0u);
}

TEST("the options of IPv4 and of TCP are in each segment") {
  SuperPacket whole{PacketBuilder()
                        .ip("198.51.100.7", "192.0.2.10")
                        .options({1, 1, 148, 4, 0, 0})
                        .tcp(1000, 80, kTcpAck)
                        .payload(512)
                        .build(),
                    {.segmentBytes = 100, .checksumStart = 28, .kind = OffloadKind::tcp4}};
  whole.bytes[28 + 12] = 0x80;  // 12 bytes of what was payload are timestamps
  const uint8_t timestamps[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  std::copy(std::begin(timestamps), std::end(timestamps), &whole.bytes[48]);
  unfinish(whole);
  checkLaws(whole);
  CHECK_EQ(cut(whole).size(), 5u);
}

TEST("a segment has an outer header of its own, of every kind that needs no checksum") {
  const Bytes gre{0, 0, 8, 0}, udp{0xc0, 0, 0x17, 0xc0, 0, 0, 0, 0, 0, 4, 0, 0};
  const struct {
    uint8_t protocol;
    const Bytes own;
  } table[] = {{4, {}}, {47, gre}, {17, udp}};
  for (const auto& row : table) {
    for (const bool isV4 : {true, false}) {
      for (const bool dontFragment : {true, false}) {
        SuperPacket whole = behind(tcp4(3333, 1000), isV4, row.protocol, row.own, dontFragment);
        checkLaws(whole);
        uint16_t index = 0;
        for (const Bytes& segment : cut(whole)) {
          if (!isV4) {
            CHECK_EQ(loadBe16(&segment[4]), segment.size() - 40);
          } else {
            CHECK_EQ(loadBe16(&segment[2]), segment.size());
            CHECK_EQ(loadBe16(&segment[4]), dontFragment ? 0 : 500 + index);
            CHECK_EQ(checksumFold(checksumAdd(segment.data(), 20)), 0xffff);
          }
          if (row.protocol == 17) {
            const size_t ip = isV4 ? 20 : 40;
            CHECK_EQ(loadBe16(&segment[ip + 4]), segment.size() - ip);
            CHECK_EQ(loadBe16(&segment[ip + 6]), 0u);
          }
          index++;
        }
      }
    }
  }
}

TEST("a datagram's checksum that would be 0 becomes 0xffff") {
  SuperPacket whole = udp4(12, 6);
  // With all else zero, the two bytes of payload that make the sum 0xffff are the complement of the rest.
  std::fill(whole.bytes.begin() + 28, whole.bytes.end(), uint8_t{0});
  unfinish(whole);
  const std::vector<Bytes> before = cut(whole);
  std::copy_n(before[0].begin() + 26, 2, whole.bytes.begin() + 28);
  const std::vector<Bytes> made = cut(whole);
  REQUIRE(made.size() == 2);
  CHECK_EQ(loadBe16(&made[0][26]), 0xffffu);
  checkLaws(whole);
}

TEST("what can't be cut as its offload says is not cut at all") {
  const auto isRefused = [](SuperPacket whole) { return Segmenter(whole.output()).count() == 0; };
  const auto with = [](Offload offload) {
    SuperPacket whole = tcp4(500, 100);
    whole.offload = offload;
    return whole;
  };
  const Offload good = tcp4(500, 100).offload;
  CHECK(!isRefused(with(good)));
  CHECK(isRefused(with({})));
  CHECK(isRefused(with({.segmentBytes = 100, .checksumStart = 20, .kind = OffloadKind::tcpChecksum})));
  CHECK(isRefused(with({.segmentBytes = 0, .checksumStart = 20, .kind = OffloadKind::tcp4})));
  CHECK(isRefused(with({.segmentBytes = 100, .checksumStart = 20, .kind = OffloadKind::tcp6})));
  CHECK(isRefused(with({.segmentBytes = 100, .checksumStart = 19, .kind = OffloadKind::tcp4})));
  SuperPacket shortened = tcp4(500, 100);
  shortened.bytes.resize(39);
  CHECK(isRefused(shortened));
  SuperPacket offset = tcp4(500, 100);
  offset.bytes[32] = 0x40;  // a TCP header of 16 bytes
  CHECK(isRefused(offset));
  SuperPacket longer = tcp4(10, 5);
  longer.bytes[32] = 0xf0;  // one of 60 bytes, and there are but 30
  CHECK(isRefused(longer));
  SuperPacket outer = behind(tcp4(500, 100), true, 4, {});
  outer.outerBytes = 19;
  CHECK(isRefused(outer));
  outer.outerBytes = 21;
  CHECK(isRefused(outer));
  SuperPacket halfUdp = behind(tcp4(500, 100), true, 17, Bytes(12));
  halfUdp.outerBytes = 24;
  CHECK(isRefused(halfUdp));
}

}  // namespace tunvs::segmenter_test
