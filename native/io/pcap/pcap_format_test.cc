#include "io/pcap/pcap_format.h"

#include <bit>

#include "core/inet.h"
#include "support/testing.h"

namespace tunvs::pcap_format_test {
namespace {

using Bytes = std::vector<uint8_t>;

struct Shape {
  bool isSwapped = false;  // the byte order that this machine does not have
  bool isNanosecond = false;
  uint32_t linkType = 101;
};

void put32(Bytes& to, uint32_t value, const Shape& shape) {
  if (shape.isSwapped) value = __builtin_bswap32(value);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + 4);
}

Bytes fileHeader(const Shape& shape) {
  Bytes bytes;
  put32(bytes, shape.isNanosecond ? 0xa1b23c4d : 0xa1b2c3d4, shape);
  const bool isLittle = (std::endian::native == std::endian::little) != shape.isSwapped;
  for (const uint8_t part : {2, 4}) {
    bytes.push_back(isLittle ? part : 0);
    bytes.push_back(isLittle ? 0 : part);
  }
  for (const uint32_t value : {0u, 0u, 65535u, shape.linkType}) put32(bytes, value, shape);
  return bytes;
}

Bytes record(const Bytes& frame, const Shape& shape, uint32_t original = 0, uint32_t fraction = 500) {
  Bytes bytes;
  put32(bytes, 7, shape);
  put32(bytes, fraction, shape);
  put32(bytes, static_cast<uint32_t>(frame.size()), shape);
  put32(bytes, original == 0 ? static_cast<uint32_t>(frame.size()) : original, shape);
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  return bytes;
}

Bytes ipv4(size_t length) {
  Bytes packet(length, 0xaa);
  packet[0] = 0x45;
  storeBe16(&packet[2], static_cast<uint16_t>(length));
  return packet;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes asBytes(std::span<const uint8_t> span) { return {span.begin(), span.end()}; }

TEST("all four forms of a pcap file are read: both byte orders, micro- and nanoseconds") {
  for (const bool isSwapped : {false, true}) {
    for (const bool isNanosecond : {false, true}) {
      const Shape shape{isSwapped, isNanosecond};
      auto parser = PcapParser::start(fileHeader(shape));
      REQUIRE(parser.ok());
      const Bytes bytes = record(ipv4(40), shape);
      const auto step = parser->next(bytes);
      REQUIRE(step.ok() && step.value().packet);
      CHECK_EQ(step.value().consumed, bytes.size());
      CHECK_EQ(step.value().packet->timeNs, isNanosecond ? 7'000'000'500u : 7'000'500'000u);
      CHECK_EQ(asBytes(step.value().packet->bytes), ipv4(40));
    }
  }
}

TEST("a record that is incomplete asks for the bytes it needs") {
  const Shape shape;
  auto parser = PcapParser::start(fileHeader(shape));
  REQUIRE(parser.ok());
  const Bytes bytes = record(ipv4(40), shape);
  for (size_t length = 0; length < bytes.size(); length++) {
    const auto step = parser->next(std::span(bytes).first(length));
    REQUIRE(step.ok());
    CHECK_EQ(step.value().consumed, 0u);
    CHECK_EQ(step.value().needed, length < 16 ? 16u : 56u);
  }
}

TEST("a record that claims more than a capture can hold is an error that names it") {
  const Shape shape;
  auto parser = PcapParser::start(fileHeader(shape));
  REQUIRE(parser.ok());
  CHECK(parser->next(record(ipv4(40), shape)).ok());
  Bytes lying = record(ipv4(40), shape);
  lying[10] = 0xff;
  lying[11] = 0xff;
  const auto step = parser->next(lying);
  REQUIRE(!step.ok());
  CHECK(step.error().message.find("record 2 says it holds 4294901") != std::string::npos);
}

TEST("what can't be replayed is skipped and counted by its reason") {
  const Shape shape{.linkType = 1};
  auto parser = PcapParser::start(fileHeader(shape));
  REQUIRE(parser.ok());
  const Bytes arp = Bytes(12, 1) + Bytes{0x08, 0x06} + Bytes(28, 0);
  const Bytes shortFrame(13, 0);
  const Bytes wrongVersion = Bytes(12, 1) + Bytes{0x08, 0x00} + Bytes(30, 0x70);
  const Bytes huge = Bytes(12, 1) + Bytes{0x08, 0x00, 0x45, 0, 0, 0} + Bytes(70000, 0);
  for (const Bytes& frame : {arp, shortFrame, wrongVersion, huge}) {
    const auto step = parser->next(record(frame, shape));
    REQUIRE(step.ok());
    CHECK(step.value().consumed > 0 && !step.value().packet);
  }
  CHECK(!parser->next(record(Bytes(12, 1) + Bytes{0x08, 0x00} + ipv4(40), shape, 1500)).value().packet);
  CHECK_EQ(parser->skipped().notIp, 3u);
  CHECK_EQ(parser->skipped().oversized, 1u);
  CHECK_EQ(parser->skipped().truncated, 1u);
  CHECK_EQ(parser->packets(), 0u);
}

TEST("the IP packet is found behind every supported link header") {
  const Bytes packet = ipv4(40);
  Bytes packet6(60, 0xbb);
  packet6[0] = 0x60;
  storeBe16(&packet6[4], 20);
  const Bytes macs(12, 1);
  const Bytes tag = {0x81, 0x00, 0x00, 0x05};
  struct Row {
    const char* what;
    PcapLinkType linkType;
    Bytes frame;
    Bytes expected;
  };
  const Row rows[] = {
      {"raw", PcapLinkType::raw, packet, packet},
      {"raw with IPv6", PcapLinkType::rawBsd, packet6, packet6},
      {"OpenBSD raw", PcapLinkType::rawOpenBsd, packet, packet},
      {"IPv4", PcapLinkType::ipv4, packet, packet},
      {"IPv6", PcapLinkType::ipv6, packet6, packet6},
      {"raw keeps what lies behind the packet", PcapLinkType::raw, packet + Bytes(6, 0), packet + Bytes(6, 0)},
      {"Ethernet", PcapLinkType::ethernet, macs + Bytes{0x08, 0x00} + packet, packet},
      {"Ethernet with padding", PcapLinkType::ethernet, macs + Bytes{0x08, 0x00} + packet + Bytes(6, 0), packet},
      {"Ethernet with IPv6 and padding", PcapLinkType::ethernet, macs + Bytes{0x86, 0xdd} + packet6 + Bytes(4, 0),
       packet6},
      {"one VLAN tag", PcapLinkType::ethernet, macs + tag + Bytes{0x08, 0x00} + packet, packet},
      {"two VLAN tags", PcapLinkType::ethernet, macs + Bytes{0x88, 0xa8, 0, 9} + tag + Bytes{0x08, 0x00} + packet,
       packet},
      {"a VLAN tag cut short", PcapLinkType::ethernet, macs + Bytes{0x81, 0x00, 0x00}, {}},
      {"802.3 length", PcapLinkType::ethernet, macs + Bytes{0x00, 0x40} + packet, {}},
      {"Linux cooked", PcapLinkType::linuxCooked, Bytes(14, 0) + Bytes{0x08, 0x00} + packet, packet},
      {"Linux cooked 2", PcapLinkType::linuxCooked2, Bytes{0x08, 0x00} + Bytes(18, 0) + packet, packet},
      {"a lying length stays as it is", PcapLinkType::ethernet,
       macs + Bytes{0x08, 0x00} + Bytes{0x45, 0, 0, 3} + Bytes(40, 0), Bytes{0x45, 0, 0, 3} + Bytes(40, 0)},
      {"nothing", PcapLinkType::raw, {}, {}},
  };
  for (const Row& row : rows) {
    if (!CHECK_EQ(asBytes(ipPacketOf(row.linkType, row.frame)), row.expected)) {
      testing::fail(__FILE__, __LINE__, std::string("for: ") + row.what);
    }
  }
}

TEST("a file that is not a classic pcap is refused with the way to mend it") {
  Bytes badVersion = fileHeader({});
  badVersion[4] = badVersion[5] = 9;
  Bytes cutHeader = fileHeader({});
  cutHeader.pop_back();
  struct Row {
    Bytes header;
    const char* says;
  };
  const Row rows[] = {
      {{}, "tcpdump -w"},
      {{1, 2, 3}, "tcpdump -w"},
      {Bytes(24, 'x'), "magic number: capture with tcpdump -w"},
      {Bytes{0x0a, 0x0d, 0x0d, 0x0a} + Bytes(20, 0), "editcap -F pcap"},
      {Bytes{0x1f, 0x8b} + Bytes(22, 0), "gunzip"},
      {Bytes{0x34, 0xcd, 0xb2, 0xa1} + Bytes(20, 0), "modified"},
      {cutHeader, "cut off"},
      {badVersion, "version"},
      {fileHeader({.linkType = 105}), "link type 105"},
  };
  for (const Row& row : rows) {
    const auto parser = PcapParser::start(row.header);
    if (CHECK(!parser.ok())) CHECK(parser.error().message.find(row.says) != std::string::npos);
  }
}

TEST("what is written is read back the same, at whole microseconds") {
  Bytes file;
  appendPcapHeader(file);
  const Bytes packet = ipv4(52);
  appendPcapRecord(file, {1'700'000'000'123'456'789, packet});
  auto parser = PcapParser::start(file);
  REQUIRE(parser.ok());
  CHECK_EQ(static_cast<uint32_t>(parser->linkType()), 101u);
  const auto step = parser->next(std::span(file).subspan(kPcapFileHeaderBytes));
  REQUIRE(step.ok() && step.value().packet);
  CHECK_EQ(step.value().packet->timeNs, 1'700'000'000'123'456'000u);
  CHECK_EQ(asBytes(step.value().packet->bytes), packet);
}

}  // namespace
}  // namespace tunvs::pcap_format_test
