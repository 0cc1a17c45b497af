#include "packet/segment_length.h"

#include "support/packet_builder.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::segment_length_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;

uint32_t lengthOf(Bytes bytes, Offload offload) {
  ParsedPacket parsed;
  parsePacket({bytes.data(), static_cast<uint32_t>(bytes.size()), offload}, parsed);
  CHECK_EQ(static_cast<int>(parsed.error), 0);
  CHECK(parsed.offload == offload);
  return segmentLength(parsed);
}

Bytes tcp(size_t payload, uint8_t headerWords = 5) {
  Bytes bytes = PacketBuilder().tcp(1000, 80, kTcpAck).payload(payload).build();
  bytes[32] = static_cast<uint8_t>(headerWords << 4);
  return bytes;
}

TEST("a packet to be cut is as long as its longest segment, headers included") {
  const Offload tcp4{.segmentBytes = 1000, .checksumStart = 20, .kind = OffloadKind::tcp4};
  CHECK_EQ(lengthOf(tcp(5000), tcp4), 1040u);
  CHECK_EQ(lengthOf(tcp(5000, 8), tcp4), 1052u);
  CHECK_EQ(lengthOf(tcp(5000, 0), tcp4), 1040u);  // a header length below the shortest is taken for the shortest
  CHECK_EQ(lengthOf(tcp(700), tcp4), 740u);
  CHECK_EQ(lengthOf(tcp(65495), Offload{.segmentBytes = 65535, .checksumStart = 20, .kind = OffloadKind::tcp4}),
           65535u);
  const Offload udp{.segmentBytes = 1000, .checksumStart = 20, .kind = OffloadKind::udp};
  CHECK_EQ(lengthOf(PacketBuilder().udp(1000, 53).payload(5000).build(), udp), 1028u);
  Bytes segment(2000);
  segment[12] = 0x50;
  const Bytes tcp6 = testing::ipv6Packet(testing::address("2001:db8::7"), testing::address("2001:db8::9"), 6, segment);
  CHECK_EQ(lengthOf(tcp6, Offload{.segmentBytes = 1000, .checksumStart = 40, .kind = OffloadKind::tcp6}), 1060u);
}

TEST("a packet that is sent as one is as long as it is") {
  CHECK_EQ(lengthOf(tcp(5000), Offload{}), 5040u);
  CHECK_EQ(lengthOf(tcp(5000), Offload{.checksumStart = 20, .kind = OffloadKind::tcpChecksum}), 5040u);
  // Fields that have no meaning may hold anything.
  CHECK_EQ(lengthOf(tcp(5000), Offload{.segmentBytes = 1000}), 5040u);
  for (const OffloadKind kind : {OffloadKind::tcpChecksum, OffloadKind::udpChecksum})
    CHECK_EQ(lengthOf(tcp(5000), Offload{.segmentBytes = 1000, .checksumStart = 20, .kind = kind}), 5040u);
  for (const OffloadKind kind : {OffloadKind::tcp4, OffloadKind::udp})
    CHECK_EQ(lengthOf(tcp(5000), Offload{.segmentBytes = 0, .checksumStart = 20, .kind = kind}), 5040u);
}

TEST("an offload's checksum begins as much later as there are bytes in front of the packet") {
  const Offload offload{.segmentBytes = 1000, .checksumStart = 20, .kind = OffloadKind::tcp4};
  Offload moved = offload;
  moved.checksumStart = 40;
  CHECK(offload.behind(20) == moved);
  CHECK(offload.behind(0) == offload);
  CHECK(Offload{}.behind(60) == Offload{});
  CHECK_EQ(offload.checksumField(), 16);
  CHECK_EQ((Offload{.checksumStart = 20, .kind = OffloadKind::udpChecksum}).checksumField(), 6);
}

}  // namespace
}  // namespace tunvs::segment_length_test
