// What LVS/NAT does with packets that are not simply whole: fragments, ICMP errors, ones that are too long, ones that
// are still to be cut, in both directions.
#include "packet/finish_checksum.h"
#include "packet/segmenter.h"
#include "packet/transport_checksum.h"
#include "support/collected_output.h"
#include "support/nat_director.h"

namespace tunvs::nat_packets_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::exchanged;
using testing::HeldPacket;
using testing::NatDirector;
using testing::PacketBuilder;

const ServiceKey kWeb = NatDirector::kWeb, kNames = NatDirector::kNames;
const IpAddress kServer = IpAddress::v4(10, 0, 0, 11), kRouter = IpAddress::v4(203, 0, 113, 9);

struct Subject : NatDirector {
  explicit Subject(uint32_t pathMtu = 1500) : NatDirector(options(pathMtu)) {
    addService();
    addNat(11, 8080);
    addService("rr", kNames);
    addNat(11, 5353, kNames);
  }
  static DirectorOptions options(uint32_t pathMtu) {
    DirectorOptions made = defaultOptions();
    made.settings.pathMtu = pathMtu;
    return made;
  }
  // Sends packets as one vector. Returns all that left.
  std::vector<Bytes> all(const std::vector<Bytes>& packets, std::vector<std::string>* verdicts = nullptr) {
    std::vector<HeldPacket> held;
    std::vector<Packet> vector;
    for (const Bytes& each : packets) held.emplace_back(each);
    for (HeldPacket& each : held) vector.push_back(each.packet());
    Verdict made[kVectorSize];
    director.process(0, vector, now, collected.out, made);
    if (verdicts != nullptr) {
      for (size_t i = 0; i < packets.size(); i++) verdicts->emplace_back(kVerdictNames[static_cast<size_t>(made[i])]);
    }
    std::vector<Bytes> sent;
    for (auto& each : collected.take()) sent.push_back(each.bytes);
    return sent;
  }
  testing::CollectedOutput collected;
};

// The pieces of a datagram of 8 + 1200 bytes: 600, 304 and 304.
std::vector<Bytes> pieces() {
  const Bytes whole = PacketBuilder().ip(NatDirector::kClient, kNames.address).udp(40000, 53).payload(1200).build();
  std::vector<Bytes> made;
  for (const auto& [offset, bytes] : {std::pair<uint16_t, size_t>{0, 600}, {600, 304}, {904, 304}}) {
    PacketBuilder piece = PacketBuilder().ip(NatDirector::kClient, kNames.address).identification(77);
    piece.protocol(IpProtocol::udp).fragmentOffset(offset);
    if (offset != 904) piece.moreFragments();
    made.push_back(piece.payload(Bytes(whole.begin() + 20 + offset, whole.begin() + 20 + offset + bytes)).build());
  }
  return made;
}

// Puts pieces together. Returns the datagram without its IP header.
Bytes joined(const std::vector<Bytes>& pieces) {
  Bytes whole;
  for (const Bytes& piece : pieces) {
    const size_t at = (loadBe16(&piece[6]) & 0x1fff) * size_t{8};
    if (whole.size() < at + piece.size() - 20) whole.resize(at + piece.size() - 20);
    std::copy(piece.begin() + 20, piece.end(), whole.begin() + static_cast<ptrdiff_t>(at));
  }
  return whole;
}

TEST("fragments of both sides are translated, in whatever order they come, and whichever side's are first") {
  std::vector<size_t> order = {0, 1, 2};
  do {
    Subject t;
    const std::vector<Bytes> asked = pieces();
    std::vector<Bytes> inOrder;
    for (const size_t i : order) inOrder.push_back(asked[i]);
    const std::vector<Bytes> got = t.all(inOrder);
    CHECK_EQ(got.size(), 3u);
    const Bytes datagram = joined(got);
    CHECK_EQ(datagram.size(), 1208u);
    CHECK(transportChecksumIsRight(NatDirector::kClient, kServer, 17, datagram));
    std::vector<Bytes> answered;
    for (const Bytes& each : got) {
      CHECK_EQ(testing::naiveSum(&each[0], 20), 0xffff);
      answered.push_back(exchanged(each));
    }
    std::vector<std::string> verdicts;
    const std::vector<Bytes> back = t.all(answered, &verdicts);
    CHECK_EQ(back.size(), 3u);
    CHECK(transportChecksumIsRight(kNames.address, NatDirector::kClient, 17, joined(back)));
    for (const Bytes& each : back) CHECK_EQ(NatDirector::source(each).substr(0, 10), "192.0.2.10");
  } while (std::ranges::next_permutation(order).found);
}

TEST("fragments of a server that belong to no connection do not show its address") {
  Subject t;
  std::vector<Bytes> answered;
  for (const Bytes& each : pieces()) {
    Bytes piece = exchanged(each);
    std::copy_n(kServer.bytes.data(), 4, &piece[12]);
    if ((loadBe16(&piece[6]) & 0x1fff) == 0) storeBe16(&piece[20], 5353);
    testing::seal(std::span(piece).first(20), 10);
    answered.push_back(piece);
  }
  std::vector<std::string> verdicts;
  CHECK_EQ(t.all(answered, &verdicts).size(), 0u);
  for (const auto& verdict : verdicts) CHECK_EQ(verdict, "dropUnmatchedReply");
}

TEST("when a client is told that its first fragment is too long, the others are not sent, either") {
  Subject t(576);
  std::vector<Bytes> asked = pieces();
  for (Bytes& each : asked) {
    each[6] |= 0x40;
    testing::seal(std::span(each).first(20), 10);
  }
  std::vector<std::string> verdicts;
  const std::vector<Bytes> left = t.all(asked, &verdicts);
  CHECK_EQ(left.size(), 1u);
  CHECK_EQ(verdicts[0], "answeredTooBig");
  CHECK_EQ(verdicts[1], "dropFragment");
  CHECK_EQ(verdicts[2], "dropFragment");
}

TEST("a client's packet that is too long is answered in the virtual address's name, and quoted as it was") {
  Subject t(1000);
  const Bytes packet = PacketBuilder()
                           .ip(NatDirector::kClient, kWeb.address)
                           .dontFragment()
                           .tcp(40000, 80, kTcpSyn)
                           .payload(1000)
                           .build();
  CHECK_EQ(t.send(packet), "answeredTooBig");
  CHECK(t.sent.size() > 56 && t.sent[20] == 3 && t.sent[21] == 4 && loadBe16(&t.sent[26]) == 1000);
  CHECK_EQ(NatDirector::source(t.sent).substr(0, 11), "192.0.2.10:");
  CHECK(std::equal(packet.begin(), packet.begin() + 28, t.sent.begin() + 28));
  CHECK_EQ(t.connections().size(), 1u);
}

TEST("one that may be cut leaves in fragments, which make the rewritten packet") {
  Subject t(1000);
  const Bytes packet =
      PacketBuilder().ip(NatDirector::kClient, kWeb.address).tcp(40000, 80, kTcpSyn).payload(1500).build();
  const std::vector<Bytes> left = t.all({packet});
  CHECK_EQ(left.size(), 2u);
  const Bytes segment = joined(left);
  CHECK_EQ(segment.size(), packet.size() - 20);
  CHECK(transportChecksumIsRight(NatDirector::kClient, kServer, 6, segment));
  for (const Bytes& each : left) CHECK(each.size() <= 1000 && testing::naiveSum(&each[0], 20) == 0xffff);
}

TEST("a server's packet goes to its client whatever the path to the server takes") {
  Subject t(1000);
  CHECK_EQ(t.handshake(40000), "11");
  const Bytes reply = t.fromServer(11, 8080, 40000, kTcpAck, 1400);
  CHECK_EQ(t.send(reply), "returned");
  CHECK_EQ(t.sent.size(), reply.size());
}

TEST("ICMP errors of both sides are translated, however much they quote") {
  Subject t;
  CHECK_EQ(t.handshake(40000), "11");
  const Bytes reply =
      PacketBuilder().ip(kWeb.address, NatDirector::kClient).tcp(80, 40000, kTcpAck).payload(80).build();
  const Bytes asked = PacketBuilder().ip(NatDirector::kClient, kServer).tcp(40000, 8080, kTcpAck).payload(80).build();
  for (size_t bytes = 0; bytes <= reply.size(); bytes++) {
    const Bytes aboutReply = testing::icmpPacket(kRouter, kWeb.address, 3, 4, 1400, testing::firstOf(reply, bytes));
    const bool isEnough = bytes >= 24;
    CHECK_EQ(t.send(aboutReply), isEnough ? "relayedIcmp" : "dropIcmp");
    if (isEnough) {
      const Bytes quoted = testing::bytesOf(std::span(t.sent).subspan(28));
      CHECK_EQ(NatDirector::source(quoted), "10.0.0.11:8080");
      CHECK_EQ(NatDirector::destination(quoted), "198.51.100.7:40000");
      CHECK_EQ(t.sent.size(), aboutReply.size());
      CHECK_EQ(testing::naiveSum(&t.sent[20], t.sent.size() - 20), 0xffff);
      CHECK(std::equal(t.sent.begin() + 12, t.sent.begin() + 16, kRouter.bytes.begin()));
    }
    const Bytes aboutAsked =
        testing::icmpPacket(kRouter, NatDirector::kClient, 3, 4, 1400, testing::firstOf(asked, bytes));
    CHECK_EQ(t.send(aboutAsked), isEnough ? "relayedIcmp" : "passedOn");
    if (isEnough) {
      const Bytes quoted = testing::bytesOf(std::span(t.sent).subspan(28));
      CHECK_EQ(NatDirector::source(quoted), "198.51.100.7:40000");
      CHECK_EQ(NatDirector::destination(quoted), "192.0.2.10:80");
      CHECK(std::equal(t.sent.begin() + 12, t.sent.begin() + 16, kWeb.address.bytes.begin()));
      CHECK_EQ(testing::naiveSum(&t.sent[20], t.sent.size() - 20), 0xffff);
    }
  }
}

TEST("an error of the servers' side about nothing known does not show a server's address to its client") {
  Subject t;
  const Bytes asked = PacketBuilder().ip(NatDirector::kClient, kServer).tcp(40000, 8080, kTcpAck).build();
  const auto error = [&](const Bytes& quoted, uint8_t type) {
    return testing::icmpPacket(kRouter, NatDirector::kClient, type, 0, 0, quoted);
  };
  CHECK_EQ(t.send(error(asked, 3)), "dropUnmatchedReply");
  CHECK_EQ(t.send(error(asked, 12)), "dropUnmatchedReply");
  CHECK_EQ(t.handshake(40000), "11");
  CHECK_EQ(t.send(error(asked, 5)), "dropIcmp");  // a redirect
  Bytes wrong = error(asked, 3);
  wrong[30] ^= 1;
  CHECK_EQ(t.send(wrong), "dropIcmp");
}

// Cuts what left as the kernel would.
std::vector<Bytes> cut(const OutputPacket& packet) {
  Segmenter segments(packet);
  std::vector<Bytes> made;
  while (!segments.isDone()) {
    Bytes room(segments.longestBytes());
    room.resize(segments.next(room));
    made.push_back(room);
  }
  return made;
}

TEST("packets that are still to be cut, or to be given a checksum, are right when that is done, in both directions") {
  for (const uint16_t segment : {uint16_t{0}, uint16_t{1000}}) {
    Subject t;
    CHECK_EQ(t.handshake(40000), "11");
    const auto send = [&](const IpAddress& from, const IpAddress& to, uint16_t source, uint16_t destination) {
      Bytes bytes = PacketBuilder().ip(from, to).dontFragment().tcp(source, destination, kTcpAck).payload(1400).build();
      if (segment != 0) {
        bytes = PacketBuilder().ip(from, to).dontFragment().tcp(source, destination, kTcpAck).payload(9000).build();
      }
      const auto sum = checksumFold(pseudoHeaderSum(from, to, 6, static_cast<uint32_t>(bytes.size() - 20)));
      std::memcpy(&bytes[36], &sum, 2);
      HeldPacket held(bytes);
      Packet packet = held.packet();
      packet.offload = {.segmentBytes = segment,
                        .checksumStart = 20,
                        .kind = segment == 0 ? OffloadKind::tcpChecksum : OffloadKind::tcp4};
      Verdict verdict{};
      t.director.process(0, {&packet, 1}, t.now, t.out, &verdict);
      CHECK_EQ(t.out.count(), 1u);
      std::vector<Bytes> left;
      if (t.out.count() != 1) return left;
      const OutputPacket& out = t.out[0];
      if (out.offload.isToBeCut()) return cut(out);
      Bytes whole(out.data, out.data + out.length);
      if (!out.offload.isNone()) CHECK(finishChecksum(whole, 20, 16));
      left.push_back(whole);
      return left;
    };
    size_t bytes = 0;
    for (const Bytes& each : send(NatDirector::kClient, kWeb.address, 40000, 80)) {
      CHECK_EQ(NatDirector::destination(each), "10.0.0.11:8080");
      CHECK(transportChecksumIsRight(NatDirector::kClient, kServer, 6, std::span(each).subspan(20)));
      bytes += each.size() - 40;
    }
    CHECK_EQ(bytes, segment == 0 ? 1400u : 9000u);
    bytes = 0;
    for (const Bytes& each : send(kServer, NatDirector::kClient, 8080, 40000)) {
      CHECK_EQ(NatDirector::source(each), "192.0.2.10:80");
      CHECK(transportChecksumIsRight(kWeb.address, NatDirector::kClient, 6, std::span(each).subspan(20)));
      bytes += each.size() - 40;
    }
    CHECK_EQ(bytes, segment == 0 ? 1400u : 9000u);
  }
}

}  // namespace
}  // namespace tunvs::nat_packets_test
