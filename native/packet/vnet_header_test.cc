#include "packet/vnet_header.h"

#include <algorithm>

#include "packet/transport_checksum.h"
#include "support/raw_bytes.h"
#include "support/super_packets.h"
#include "support/testing.h"

namespace tunvs::vnet_header_test {
namespace {

using testing::Bytes;
using testing::Exact;
using testing::firstOf;
using testing::PacketBuilder;

constexpr uint8_t kNeedsChecksum = 1, kDataValid = 2;
constexpr uint8_t kTcp4 = 1, kUdpFragments = 3, kTcp6 = 4, kUdp = 5, kEcn = 0x80;

struct Fields {
  uint8_t flags = 0, type = 0;
  uint16_t headerBytes = 0, segmentBytes = 0, checksumStart = 0, checksumField = 0;
};

// A packet with a header in front, both at the edges of a heap block.
struct Read {
  Read(const Fields& fields, const Bytes& bytes) : block(kVnetHeaderBytes + bytes.size()) {
    const uint16_t words[] = {fields.headerBytes, fields.segmentBytes, fields.checksumStart, fields.checksumField};
    block[0] = fields.flags;
    block[1] = fields.type;
    for (size_t i = 0; i < 4; i++) {
      block[2 + 2 * i] = static_cast<uint8_t>(words[i]);
      block[3 + 2 * i] = static_cast<uint8_t>(words[i] >> 8);
    }
    std::copy(bytes.begin(), bytes.end(), block.span().begin() + kVnetHeaderBytes);
    packet = {block.span().data() + kVnetHeaderBytes, static_cast<uint32_t>(bytes.size())};
    isTaken = readVnetHeader(packet);
  }
  Bytes bytes() const { return {packet.data, packet.data + packet.length}; }

  Exact block;
  Packet packet;
  bool isTaken;
};

Bytes tcp(size_t payload, uint8_t flags = kTcpAck) {
  return PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1000, 80, flags).payload(payload).build();
}
Bytes tcpv6(size_t payload) {
  Bytes packet =
      testing::ipv6Tcp(testing::address("2001:db8:1::7"), testing::address("2001:db8::10"), 1000, 80, kTcpAck);
  packet.resize(60 + payload);
  storeBe16(&packet[4], static_cast<uint16_t>(packet.size() - 40));
  return packet;
}
Bytes udp(size_t payload) {
  return PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(1000, 53).payload(payload).build();
}

TEST("a virtio header becomes the offload that it says") {
  const struct {
    Fields fields;
    Bytes bytes;
    Offload offload;
  } table[] = {
      {{}, tcp(10), {}},
      {{.flags = kDataValid, .headerBytes = 9, .checksumStart = 9}, tcp(10), {}},
      {{kNeedsChecksum, 0, 0, 0, 20, 16}, tcp(10), {.checksumStart = 20, .kind = OffloadKind::tcpChecksum}},
      {{kNeedsChecksum, 0, 0, 0, 20, 6}, udp(10), {.checksumStart = 20, .kind = OffloadKind::udpChecksum}},
      {{kNeedsChecksum, kTcp4, 0, 1448, 20, 16}, tcp(9000), {1448, 20, OffloadKind::tcp4}},
      {{kNeedsChecksum, kTcp4 | kEcn, 65535, 8, 20, 16}, tcp(9000), {8, 20, OffloadKind::tcp4}},
      {{kNeedsChecksum, kTcp6, 60, 1428, 40, 16}, tcpv6(9000), {1428, 40, OffloadKind::tcp6}},
      {{kNeedsChecksum, kUdp, 28, 1, 20, 6}, udp(128), {1, 20, OffloadKind::udp}},
  };
  for (const auto& row : table) {
    const Read read(row.fields, row.bytes);
    CHECK(read.isTaken);
    CHECK(read.packet.offload == row.offload);
    CHECK(read.bytes() == row.bytes);
  }
}

TEST("a virtio header that contradicts itself or its packet is refused") {
  const struct {
    Fields fields;
    Bytes bytes;
  } table[] = {
      {{kNeedsChecksum, 0, 0, 0, 20, 16}, firstOf(tcp(0), 37)},  // the checksum's field is not in the packet
      {{kNeedsChecksum, 0, 0, 0, 65535, 65535}, tcp(10)},
      {{kNeedsChecksum, 0, 0, 0, 200, 16}, tcp(10)},
      {{0, kTcp4, 40, 1448, 20, 16}, tcp(9000)},  // segments whose checksums are not to be made
      {{kNeedsChecksum, kTcp4, 40, 0, 20, 16}, tcp(9000)},
      {{kNeedsChecksum, kTcp4, 40, 7, 20, 16}, tcp(9000)},  // shorter than Linux has them
      {{kNeedsChecksum, kTcp4, 40, 1448, 20, 6}, tcp(9000)},
      {{kNeedsChecksum, kTcp4, 40, 1448, 196, 16}, tcp(9000)},
      {{kNeedsChecksum, kTcp4, 40, 1448, 20, 16}, firstOf(tcp(9000), 39)},
      {{kNeedsChecksum, kTcp4, 40, 1448, 40, 16}, tcpv6(9000)},
      {{kNeedsChecksum, kTcp6, 40, 1448, 20, 16}, tcp(9000)},
      {{kNeedsChecksum, kUdp, 28, 1, 20, 6}, udp(129)},  // more datagrams than Linux has them
      {{kNeedsChecksum, kUdp, 28, 100, 20, 16}, udp(1000)},
      {{kNeedsChecksum, kUdpFragments, 28, 1480, 20, 6}, udp(9000)},
      {{kNeedsChecksum, 2, 28, 1480, 20, 6}, udp(9000)},
      {{kNeedsChecksum, kEcn, 40, 1448, 20, 16}, tcp(9000)},
      {{kNeedsChecksum, kTcp4, 40, 1448, 20, 16}, {}},
  };
  for (const auto& row : table) {
    const Read read(row.fields, row.bytes);
    CHECK(!read.isTaken);
    CHECK(read.packet.offload.isNone());
    CHECK(read.bytes() == row.bytes);
  }
}

TEST("a checksum that no offload has words for is finished at once") {
  Bytes echo = PacketBuilder()
                   .ip("198.51.100.7", "192.0.2.10")
                   .protocol(IpProtocol::icmp)
                   .payload(Bytes{8, 0, 0, 0, 1, 2, 3, 4, 5})
                   .build();
  const Read read({kNeedsChecksum, 0, 0, 0, 20, 2}, echo);
  CHECK(read.isTaken);
  CHECK(read.packet.offload.isNone());
  CHECK(transportChecksumIsRight(testing::address("198.51.100.7"), testing::address("192.0.2.10"), 1,
                                 std::span(read.packet.data, read.packet.length).subspan(20)));
}

// Linux leaves the checksum of a packet within VXLAN unfinished since 6.17, and expects only it to change: the outer
// checksum is made for the finished packet.
TEST("the checksum of a packet within a packet is finished at once, and nothing else changes") {
  constexpr size_t kTunnelBytes = 8 + 14;  // VXLAN and Ethernet, whose contents do not matter
  const IpAddress client = testing::address("198.51.100.7"), service = testing::address("192.0.2.10");
  const IpAddress client6 = testing::address("2001:db8:1::7"), service6 = testing::address("2001:db8::10");
  for (const bool isTcp : {true, false}) {
    const testing::SuperPacket inner = isTcp ? testing::tcp4(100, 0) : testing::udp4(100, 0);
    Bytes payload(kTunnelBytes);
    payload.insert(payload.end(), inner.bytes.begin(), inner.bytes.end());
    Bytes datagram(8);
    datagram.insert(datagram.end(), payload.begin(), payload.end());
    const Bytes outers[] = {PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(1000, 4789).payload(payload).build(),
                            testing::ipv6Packet(client6, service6, 17, datagram)};
    for (const Bytes& outer : outers) {
      const size_t transport = outer.size() - (inner.bytes.size() - 20);
      const uint16_t field = isTcp ? 16 : 6;
      const Read read({kNeedsChecksum, 0, 0, 0, static_cast<uint16_t>(transport), field}, outer);
      CHECK(read.isTaken);
      CHECK(read.packet.offload.isNone());
      Bytes after = read.bytes();
      const auto protocol = static_cast<uint8_t>(isTcp ? IpProtocol::tcp : IpProtocol::udp);
      CHECK(transportChecksumIsRight(client, service, protocol, std::span(after).subspan(transport)));
      std::copy_n(outer.begin() + static_cast<ptrdiff_t>(transport + field), 2,
                  after.begin() + static_cast<ptrdiff_t>(transport + field));
      CHECK(after == outer);
    }
  }
}

TEST("what was read is written with the same header, but for the length of headers and what is only a hint") {
  const struct {
    Fields fields;
    Bytes bytes;
  } table[] = {
      {{}, tcp(10)},
      {{kNeedsChecksum, 0, 0, 0, 20, 16}, tcp(10)},
      {{kNeedsChecksum, 0, 0, 0, 20, 6}, udp(10)},
      {{kNeedsChecksum, kTcp4, 40, 1448, 20, 16}, tcp(9000)},
      {{kNeedsChecksum, kTcp4 | kEcn, 40, 1448, 20, 16}, tcp(9000, kTcpAck | 0x80)},
      {{kNeedsChecksum, kTcp6, 60, 1428, 40, 16}, tcpv6(9000)},
      {{kNeedsChecksum, kUdp, 28, 1000, 20, 6}, udp(9000)},
  };
  for (const auto& row : table) {
    Read read(row.fields, row.bytes);
    REQUIRE(read.isTaken);
    const Bytes before = testing::bytesOf(read.block.span());
    std::fill_n(read.block.span().begin(), kVnetHeaderBytes, uint8_t{0xee});
    writeVnetHeader(read.packet.data, read.packet.offload);
    CHECK(testing::bytesOf(read.block.span()) == before);
  }
}

}  // namespace
}  // namespace tunvs::vnet_header_test
