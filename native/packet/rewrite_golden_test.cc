// Compares rewritten packets byte for byte with those that a real IPVS sent on (test/golden/nat-*.json). The trace
// gives the endpoints, of the packet that left; every other byte is our own.
#include <algorithm>

#include "packet/crc32c.h"
#include "packet/icmp.h"
#include "packet/quote.h"
#include "packet/rewrite.h"
#include "packet/rewrite_against.h"
#include "packet/rewrite_icmp.h"
#include "support/golden_cases.h"
#include "support/key_against.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::rewrite_golden_test {
namespace {

using namespace testing;

// The recorded director is the router as well.
Bytes forwarded(Bytes packet) {
  packet[8]--;
  const Be16 check = checksumReplace(loadUnaligned<Be16>(&packet[10]), Be16::from(0x100), Be16::from(0));
  std::memcpy(&packet[10], &check, sizeof check);
  return packet;
}

Endpoints endpointsOf(const Quote& quote) {
  return {{quote.source, quote.sourcePort}, {quote.destination, quote.destinationPort}};
}

// Routers write themselves into these options.
bool isRouterWritten(const GoldenCase& c) {
  return c.name.ends_with("ip option record-route") || c.name.ends_with("ip option timestamp");
}

// Tells whether the packet that left is the packet that came, translated: it has the identification, and another
// address.
bool isTranslation(const GoldenCase& c) {
  if (c.in.size() != 1 || c.out.size() != 1 || isRouterWritten(c)) return false;
  const Bytes& in = c.in[0];
  const Bytes& out = c.out[0];
  return in[9] == out[9] && std::equal(&in[0], &in[8], &out[0]) && !std::equal(&in[12], &in[20], &out[12]);
}

const Bytes& outOf(const GoldenCase& c) { return c.out[0]; }

// The director takes no packet whose source is its destination, and no SCTP without a chunk.
bool isRefused(const GoldenCase& c) { return c.name == "its answer goes to itself" || c.name == "client: no chunk"; }

// Returns what we make of a packet that became `out`; nothing if we do not take it.
Bytes rewritten(const Bytes& in, const Bytes& out) {
  const Exact packet(forwarded(in));
  const ParsedPacket parsed = parsedFrom(packet.span());
  if (parsed.error != ParseError::none) return {};
  const Quote quote = readQuote(out).value();
  if (parsed.packetClass == PacketClass::icmp) {
    const auto icmp = readIcmp(quote.source, quote.destination, std::span(out).subspan(quote.headerBytes)).value();
    const auto inner = readQuote(icmp.quoted);
    if (!inner || !inner->hasPorts) return {};
    if (!rewriteIcmpError(packet.span(), parsed, quote.source, quote.destination, endpointsOf(*inner))) return {};
  } else {
    const Endpoints to = endpointsOf(quote);
    if (!canRewrite(parsed, to)) return {};
    rewrite(packet.span().data(), parsed, to);
  }
  return bytesOf(packet.span().first(parsed.length));
}

size_t compareAll(const char* trace, bool (*isCompared)(const GoldenCase&)) {
  const auto cases = goldenCases(trace);
  if (!CHECK(cases)) return 0;
  size_t compared = 0;
  for (const GoldenCase& c : *cases) {
    if (!isTranslation(c) || isRefused(c) || !isCompared(c)) continue;
    const std::string claim = std::string(trace) + ": " + c.name;
    checkEqual(__FILE__, __LINE__, claim.c_str(), rewritten(c.in[0], outOf(c)), outOf(c));
    compared++;
  }
  return compared;
}

bool all(const GoldenCase&) { return true; }
bool isChecksumRight(const GoldenCase& c) { return !c.name.ends_with("with a bad checksum"); }

TEST("translated packets agree byte for byte with those of a Linux IPVS host") {
  CHECK_EQ(compareAll("nat-tcp.json", all), 89u);
  CHECK_EQ(compareAll("nat-size.json", all), 16u);
  CHECK_EQ(compareAll("nat-sctp.json", isChecksumRight), 53u);
}

TEST("translated ICMP errors agree byte for byte with those of a Linux IPVS host") {
  CHECK_EQ(compareAll("nat-icmp.json", all), 57u);
}

uint32_t sctpError(Bytes packet) {
  const Bytes field(&packet[28], &packet[32]);
  std::fill_n(&packet[28], 4, uint8_t{0});
  const uint32_t crc = crc32c(std::span(packet).subspan(20));
  return crc ^ (field[0] | uint32_t{field[1]} << 8 | uint32_t{field[2]} << 16 | uint32_t{field[3]} << 24);
}

// IPVS makes it right, and so hides from the receiver that the packet was damaged.
TEST("a wrong SCTP checksum, which a Linux IPVS host makes right, stays wrong by the same bits") {
  const auto cases = goldenCases("nat-sctp.json");
  REQUIRE(cases);
  size_t compared = 0;
  for (const GoldenCase& c : *cases) {
    if (!isTranslation(c) || isChecksumRight(c)) continue;
    Bytes ours = rewritten(c.in[0], outOf(c));
    if (!CHECK_EQ(ours.size(), outOf(c).size())) continue;
    CHECK(sctpError(c.in[0]) != 0);
    CHECK_EQ(sctpError(ours), sctpError(c.in[0]));
    CHECK_EQ(sctpError(outOf(c)), 0u);
    std::copy_n(&outOf(c)[28], 4, &ours[28]);
    CHECK_EQ(ours, outOf(c));
    compared++;
  }
  CHECK_EQ(compared, 2u);
}

TEST("TCP packets become against a key what a Linux IPVS host made of them") {
  const auto cases = goldenCases("nat-tcp.json");
  REQUIRE(cases);
  size_t compared = 0;
  for (const GoldenCase& c : *cases) {
    if (!isTranslation(c) || isRefused(c)) continue;
    const Exact packet(forwarded(c.in[0]));
    const ParsedPacket parsed = parsedFrom(packet.span());
    if (!CHECK(takesAgainst(parsed))) continue;
    rewriteAgainst(packet.span().data(), parsed, keyAgainst(endpointsOf(readQuote(outOf(c)).value())));
    checkEqual(__FILE__, __LINE__, c.name.c_str(), bytesOf(packet.span().first(parsed.length)), outOf(c));
    compared++;
  }
  CHECK_EQ(compared, 89u);
}

}  // namespace
}  // namespace tunvs::rewrite_golden_test
