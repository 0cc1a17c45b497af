#include "ftp/replace_payload.h"

#include <string>

#include "support/packet_builder.h"
#include "support/random.h"
#include "support/replace_laws.h"
#include "support/testing.h"

namespace tunvs::replace_payload_test {
namespace {

using testing::Bytes;
using testing::Laws;
using testing::PacketBuilder;
using testing::Random;
using testing::Replacing;
using testing::operator+;

const IpAddress kClient6 = testing::address("2001:db8:5::9"), kServer6 = testing::address("2001:db8::11");

Bytes bytesOfText(std::string_view text) { return {text.begin(), text.end()}; }

Bytes ftpPacket(std::string_view text) {
  return PacketBuilder().ip("10.0.0.11", "172.16.5.9").tcp(21, 20001, kTcpAck).payload(bytesOfText(text)).build();
}

// Makes a TCP segment with options, and a right checksum between these addresses.
Bytes tcpSegment(const IpAddress& source, const IpAddress& destination, size_t optionBytes, const Bytes& payload) {
  Bytes segment(20 + optionBytes, 1);
  segment[12] = static_cast<uint8_t>((20 + optionBytes) / 4 << 4);
  segment[13] = kTcpAck;
  segment = segment + payload;
  testing::seal(segment, 16, pseudoHeaderSum(source, destination, 6, static_cast<uint32_t>(segment.size())));
  return segment;
}

// Makes any packet with TCP, and any place in it.
Replacing randomReplacing(Random& random) {
  Replacing call;
  const Bytes payload = testing::noise(random, random.below(200));
  const size_t optionBytes = random.below(11) * 4;
  if (random.oneIn(2)) {
    const IpAddress source = IpAddress::v4(10, 0, 0, 11), destination = IpAddress::v4(172, 16, 5, 9);
    call.packet = testing::ipv4Packet(source, destination, 6, tcpSegment(source, destination, optionBytes, payload));
    const size_t ipOptions = random.below(11) * 4;
    call.packet.insert(call.packet.begin() + 20, ipOptions, uint8_t{1});
    call.packet[0] = static_cast<uint8_t>(0x45 + ipOptions / 4);
    storeBe16(&call.packet[2], static_cast<uint16_t>(call.packet.size()));
    call.transport = 20 + ipOptions;
    testing::seal(std::span(call.packet).first(call.transport), 10);
  } else {
    const size_t extensions = random.below(3) * 8;
    const Bytes behind = Bytes(extensions, 0) + tcpSegment(kServer6, kClient6, optionBytes, payload);
    call.packet = testing::ipv6Packet(kServer6, kClient6, 6, behind);
    call.transport = 40 + extensions;
  }
  if (random.oneIn(2)) storeBe16(&call.packet[call.transport + 16], static_cast<uint16_t>(random.next()));
  if (random.oneIn(4)) call.packet[10] ^= 0x21;
  if (random.oneIn(4)) call.offload.kind = random.oneIn(2) ? OffloadKind::tcpChecksum : OffloadKind::tcp4;
  call.range.offset = random.below(static_cast<uint32_t>(payload.size()) + 1);
  call.range.bytes = random.below(static_cast<uint32_t>(payload.size() - call.range.offset) + 1);
  const Bytes text = testing::noise(random, random.below(60));
  call.text.assign(text.begin(), text.end());
  call.capacity = call.packet.size() + 60;
  return call;
}

TEST("replaced text makes the packet that a server would have sent with it") {
  for (const char* text : {"192,168,50,100,195,80", "1,1,1,1,1,1", "10,0,0,12,195,80", ""}) {
    Bytes room = ftpPacket("227 (10,0,0,11,195,80).\r\n");
    const size_t length = room.size();
    room.resize(length + 5);
    const auto made = replacePayload(room, length, 20, {5, 16}, text);
    REQUIRE(made);
    room.resize(*made);
    CHECK(room == ftpPacket("227 (" + std::string(text) + ").\r\n"));
  }
}

TEST("replacing keeps its laws in any packet, and replacing back is the identity") {
  Random random(959);
  size_t replaced = 0;
  for (uint32_t i = 0; i < 20000 / testing::kFewer; i++) {
    Laws laws;
    replaced += testing::checkReplacing(randomReplacing(random), laws) != 0 ? 1 : 0;
    if (!CHECK_EQ(laws.broken(), "")) return;
  }
  CHECK_EQ(replaced, 20000 / testing::kFewer);
}

TEST("a packet whose headers lie is refused and left alone, or keeps the laws") {
  Random random(2428);
  size_t replaced = 0, refused = 0;
  for (uint32_t i = 0; i < 20000 / testing::kFewer; i++) {
    Replacing call = randomReplacing(random);
    for (uint32_t changes = 1 + random.below(3); changes > 0; changes--)
      call.packet[random.below(static_cast<uint32_t>(std::min<size_t>(call.packet.size(), call.transport + 20)))] =
          static_cast<uint8_t>(random.next());
    if (random.oneIn(4)) call.packet.resize(random.below(static_cast<uint32_t>(call.packet.size())));
    if (random.oneIn(4)) call.transport = random.below(120);
    if (random.oneIn(4)) call.range = {random.below(300), random.below(300)};
    if (random.oneIn(8)) call.range = {random.next(), random.next()};
    call.capacity = call.packet.size() + random.below(60);
    Laws laws;
    (testing::checkReplacing(call, laws) != 0 ? replaced : refused)++;
    if (!CHECK_EQ(laws.broken(), "")) return;
  }
  CHECK(replaced > 500 && refused > 500);
}

TEST("a packet grows up to its room and up to 65,535 bytes, and no further") {
  Bytes room = ftpPacket("227 (1)\r\n");
  const size_t length = room.size();
  room.resize(length + 3);
  const Bytes before = room;
  CHECK(!replacePayload(room, length, 20, {5, 1}, "12345"));
  CHECK(room == before);
  CHECK_EQ(replacePayload(room, length, 20, {5, 1}, "1234").value_or(0), length + 3);

  for (const bool isV4 : {true, false}) {
    const IpAddress source = isV4 ? IpAddress::v4(10, 0, 0, 11) : kServer6;
    const IpAddress destination = isV4 ? IpAddress::v4(172, 16, 5, 9) : kClient6;
    const size_t headers = isV4 ? 20 : 40;
    const Bytes segment = tcpSegment(source, destination, 0, Bytes(65530 - headers - 20, 'x'));
    Bytes large = isV4 ? testing::ipv4Packet(source, destination, 6, segment)
                       : testing::ipv6Packet(source, destination, 6, segment);
    large.resize(70000);
    CHECK(!replacePayload(large, 65530, headers, {7, 1}, "1234567"));
    CHECK_EQ(replacePayload(large, 65530, headers, {7, 1}, "123456").value_or(0), 65535);
    CHECK_EQ(testing::tcpErrorOf(std::span(large).first(65535), headers, {}), 0);
  }
}

TEST("a packet with padding behind it is refused until its length is its own") {
  Bytes room = ftpPacket("227 (1)\r\n");
  const size_t length = room.size();
  room.resize(length + 10, 0xee);
  CHECK(!replacePayload(room, length + 6, 20, {5, 1}, "22"));
  CHECK_EQ(replacePayload(room, length, 20, {5, 1}, "22").value_or(0), length + 1);
}

TEST("an unfinished checksum is that of the new length") {
  Bytes room = ftpPacket("227 (10,0,0,11,195,80).\r\n");
  const size_t length = room.size();
  const auto unfinished = [](const Bytes& packet, size_t bytes) {
    return checksumFold(tcpPseudoSum(packet.data(), bytes - 20));
  };
  const uint16_t before = unfinished(room, length);
  std::memcpy(&room[36], &before, 2);
  room.resize(length + 5);
  const Offload offload{0, 20, OffloadKind::tcpChecksum};
  const auto made = replacePayload(room, length, 20, {5, 16}, "192,168,50,100,195,80", offload);
  REQUIRE(made == length + 5);
  CHECK_EQ(loadUnaligned<uint16_t>(&room[36]), unfinished(room, *made));
}

}  // namespace
}  // namespace tunvs::replace_payload_test
