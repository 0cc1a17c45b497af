// What is sent does not depend on how many packets come at once. The vectors here overflow in their middle, with
// answers and outer fragments that the director makes between packets that it forwards.
#include "packet/output_vector.h"

#include "packet/icmp.h"
#include "support/collected_output.h"
#include "support/random.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::output_vector_test {
namespace {

using testing::Bytes;
using testing::CollectedOutput;
using testing::HeldPacket;
using testing::naiveSum;
using testing::PacketBuilder;
using testing::Random;
using testing::SentPacket;
using testing::TestDirector;

const IpAddress kVip = TestDirector::kWeb.address;

IpAddress clientOf(uint32_t number) { return IpAddress::v4(Be32::from(0xc6336400 + number % 250 + 1)); }

Bytes ping(uint32_t client, size_t bytes) {
  Bytes message(8 + bytes, static_cast<uint8_t>(client));
  message[0] = icmp4::kEchoRequest;
  message[1] = 0;
  storeBe16(&message[2], 0);
  const Be16 check = checksum(message.data(), message.size());
  std::memcpy(&message[2], &check.raw, 2);
  return PacketBuilder().ip(clientOf(client), kVip).protocol(IpProtocol::icmp).payload(message).build();
}

// Makes the pieces of a datagram of `count` times 8 bytes, the first one last: they wait, and all leave at once.
std::vector<Bytes> tinyPieces(uint32_t client, uint16_t identification, size_t count) {
  const auto piece = [&](size_t i) {
    PacketBuilder builder = PacketBuilder().ip(clientOf(client), kVip).identification(identification);
    builder.fragmentOffset(static_cast<uint16_t>(8 * i));
    if (i + 1 < count) builder.moreFragments();
    if (i == 0) return builder.udp(static_cast<uint16_t>(1024 + client), 53).build();
    return builder.protocol(IpProtocol::udp).payload(8).build();
  };
  std::vector<Bytes> pieces;
  for (size_t i = 1; i < count; i++) pieces.push_back(piece(i));
  pieces.push_back(piece(0));
  return pieces;
}

class MixedTraffic {
 public:
  explicit MixedTraffic(uint64_t seed) : random_(seed) {}

  std::vector<Bytes> make(size_t count) {
    std::vector<Bytes> made;
    while (made.size() < count) {
      const auto client = static_cast<uint32_t>(random_.below(200));
      const auto port = static_cast<uint16_t>(2000 + random_.below(500));
      PacketBuilder builder = PacketBuilder().ip(clientOf(client), kVip);
      switch (random_.below(7)) {
        case 0: made.push_back(ping(client, random_.below(1400))); break;
        case 1: made.push_back(builder.tcp(port, 81, kTcpSyn).build()); break;                    // reset
        case 2: made.push_back(builder.udp(port, 54).payload(random_.below(99)).build()); break;  // port unreachable
        case 3: made.push_back(builder.tcp(port, 80, kTcpSyn).build()); break;
        case 4: made.push_back(builder.udp(port, 53).payload(random_.below(9000)).build()); break;  // outer fragments
        case 5: made.push_back(builder.udp(port, 53).dontFragment().payload(2000).build()); break;  // too big
        default:
          for (auto& piece : tinyPieces(client, static_cast<uint16_t>(1 + identification_++), 2 + random_.below(127)))
            made.push_back(std::move(piece));
      }
    }
    return made;
  }

 private:
  Random random_;
  uint32_t identification_ = 0;
};

struct Subject : TestDirector {
  Subject() {
    addService();
    addServer(11);
    addServer(12);
    addService("rr", kNames);
    addServer(13, {}, kNames);
    addServer(14, {}, kNames);
  }

  std::vector<SentPacket> process(std::span<const Bytes> packets) {
    std::vector<HeldPacket> held;
    std::vector<Packet> vector;
    for (const auto& bytes : packets) vector.push_back(held.emplace_back(bytes).packet());
    director.process(0, vector, now, output.out);
    flushes += output.flushes();
    return output.take();
  }

  CollectedOutput output;
  size_t flushes = 0;  // in the middle of a vector
};

// Checks an outer packet or an answer: its own header is right, and it goes to its destination address.
bool isSound(const SentPacket& sent) {
  const Bytes& bytes = sent.bytes;
  if (bytes.size() < 20 || bytes[0] != 0x45 || loadBe16(&bytes[2]) != bytes.size()) return false;
  if (naiveSum(bytes.data(), 20) != 0xffff || std::memcmp(&bytes[16], sent.nextHop.bytes.data(), 4) != 0) return false;
  if (bytes[9] == static_cast<uint8_t>(IpProtocol::icmp)) return naiveSum(&bytes[20], bytes.size() - 20) == 0xffff;
  return true;
}

}  // namespace

TEST("an answer made when a datagram of 128 fragments has filled the vector is the right one") {
  Subject t;
  const auto pieces = tinyPieces(1, 7, 128);
  for (const auto& piece : std::span(pieces).first(127)) t.process(std::span(&piece, 1));
  std::vector<Bytes> packets{pieces[127]};
  for (uint32_t client = 2; client < 40; client++) packets.push_back(ping(client, 100 + client));
  const auto sent = t.process(packets);
  CHECK_EQ(t.flushes, 1u);
  REQUIRE(sent.size() == 128 + 38);
  for (uint32_t client = 2; client < 40; client++) {
    const SentPacket& reply = sent[126 + client];
    CHECK_EQ(reply.nextHop, clientOf(client));
    CHECK_EQ(reply.bytes.size(), 128u + client);
    CHECK(isSound(reply));
    CHECK_EQ(reply.bytes[28], client);
  }
}

TEST("the same bytes leave whether packets come one by one or in vectors of any size") {
  size_t flushes = 0;
  for (uint64_t seed = 1; seed <= 12; seed++) {
    const auto packets = MixedTraffic(seed).make(600);
    Subject alone, together;
    std::vector<SentPacket> expected, got;
    for (const auto& packet : packets) {
      for (auto& sent : alone.process(std::span(&packet, 1))) expected.push_back(std::move(sent));
    }
    Random random(seed);
    for (size_t at = 0; at < packets.size();) {
      const size_t count =
          std::min<size_t>(packets.size() - at, seed % 3 == 0 ? kVectorSize : 1 + random.below(kVectorSize));
      for (auto& sent : together.process(std::span(packets).subspan(at, count))) got.push_back(std::move(sent));
      at += count;
    }
    REQUIRE(got.size() == expected.size());
    flushes += together.flushes;
    for (size_t i = 0; i < got.size(); i++) {
      if (!CHECK(isSound(got[i])) || !CHECK(got[i].bytes == expected[i].bytes)) return;
      CHECK_EQ(got[i].nextHop, expected[i].nextHop);
    }
  }
  CHECK(flushes > 0);
}

}  // namespace tunvs::output_vector_test
