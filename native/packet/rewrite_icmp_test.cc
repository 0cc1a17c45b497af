#include "packet/rewrite_icmp.h"

#include "packet/icmp.h"
#include "packet/quote.h"
#include "support/random_packets.h"
#include "support/testing.h"

namespace tunvs::rewrite_icmp_test {
namespace {

using namespace testing;

constexpr int kTimes = static_cast<int>(20000 / kFewer);

Bytes errorAbout(const IpAddress& source, const IpAddress& destination, const Bytes& quoted) {
  return icmpPacket(source, destination, source.isV4() ? icmp4::kUnreachable : icmp6::kUnreachable, 3, 0, quoted);
}

// Returns what the packet becomes, or nothing if it is not rewritten; then it has to be as it was.
Bytes rewritten(const Bytes& packet, const std::optional<IpAddress>& source,
                const std::optional<IpAddress>& destination, const Endpoints& quoted, size_t offset = 0) {
  const Exact held(offset + packet.size());
  const auto span = held.span().subspan(offset);
  std::copy(packet.begin(), packet.end(), span.begin());
  const ParsedPacket parsed = parsedFrom(span);
  CHECK(parsed.error == ParseError::none);
  if (rewriteIcmpError(span, parsed, source, destination, quoted)) return bytesOf(span);
  CHECK(bytesOf(span) == packet);
  return {};
}

// Writes endpoints where they belong, byte by byte, and then the checksum of the quoted header.
Bytes withEndpoints(Bytes quoted, size_t transport, const Endpoints& to) {
  const bool isV4 = to.source.address.isV4();
  std::copy_n(to.source.address.bytes.data(), isV4 ? 4 : 16, &quoted[isV4 ? 12 : 8]);
  std::copy_n(to.destination.address.bytes.data(), isV4 ? 4 : 16, &quoted[isV4 ? 16 : 24]);
  std::memcpy(&quoted[transport], &to.source.port, 2);
  std::memcpy(&quoted[transport + 2], &to.destination.port, 2);
  if (isV4) seal(std::span(quoted).first(transport), 10);
  return quoted;
}

TEST("a rewritten error is the one about the packet with the other endpoints, wherever its quote ends") {
  Random random(1);
  size_t done = 0, refused = 0;
  for (int i = 0; i < kTimes; i++) {
    const PacketForm form = randomForm(random);
    const Endpoints from = randomEndpoints(random, form.family), to = randomEndpoints(random, form.family);
    const IpAddress source = randomAddress(random, form.family), destination = from.source.address;
    std::optional<IpAddress> newSource, newDestination;
    if (random.oneIn(2)) newSource = randomAddress(random, form.family);
    if (random.oneIn(2)) newDestination = to.source.address;

    Bytes quoted = randomPacket(random, from, form);
    if (form.family == Family::ipv4 && random.oneIn(4)) quoted[10] ^= 0x55;
    const auto whole = readQuote(quoted);
    REQUIRE(whole);
    if (random.oneIn(2))
      quoted.resize(random.below(static_cast<uint32_t>(quoted.size()) + 1));
    else if (random.oneIn(2))
      quoted.resize(std::min<size_t>(quoted.size(), whole->headerBytes + random.below(12)));

    const bool hasPorts = form.piece != Piece::later && quoted.size() >= whole->headerBytes + size_t{4};
    const Bytes expected = !hasPorts ? Bytes()
                                     : errorAbout(newSource.value_or(source), newDestination.value_or(destination),
                                                  withEndpoints(quoted, whole->headerBytes, to));
    const Bytes packet = errorAbout(source, destination, quoted);
    if (!CHECK(rewritten(packet, newSource, newDestination, to, random.below(8)) == expected)) return;
    (hasPorts ? done : refused)++;
  }
  CHECK(done > refused && refused > 100);
}

const Endpoints kFrom = {{address("198.51.100.7"), Be16::from(40000)}, {address("192.0.2.10"), Be16::from(80)}};
const Endpoints kTo = {{address("198.51.100.7"), Be16::from(40000)}, {address("10.0.0.11"), Be16::from(8080)}};
const IpAddress kRouter = address("203.0.113.1");

Bytes quotedTcp() { return PacketBuilder().tcp(40000, 80, kTcpAck).payload(8).build(); }

TEST("lengths that lie in the quote lead nowhere") {
  for (const uint16_t length : {0, 19, 20, 23, 24, 40, 1500, 65535}) {
    Bytes quoted = quotedTcp();
    storeBe16(&quoted[2], length);
    const bool isTaken = length >= 24;
    CHECK_EQ(rewritten(errorAbout(kRouter, kFrom.source.address, quoted), {}, {}, kTo).empty(), !isTaken);
  }
  for (const uint8_t first : {0x40, 0x44, 0x4f, 0x55, 0x65}) {
    Bytes quoted = quotedTcp();
    quoted[0] = first;
    quoted.resize(44);
    CHECK(rewritten(errorAbout(kRouter, kFrom.source.address, quoted), {}, {}, kTo).empty());
  }
}

TEST("errors that quote nothing to rewrite stay as they are, whatever addresses they were to get") {
  const IpAddress other = address("192.0.2.10");
  const struct {
    const char* what;
    Bytes packet;
  } table[] = {
      {"an echo request", icmpPacket(kRouter, kFrom.source.address, icmp4::kEchoRequest, 0, 0, quotedTcp())},
      {"nothing quoted", errorAbout(kRouter, kFrom.source.address, {})},
      {"GRE", errorAbout(kRouter, kFrom.source.address, PacketBuilder().protocol(IpProtocol::gre).payload(40).build())},
      {"an ICMP error", errorAbout(kRouter, kFrom.source.address, errorAbout(kRouter, other, quotedTcp()))},
      {"IPv6 in ICMP", errorAbout(kRouter, kFrom.source.address,
                                  ipv6Tcp(address("2001:db8::1"), address("2001:db8::2"), 1, 2, kTcpAck))},
      {"TCP", PacketBuilder().tcp(1, 2, kTcpAck).payload(100).build()},
      {"ICMPv6 in IPv4",
       ipv4Packet(kRouter, kFrom.source.address, 58, icmpMessage(kRouter, kFrom.source.address, 1, 4, 0, quotedTcp()))},
  };
  for (const auto& row : table)
    checkEqual(__FILE__, __LINE__, row.what, rewritten(row.packet, other, other, kTo), Bytes());
  const Endpoints ipv6 = {{address("2001:db8::1"), Be16::from(1)}, {address("2001:db8::2"), Be16::from(2)}};
  CHECK(rewritten(errorAbout(kRouter, kFrom.source.address, quotedTcp()), other, other, ipv6).empty());
}

TEST("an ICMP checksum that is wrong stays wrong by the same amount") {
  Bytes packet = errorAbout(kRouter, kFrom.source.address, quotedTcp());
  const Bytes right = rewritten(packet, kTo.destination.address, {}, kTo);
  storeBe16(&packet[22], static_cast<uint16_t>(loadBe16(&packet[22]) + 100));
  Bytes wrong = rewritten(packet, kTo.destination.address, {}, kTo);
  REQUIRE(right.size() == packet.size() && wrong.size() == packet.size());
  CHECK_EQ((loadBe16(&wrong[22]) + 0xffff - loadBe16(&right[22])) % 0xffff, 100);
  std::copy_n(&right[22], 2, &wrong[22]);
  CHECK_EQ(wrong, right);
}

TEST("RFC 4884 extensions behind a quote stay as they are, and are covered by the checksum") {
  Bytes quoted = PacketBuilder().tcp(40000, 80, kTcpAck).payload(200).build();
  quoted.resize(128);
  const Bytes extension = {0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4};
  Bytes packet = errorAbout(kRouter, kFrom.source.address, quoted + extension);
  packet[25] = 32;
  seal(std::span(packet).subspan(20), 2);
  const Bytes after = rewritten(packet, {}, {}, kTo);
  REQUIRE(after.size() == packet.size());
  CHECK_EQ(Bytes(after.end() - 12, after.end()), extension);
  CHECK_EQ(naiveSum(&after[20], after.size() - 20), 0xffff);
}

TEST("an error that is a fragment, or longer than its bytes, is not rewritten") {
  const Bytes packet = errorAbout(kRouter, kFrom.source.address, quotedTcp());
  Bytes piece = packet;
  piece[6] = 0x20;
  seal(std::span(piece).first(20), 10);
  CHECK(rewritten(piece, {}, {}, kTo).empty());
  const Exact held(packet);
  const ParsedPacket parsed = parsedFrom(held.span());
  CHECK(!rewriteIcmpError(held.span().first(packet.size() - 1), parsed, {}, {}, kTo));
  CHECK_EQ(bytesOf(held.span()), packet);
}

}  // namespace
}  // namespace tunvs::rewrite_icmp_test
