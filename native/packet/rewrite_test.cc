#include "packet/rewrite.h"

#include "packet/rewrite_against.h"
#include "packet/segmenter.h"
#include "packet/transport_checksum.h"
#include "support/key_against.h"
#include "support/random_packets.h"
#include "support/super_packets.h"
#include "support/testing.h"

namespace tunvs::rewrite_test {
namespace {

using namespace testing;

constexpr int kTimes = static_cast<int>(20000 / kFewer);

// Where the packet's own bytes lie, however a test has moved them.
struct Held {
  Held(const Bytes& bytes, size_t offset, const Offload& offload = {}) : block(offset + bytes.size()), offset(offset) {
    std::copy(bytes.begin(), bytes.end(), data());
    parsed = parsedFrom(block.span().subspan(offset), offload);
  }
  uint8_t* data() const { return block.span().data() + offset; }
  Bytes bytes() const { return bytesOf(block.span().subspan(offset)); }
  void rewriteTo(const Endpoints& to) const { rewrite(data(), parsed, to); }

  Exact block;
  size_t offset;
  ParsedPacket parsed;
};

bool hasPorts(const ParsedPacket& parsed) {
  return parsed.packetClass == PacketClass::flow || parsed.fragmentOffset == 0;
}

// Where ports may not change, only addresses do.
Endpoints within(const PacketForm& form, const Endpoints& from, Endpoints to) {
  if (form.protocol != IpProtocol::sctp || form.piece != Piece::first) return to;
  to.source.port = from.source.port;
  to.destination.port = from.destination.port;
  return to;
}

// Returns by how much the checksum is off, as a number that does not depend on the endpoints; both zeros are 0.
uint32_t errorOf(const Bytes& packet, const ParsedPacket& parsed) {
  const std::span<const uint8_t> segment = std::span(packet).subspan(parsed.transport);
  if (parsed.protocol == static_cast<uint8_t>(IpProtocol::sctp)) {
    Bytes copy = bytesOf(segment);
    std::fill_n(&copy[8], 4, uint8_t{0});
    uint8_t right[4];
    storeCrc(right, crc32c(copy));
    return loadUnaligned<uint32_t>(right) ^ loadUnaligned<uint32_t>(&segment[8]);
  }
  const size_t addresses = parsed.key.isV4() ? 12 : 8, bytes = parsed.key.isV4() ? 8 : 32;
  uint32_t sum = naiveSum(&packet[addresses], bytes, parsed.protocol);
  sum = naiveSum(segment.data(), segment.size(), sum + static_cast<uint32_t>(segment.size()));
  return sum % 0xffff;
}

// Sets the bytes that a translation may change to 0, so that the others can be compared.
Bytes unchangeable(Bytes packet, const ParsedPacket& parsed) {
  if (parsed.key.isV4()) {
    std::fill_n(&packet[10], 10, uint8_t{0});
  } else {
    std::fill_n(&packet[8], 32, uint8_t{0});
  }
  if (!hasPorts(parsed)) return packet;
  std::fill_n(&packet[parsed.transport], 4, uint8_t{0});
  const auto protocol = static_cast<IpProtocol>(parsed.protocol);
  std::fill_n(&packet[parsed.transport + checkField(protocol)], protocol == IpProtocol::sctp ? 4 : 2, uint8_t{0});
  return packet;
}

// These checksums come back as the other zero, or as what they should have been from the start.
void passExceptions(Bytes& bytes, const Bytes& before, const ParsedPacket& parsed) {
  const bool isTcp = parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp);
  const bool isUdp = parsed.protocol == static_cast<uint8_t>(IpProtocol::udp);
  if (!hasPorts(parsed) || (!isTcp && !isUdp)) return;
  const size_t field = parsed.transport + (isTcp ? 16 : 6);
  const uint16_t was = loadBe16(&before[field]), is = loadBe16(&bytes[field]);
  if (isTcp && was == 0xffff) CHECK_EQ(is, 0);
  if (isTcp && was == 0xffff) storeBe16(&bytes[field], was);
  if (isUdp && was == 0 && parsed.packetClass == PacketClass::flow) {
    CHECK_EQ(errorOf(bytes, parsed), 0u);
    CHECK(is != 0);
    storeBe16(&bytes[field], was);
  }
}

TEST("rewriting changes endpoints and checksums alone, keeps what was wrong, and its reverse brings every byte back") {
  Random random(1);
  size_t whole = 0, pieces = 0;
  for (int i = 0; i < kTimes; i++) {
    const PacketForm form = randomForm(random);
    const Endpoints from = randomEndpoints(random, form.family);
    const Endpoints to = within(form, from, randomEndpoints(random, form.family));
    const Bytes bytes = randomPacket(random, from, form);
    const Held held(bytes, random.below(8));
    REQUIRE(held.parsed.error == ParseError::none);
    REQUIRE(canRewrite(held.parsed, to) == (form.piece != Piece::later));
    const bool isWhole = held.parsed.packetClass == PacketClass::flow;
    REQUIRE(isWhole == (form.piece == Piece::whole));
    const bool hadNone = form.protocol == IpProtocol::udp && loadBe16(&bytes[held.parsed.transport + 6]) == 0;
    const uint32_t error = errorOf(bytes, held.parsed);

    if (form.piece == Piece::later) {
      rewriteAddresses(held.data(), held.parsed, to.source.address, to.destination.address);
    } else {
      held.rewriteTo(to);
      REQUIRE(endpointsOf(parsedFrom(held.block.span().subspan(held.offset))) == to);
    }
    const Bytes after = held.bytes();
    if (!CHECK(isIpv4HeaderRight(after)) ||
        !CHECK(unchangeable(after, held.parsed) == unchangeable(bytes, held.parsed)))
      return;
    if (isWhole && !CHECK_EQ(errorOf(after, held.parsed), hadNone ? 0 : error)) return;
    if (form.protocol == IpProtocol::udp && hasPorts(held.parsed) &&
        !CHECK_EQ(loadBe16(&after[held.parsed.transport + 6]) == 0, hadNone && !isWhole))
      return;

    const ParsedPacket parsed = parsedFrom(held.block.span().subspan(held.offset));
    REQUIRE(parsed.error == ParseError::none);
    if (form.piece == Piece::later) {
      rewriteAddresses(held.data(), parsed, from.source.address, from.destination.address);
    } else {
      rewrite(held.data(), parsed, from);
    }
    Bytes back = held.bytes();
    passExceptions(back, bytes, parsed);
    if (!CHECK(back == bytes)) return;
    (isWhole ? whole : pieces)++;
  }
  CHECK(whole > pieces && pieces > 0);
}

TEST("a packet that is rewritten is the packet that its new endpoints would have sent") {
  const Endpoints to = {{address("203.0.113.9"), Be16::from(65535)}, {address("10.0.0.11"), Be16::from(8080)}};
  const auto tcp = [](const char* source, const char* destination, uint16_t sourcePort, uint16_t destinationPort) {
    return PacketBuilder()
        .ip(source, destination)
        .options({1, 1, 1})
        .tcp(sourcePort, destinationPort, kTcpAck)
        .payload(33);
  };
  const auto udp = [](const char* source, const char* destination, uint16_t sourcePort, uint16_t destinationPort) {
    return PacketBuilder().ip(source, destination).udp(sourcePort, destinationPort).payload(1);
  };
  const Held segment(tcp("198.51.100.7", "192.0.2.10", 40000, 80).build(), 1);
  segment.rewriteTo(to);
  CHECK_EQ(segment.bytes(), tcp("203.0.113.9", "10.0.0.11", 65535, 8080).build());
  const Held datagram(udp("198.51.100.7", "192.0.2.10", 40000, 53).build(), 3);
  datagram.rewriteTo(to);
  CHECK_EQ(datagram.bytes(), udp("203.0.113.9", "10.0.0.11", 65535, 8080).build());
}

// The port is chosen so that the sum of everything becomes 0xffff.
TEST("a checksum that becomes 0 is 0 for TCP and 0xffff for UDP") {
  for (const bool isTcp : {true, false}) {
    PacketBuilder builder = PacketBuilder().ip("198.51.100.7", "192.0.2.10");
    const Held held((isTcp ? builder.tcp(40000, 80, kTcpAck) : builder.udp(40000, 80)).payload(7).build(), 0);
    const uint8_t* const field = held.data() + 20 + (isTcp ? 16 : 6);
    const Endpoints first = {{address("198.51.100.7"), Be16::from(40000)}, {address("10.0.0.11"), Be16::from(0)}};
    held.rewriteTo(first);
    const auto missing = loadBe16(field);
    Endpoints to = first;
    to.destination.port = Be16::from(missing);
    held.rewriteTo(to);
    CHECK_EQ(loadBe16(field), isTcp ? 0 : 0xffff);
    const auto segment = held.block.span().subspan(20);
    CHECK(transportChecksumIsRight(to.source.address, to.destination.address, held.data()[9], segment));
  }
}

TEST("a UDP packet without a checksum gets a right one if it is whole, whatever its length field says") {
  const Endpoints to = {{address("198.51.100.7"), Be16::from(40000)}, {address("10.0.0.11"), Be16::from(5353)}};
  for (const uint16_t lie : {16, 0, 7, 15, 17, 65535}) {
    Bytes bytes = PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(40000, 53).payload(8).build();
    storeBe16(&bytes[24], lie);
    storeBe16(&bytes[26], 0);
    const Held held(bytes, 0);
    held.rewriteTo(to);
    const Bytes after = held.bytes();
    CHECK_EQ(errorOf(after, held.parsed), 0u);
    CHECK(loadBe16(&after[26]) != 0);
    CHECK_EQ(loadBe16(&after[24]), lie);
  }
  Bytes piece = PacketBuilder().ip("198.51.100.7", "192.0.2.10").moreFragments().udp(40000, 53).payload(8).build();
  storeBe16(&piece[26], 0);
  const Held held(piece, 0);
  held.rewriteTo(to);
  CHECK_EQ(loadBe16(held.data() + 26), 0);
}

TEST("bytes behind the packet stay as they are") {
  const Held held(PacketBuilder().udp(1, 2).payload(3).trailer(9).build(), 0);
  held.rewriteTo({{address("10.0.0.1"), Be16::from(3)}, {address("10.0.0.2"), Be16::from(4)}});
  const Bytes after = held.bytes();
  CHECK_EQ(Bytes(after.end() - 9, after.end()), Bytes(9, 0xee));
}

// What the kernel does later: it adds everything from the transport header on.
TEST("an unfinished checksum is right when it is finished behind the rewriting") {
  for (const bool isTcp : {true, false}) {
    for (const uint16_t more : {0, 1, 40}) {
      PacketBuilder builder;
      Bytes bytes = (isTcp ? builder.tcp(1000, 80, kTcpAck) : builder.udp(1000, 53)).payload(more).build();
      const Offload offload{.checksumStart = 20, .kind = isTcp ? OffloadKind::tcpChecksum : OffloadKind::udpChecksum};
      const uint16_t pseudo = checksumFold(pseudoHeaderSum(address("198.51.100.7"), address("192.0.2.10"), bytes[9],
                                                           static_cast<uint32_t>(bytes.size() - 20)));
      std::memcpy(&bytes[20u + offload.checksumField()], &pseudo, 2);
      const Held held(bytes, 0, offload);
      const Endpoints to = {{address("10.0.0.1"), Be16::from(3)}, {address("10.0.0.2"), Be16::from(4)}};
      REQUIRE(canRewrite(held.parsed, to));
      held.rewriteTo(to);
      Bytes segment(held.data() + 20, held.data() + bytes.size());
      const Be16 check = checksum(held.data() + 20, segment.size());
      std::memcpy(&segment[offload.checksumField()], &check, 2);
      CHECK(transportChecksumIsRight(to.source.address, to.destination.address, bytes[9], segment));
    }
  }
}

TEST("the segments of a rewritten packet are the rewritten segments") {
  const auto tcp6 = [] {
    SuperPacket whole{ipv6Tcp(address("2001:db8::1"), address("2001:db8::2"), 1000, 80, kTcpAck) + Bytes(3000, 7),
                      {.segmentBytes = 1000, .checksumStart = 40, .kind = OffloadKind::tcp6}};
    storeBe16(&whole.bytes[4], 3020);
    unfinish(whole);
    return whole;
  };
  for (SuperPacket whole : {tcp4(3001, 1000), udp4(3001, 1000), tcp6()}) {
    SuperPacket changed = whole;
    Random random(4);
    const ParsedPacket parsed = parsedFrom(changed.bytes, changed.offload);
    const Endpoints to = randomEndpoints(random, parsed.key.family);
    REQUIRE(canRewrite(parsed, to));
    rewrite(changed.bytes.data(), parsed, to);
    Segmenter before(whole.output()), after(changed.output());
    REQUIRE(before.count() > 2 && before.count() == after.count());
    while (!before.isDone()) {
      const Exact expected(before.longestBytes()), got(after.longestBytes());
      const auto segment = expected.span().first(before.next(expected.span()));
      rewrite(segment.data(), parsedFrom(segment), to);
      CHECK_EQ(bytesOf(got.span().first(after.next(got.span()))), bytesOf(segment));
    }
  }
}

TEST("only packets whose checksum can follow are taken") {
  const Endpoints to = {{address("10.0.0.1"), Be16::from(3)}, {address("10.0.0.2"), Be16::from(4)}};
  const Endpoints samePorts = {{address("10.0.0.1"), Be16::from(1)}, {address("10.0.0.2"), Be16::from(2)}};
  const Bytes sctp = PacketBuilder().sctp(1, 2, 0).moreFragments().build();
  const Offload offload{.checksumStart = 20, .kind = OffloadKind::tcpChecksum};
  Offload elsewhere = offload;
  elsewhere.checksumStart = 24;
  const struct {
    const char* what;
    bool isTaken;
    Bytes packet;
    Endpoints to;
    Offload offload;
  } table[] = {
      {"TCP", true, PacketBuilder().tcp(1, 2, kTcpSyn).build(), to, {}},
      {"TCP with an unfinished checksum", true, PacketBuilder().tcp(1, 2, kTcpSyn).build(), to, offload},
      {"an unfinished checksum elsewhere", false, PacketBuilder().tcp(1, 2, kTcpSyn).build(), to, elsewhere},
      {"UDP with an unfinished checksum of TCP", false, PacketBuilder().udp(1, 2).payload(40).build(), to, offload},
      {"SCTP with an unfinished checksum", false, PacketBuilder().sctp(1, 2, 0).build(), to, offload},
      {"SCTP", true, PacketBuilder().sctp(1, 2, 0).build(), to, {}},
      {"the first fragment of TCP", true, PacketBuilder().tcp(1, 2, kTcpSyn).moreFragments().build(), to, {}},
      {"that with an unfinished checksum", false, PacketBuilder().tcp(1, 2, kTcpSyn).moreFragments().build(), to,
       offload},
      {"a tiny first fragment of TCP",
       false,
       PacketBuilder().tcp(1, 2, kTcpSyn).shortTransport(16).moreFragments().build(),
       to,
       {}},
      {"the first fragment of SCTP", false, sctp, to, {}},
      {"the first fragment of SCTP with its ports", true, sctp, samePorts, {}},
      {"a later fragment", false, PacketBuilder().tcp(1, 2, kTcpSyn).fragmentOffset(8).build(), samePorts, {}},
      {"ICMP", false, PacketBuilder().protocol(IpProtocol::icmp).payload(40).build(), to, {}},
      {"GRE", false, PacketBuilder().protocol(IpProtocol::gre).payload(40).build(), to, {}},
  };
  for (const auto& row : table) {
    const Held held(row.packet, 0, row.offload);
    REQUIRE(held.parsed.error == ParseError::none);
    checkEqual(__FILE__, __LINE__, row.what, canRewrite(held.parsed, row.to), row.isTaken);
  }
}

TEST("TCP over IPv4 is rewritten against a key to the same bytes, whatever the checksums are, and nothing else is") {
  Random random(7);
  size_t taken = 0;
  for (int i = 0; i < kTimes; i++) {
    const PacketForm form = randomForm(random);
    const Endpoints from = randomEndpoints(random, form.family);
    const Endpoints to = random.oneIn(8) ? from : randomEndpoints(random, form.family);
    const Held held(randomPacket(random, from, form), random.below(4));
    const bool isTaken = form.protocol == IpProtocol::tcp && form.piece == Piece::whole && form.family == Family::ipv4;
    if (!CHECK_EQ(takesAgainst(held.parsed), isTaken)) return;
    if (!isTaken) continue;
    const Held other(held.bytes(), 0);
    rewriteAgainst(held.data(), held.parsed, keyAgainst(to));
    other.rewriteTo(to);
    if (!CHECK(held.bytes() == other.bytes())) return;
    taken++;
  }
  CHECK(taken > 100);
}

}  // namespace
}  // namespace tunvs::rewrite_test
