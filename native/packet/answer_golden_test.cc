// Compares answers byte for byte with those that a real IPVS host gave (test/golden). The trace provides only what the
// README there calls not comparable: the identification of ICMP packets and the flow label.
#include <algorithm>

#include "packet/answer_icmp4.h"
#include "packet/answer_icmp6.h"
#include "packet/answer_tcp.h"
#include "packet/icmp.h"
#include "packet/outer_quote.h"
#include "packet/quote.h"
#include "support/golden_cases.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::answer_golden_test {
namespace {

using namespace testing;

const char* const kTraces[] = {
    "encap-ipip.json",
    "encap-gue.json",
    "encap-gue-csum.json",
    "encap-gre.json",
    "encap-gre-csum.json",
    "encap-ipip-size.json",
    "encap-gue-csum-size.json",
    "encap-gre-nocsum-size.json",
    "encap-ipip-icmp-outer.json",
    "encap-gue-icmp-outer.json",
    "encap6-4in6.json",
    "encap6-6in6.json",
};

// Returns the packet as it is one router further: IPVS had decremented the TTL before it quoted a packet that was too
// long.
Bytes forwarded(Bytes packet) {
  if (packet[0] >> 4 == 6) {
    packet[7]--;
    return packet;
  }
  packet[8]--;
  const Be16 check = checksumReplace(loadUnaligned<Be16>(&packet[10]), Be16::from(0x100), Be16::from(0));
  std::copy_n(reinterpret_cast<const uint8_t*>(&check.raw), 2, &packet[10]);
  return packet;
}

std::span<const uint8_t> messageOf(const Bytes& packet, const Quote& quote) {
  return std::span(packet).subspan(quote.headerBytes, quote.totalBytes - quote.headerBytes);
}

// Returns the client's packet that an ICMP error about a tunnel packet is really about, if all of IPVS's conditions
// hold.
std::span<const uint8_t> quotedByTunnel(const Bytes& packet) {
  const auto header = readQuote(packet);
  if (!header || header->protocol != 1) return {};
  const auto icmp = readIcmp(header->source, header->destination, messageOf(packet, *header));
  if (!icmp || !icmp->isHandledError || !icmp->checksumIsRight) return {};
  const auto outer = stripOuter(icmp->quoted);
  if (!outer) return {};
  const auto inner = readQuote(outer->inner);
  if (!inner || !inner->hasPorts || (icmp->isTooBig && !inner->dontFragment)) return {};
  return outer->inner;
}

// Returns what we would answer to `in` where the kernel answered `golden`: its kind and its MTU, everything else our
// own.
Bytes answerLike(const Bytes& golden, const Bytes& in) {
  const auto header = readQuote(golden).value();
  const Exact out(size_t{1500});
  size_t length = 0;
  if (header.protocol == static_cast<uint8_t>(IpProtocol::tcp)) {
    length = writeTcpReset(out.span(), in);
  } else {
    const auto icmp = readIcmp(header.source, header.destination, messageOf(golden, header)).value();
    const uint16_t identification = loadBe16(&golden[4]);
    const auto fromTunnel = quotedByTunnel(in);
    const Bytes about = !fromTunnel.empty() ? bytesOf(fromTunnel) : icmp.isTooBig ? forwarded(in) : in;
    const Exact packet(about);
    if (icmp.family == Family::ipv4 && !icmp.isError) {
      length = writeIcmp4EchoReply(out.span(), packet.span(), identification);
    } else if (icmp.family == Family::ipv4 && mayAnswerIcmp4(packet.span())) {
      const auto mtu = static_cast<uint16_t>(icmp.mtu);
      length = writeIcmp4Error(out.span(), {icmp.type, icmp.code, mtu, header.source, identification}, packet.span());
    } else if (icmp.family == Family::ipv6 && !icmp.isError) {
      length = writeIcmp6EchoReply(out.span(), packet.span());
    } else if (icmp.family == Family::ipv6 && mayAnswerIcmp6(packet.span(), icmp.type)) {
      length = writeIcmp6Error(out.span(), {icmp.type, icmp.code, icmp.mtu, header.source}, packet.span());
    }
  }
  if (length > 0 && header.family() == Family::ipv6) {
    const uint32_t label = loadBe32(golden.data()) & 0xfffff;
    storeBe32(out.span().data(), loadBe32(out.span().data()) | label);
  }
  return bytesOf(out.span().first(length));
}

bool isAnswer(const Bytes& packet) {
  const uint8_t protocol = readQuote(packet).value().protocol;
  return protocol == 1 || protocol == 6 || protocol == 58;
}

TEST("answers agree byte for byte with those of a Linux IPVS host") {
  size_t compared = 0;
  for (const char* trace : kTraces) {
    const auto cases = goldenCases(trace);
    REQUIRE(cases);
    for (const GoldenCase& c : *cases) {
      if (c.out.size() != 1 || !isAnswer(c.out[0])) continue;
      if (!checkEqual(__FILE__, __LINE__, (std::string(trace) + ": " + c.name).c_str(), answerLike(c.out[0], c.in[0]),
                      c.out[0])) {
        continue;
      }
      compared++;
    }
  }
  CHECK_EQ(compared, 125u);
}

TEST("echo replies of a Linux host agree byte for byte, whatever their TOS") {
  const auto cases = goldenCases("decap.json");
  REQUIRE(cases);
  size_t compared = 0;
  for (const GoldenCase& c : *cases) {
    if (c.out.size() != 1 || c.in.size() != 1 || c.out[0][9] != 1 || c.out[0][20] != icmp4::kEchoReply) continue;
    if ((c.in[0][1] & 3) != 0) continue;  // the server saw another inner packet, as the outer header had ECN
    const Bytes request = bytesOf(stripOuter(c.in[0]).value().inner);
    const std::string claim = "decap.json: " + c.name;
    checkEqual(__FILE__, __LINE__, claim.c_str(), answerLike(c.out[0], request), c.out[0]);
    compared++;
  }
  CHECK_EQ(compared, 17u);
}

TEST("errors about tunnel packets are used when a Linux IPVS used them") {
  for (const char* trace : {"encap-ipip-icmp-outer.json", "encap-gue-icmp-outer.json"}) {
    const auto cases = goldenCases(trace);
    REQUIRE(cases);
    size_t errors = 0;
    for (const GoldenCase& c : *cases) {
      if (!c.name.ends_with(": the error")) continue;
      const std::string claim = std::string(trace) + ": " + c.name;
      checkEqual(__FILE__, __LINE__, claim.c_str(), !quotedByTunnel(c.in[0]).empty(), !c.out.empty());
      errors++;
    }
    CHECK_EQ(errors, 18u);
  }
}

TEST("recorded errors about tunnel packets name the server and the client's connection") {
  const struct {
    const char* trace;
    OuterKind kind;
    uint16_t port;
  } rows[] = {{"encap-ipip-icmp-outer.json", OuterKind::ipip, 0}, {"encap-gue-icmp-outer.json", OuterKind::gue, 6080}};
  for (const auto& row : rows) {
    const auto cases = goldenCases(row.trace);
    REQUIRE(cases);
    const auto found = std::find_if(cases->begin(), cases->end(),
                                    [](const GoldenCase& c) { return c.name == "port unreachable: the error"; });
    REQUIRE(found != cases->end());
    const auto header = readQuote(found->in[0]).value();
    const auto icmp = readIcmp(header.source, header.destination, messageOf(found->in[0], header)).value();
    const auto outer = stripOuter(icmp.quoted).value();
    CHECK(outer.kind == row.kind);
    CHECK_EQ(outer.port.host(), row.port);
    CHECK_EQ(outer.source, address("10.0.0.1"));
    CHECK_EQ(outer.server, address("10.0.0.24"));
    const FlowKey key = flowKeyOf(readQuote(outer.inner).value(), QuotedDirection::toVirtual);
    CHECK_EQ(key.client(), address("172.16.5.9"));
    CHECK_EQ(key.virtualAddress(), address("192.168.50.100"));
    CHECK_EQ(key.virtualPort().host(), 8013);
    CHECK_EQ(key.protocol(), 6);
  }
}

TEST("recorded ICMPv6 errors from the client's side name the connection of the quoted packet") {
  const auto cases = goldenCases("encap6-6in6.json");
  REQUIRE(cases);
  size_t errors = 0;
  for (const GoldenCase& c : *cases) {
    if (!c.name.ends_with("from the client side")) continue;
    const auto header = readQuote(c.in[0]).value();
    const auto icmp = readIcmp(header.source, header.destination, messageOf(c.in[0], header)).value();
    CHECK(icmp.checksumIsRight);
    CHECK(icmp.isHandledError);
    CHECK(!stripOuter(icmp.quoted));
    const FlowKey key = flowKeyOf(readQuote(icmp.quoted).value(), QuotedDirection::toClient);
    CHECK_EQ(key.client(), address("2001:db8:cccc::9"));
    CHECK_EQ(key.virtualAddress(), address("2001:db8:50::100"));
    CHECK_EQ(key.virtualPort().host(), 80);
    errors++;
  }
  CHECK_EQ(errors, 4u);
}

TEST("a recorded ICMPv6 error about a tunnel packet, which Linux ignores, names the server and the connection") {
  const auto cases = goldenCases("encap6-6in6.json");
  REQUIRE(cases);
  const auto found = std::find_if(cases->begin(), cases->end(),
                                  [](const GoldenCase& c) { return c.name == "too-big 1300 about the outer packet"; });
  REQUIRE(found != cases->end());
  const auto header = readQuote(found->in[0]).value();
  const auto icmp = readIcmp(header.source, header.destination, messageOf(found->in[0], header)).value();
  CHECK_EQ(icmp.mtu, 1300u);
  const auto outer = stripOuter(icmp.quoted).value();
  CHECK_EQ(outer.server, address("2001:db8:1::11"));
  CHECK_EQ(readQuote(outer.inner)->totalBytes, 1400u);
}

}  // namespace
}  // namespace tunvs::answer_golden_test
