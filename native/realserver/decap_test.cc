#include "realserver/decap.h"

#include <cstring>
#include <map>
#include <string>

#include "packet/checksum.h"
#include "support/golden.h"
#include "support/testing.h"

namespace tunvs::decap_test {
namespace {

using Bytes = std::vector<uint8_t>;

const IpAddress kDirector = IpAddress::v4(10, 0, 0, 1);
const IpAddress kVirtual = IpAddress::v4(192, 168, 50, 100);
const IpAddress kServer = IpAddress::v4(10, 0, 0, 11);

constexpr uint16_t kGuePort = 6080;

const DecapRules& rules() {
  static const DecapRules made = [] {
    const AddressPrefix director = AddressPrefix::of(kDirector);
    return DecapRules::make({&director, 1}, {&kVirtual, 1}).value();
  }();
  return made;
}

// Decapsulates an IPIP packet, as a raw socket of protocol 4 hands it over.
Decapsulated decapsulate(std::span<uint8_t> packet, const DecapRules& rules) {
  return decapsulateIpv4(packet, kEncapsulations[0], rules);
}

// Decapsulates any tunnel packet as a real server with all receivers does. The kernel's part is done here.
Decapsulated decapsulateAny(std::span<uint8_t> packet) {
  for (const Encapsulation& encapsulation : kEncapsulations) {
    if (packet[9] != static_cast<uint8_t>(encapsulation.protocol)) continue;
    if (encapsulation.protocol != IpProtocol::udp) return decapsulateIpv4(packet, encapsulation, rules());
    if (loadBe16(&packet[22]) != kGuePort) break;
    return tunvs::decapsulate({.source = IpAddress::v4(Be32{loadUnaligned<uint32_t>(&packet[12])}),
                               .ecn = static_cast<uint8_t>(packet[1] & 0x03),
                               .bytes = packet.subspan(28)},
                              encapsulation, rules());
  }
  return {DecapVerdict::badOuter};
}

void writeIpv4(uint8_t* at, uint8_t protocol, uint8_t tos, size_t length, IpAddress source, IpAddress destination) {
  const uint8_t header[20] = {0x45, tos, 0, 0, 0, 1, 0, 0, 63, protocol};
  std::memcpy(at, header, sizeof header);
  storeBe16(at + 2, static_cast<uint16_t>(length));
  std::memcpy(at + 12, source.bytes.data(), 4);
  std::memcpy(at + 16, destination.bytes.data(), 4);
  const Be16 check = checksum(at, 20);
  std::memcpy(at + 10, &check.raw, 2);
}

struct Shape {
  uint8_t outerTos = 0;
  uint8_t innerTos = 0;
  uint8_t innerProtocol = 17;
  size_t payloadBytes = 60;
};

Bytes tunnelPacket(const Shape& shape = {}) {
  Bytes packet(40 + shape.payloadBytes, 0x5a);
  writeIpv4(&packet[0], 4, shape.outerTos, packet.size(), kDirector, kServer);
  writeIpv4(&packet[20], shape.innerProtocol, shape.innerTos, packet.size() - 20, IpAddress::v4(198, 51, 100, 7),
            kVirtual);
  return packet;
}

// Corrects the checksums of an inner header after a change.
void sealInner(Bytes& packet) {
  packet[30] = packet[31] = 0;
  const Be16 check = checksum(&packet[20], 20);
  std::memcpy(&packet[30], &check.raw, 2);
}

Bytes asBytes(std::span<const uint8_t> span) { return {span.begin(), span.end()}; }

// Returns the string values of the JSON array that follows `"key":` in one line of a golden file.
std::vector<std::string> stringsOf(const std::string& line, const std::string& key) {
  std::vector<std::string> values;
  size_t at = line.find("\"" + key + "\":[");
  if (at == std::string::npos) return values;
  at += key.size() + 4;
  const size_t end = line.find(']', at);
  while ((at = line.find('"', at)) < end) {
    const size_t close = line.find('"', at + 1);
    values.push_back(line.substr(at + 1, close - at - 1));
    at = close + 1;
  }
  return values;
}

Bytes fromHex(const std::string& hex) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

TEST("a tunnel packet gives its inner packet unchanged") {
  Bytes packet = tunnelPacket();
  const Bytes before = packet;
  const auto result = decapsulate(packet, rules());
  CHECK(result.verdict == DecapVerdict::accepted);
  CHECK_EQ(asBytes(result.inner), Bytes(before.begin() + 20, before.end()));
}

TEST("outer options are skipped, and what follows the inner packet is cut off") {
  Bytes packet = tunnelPacket();
  packet.insert(packet.begin() + 20, {1, 1, 1, 1});
  packet[0] = 0x46;
  packet.insert(packet.end(), {0, 0, 0});
  storeBe16(&packet[2], static_cast<uint16_t>(packet.size()));
  const auto result = decapsulate(packet, rules());
  CHECK(result.verdict == DecapVerdict::accepted);
  CHECK_EQ(result.inner.size(), 80u);
  CHECK_EQ(result.inner.data() - packet.data(), 24);
}

TEST("bad packets are refused for the first reason that applies") {
  struct Row {
    const char* what;
    void (*spoil)(Bytes& packet);
    DecapVerdict expected;
  };
  const Row rows[] = {
      {"nothing", [](Bytes& p) { p.clear(); }, DecapVerdict::badOuter},
      {"an outer header cut short", [](Bytes& p) { p.resize(19); }, DecapVerdict::badOuter},
      {"an outer version 6", [](Bytes& p) { p[0] = 0x65; }, DecapVerdict::badOuter},
      {"an outer header length of 16", [](Bytes& p) { p[0] = 0x44; }, DecapVerdict::badOuter},
      {"an outer length beyond the end", [](Bytes& p) { storeBe16(&p[2], 101); }, DecapVerdict::badOuter},
      {"an outer length within the header", [](Bytes& p) { storeBe16(&p[2], 19); }, DecapVerdict::badOuter},
      {"another protocol", [](Bytes& p) { p[9] = 41; }, DecapVerdict::badOuter},
      {"a first fragment", [](Bytes& p) { p[6] = 0x20; }, DecapVerdict::badOuter},
      {"a later fragment", [](Bytes& p) { p[7] = 1; }, DecapVerdict::badOuter},
      {"an unknown director", [](Bytes& p) { p[15] = 2; }, DecapVerdict::unknownDirector},
      {"no inner packet",
       [](Bytes& p) {
         p.resize(20);
         storeBe16(&p[2], 20);
       },
       DecapVerdict::badInner},
      {"an inner header cut short",
       [](Bytes& p) {
         p.resize(39);
         storeBe16(&p[2], 39);
       },
       DecapVerdict::badInner},
      {"an inner IPv6 packet", [](Bytes& p) { p[20] = 0x60; }, DecapVerdict::badInner},
      {"an inner header length of 0", [](Bytes& p) { p[20] = 0x40; }, DecapVerdict::badInner},
      {"inner options beyond the inner length",
       [](Bytes& p) {
         p[20] = 0x4f;
         storeBe16(&p[22], 59);
         sealInner(p);
       },
       DecapVerdict::badInner},
      {"an inner length beyond the outer's",
       [](Bytes& p) {
         storeBe16(&p[22], 81);
         sealInner(p);
       },
       DecapVerdict::badInner},
      {"an inner length of 0",
       [](Bytes& p) {
         storeBe16(&p[22], 0);
         sealInner(p);
       },
       DecapVerdict::badInner},
      {"a wrong inner checksum", [](Bytes& p) { p[30] ^= 1; }, DecapVerdict::badInnerChecksum},
      {"an inner destination that is no VIP",
       [](Bytes& p) {
         p[39] = 101;
         sealInner(p);
       },
       DecapVerdict::notVirtualAddress},
  };
  for (const Row& row : rows) {
    Bytes packet = tunnelPacket();
    row.spoil(packet);
    const auto result = decapsulate(packet, rules());
    if (!CHECK_EQ(toString(result.verdict), toString(row.expected)) || !CHECK(result.inner.empty())) {
      testing::fail(__FILE__, __LINE__, std::string("for: ") + row.what);
    }
  }
}

TEST("ECN is combined as RFC 6040 says, DSCP stays, and the inner checksum holds") {
  constexpr int kDrop = -1;
  const int expected[4][4] = {
      // [outer][inner]
      {0, 1, 2, 3},
      {0, 1, 1, 3},
      {0, 1, 2, 3},
      {kDrop, 3, 3, 3},
  };
  for (uint8_t outer = 0; outer < 4; outer++) {
    for (uint8_t inner = 0; inner < 4; inner++) {
      Bytes packet = tunnelPacket(
          {.outerTos = static_cast<uint8_t>(0xb8 | outer), .innerTos = static_cast<uint8_t>(0x28 | inner)});
      const auto result = decapsulate(packet, rules());
      if (expected[outer][inner] == kDrop) {
        CHECK(result.verdict == DecapVerdict::congestionNotSignallable);
        continue;
      }
      REQUIRE(result.verdict == DecapVerdict::accepted);
      CHECK_EQ(result.inner[1], 0x28 | expected[outer][inner]);
      CHECK_EQ(checksumFold(checksumAdd(result.inner.data(), 20)), 0xffff);
    }
  }
}

TEST("a TCP checksum that receive offload left unfinished is finished; a right or a wrong one stays as it is") {
  Bytes packet = tunnelPacket({.innerProtocol = 6, .payloadBytes = 4001});
  uint8_t* const segment = &packet[40];
  const uint64_t pseudo = pseudoHeaderSum(IpAddress::v4(198, 51, 100, 7), kVirtual, 6, 4001);
  const auto sumOfSegment = [&] { return checksumFold(checksumAdd(segment, 4001, pseudo)); };
  const uint16_t unfinished = checksumFold(pseudo);
  std::memcpy(segment + 16, &unfinished, 2);
  CHECK(decapsulate(packet, rules()).verdict == DecapVerdict::accepted);
  CHECK_EQ(sumOfSegment(), 0xffff);

  const Bytes right = packet;
  CHECK(decapsulate(packet, rules()).verdict == DecapVerdict::accepted);
  CHECK(packet == right);

  segment[100] ^= 0xff;
  const Bytes wrong = packet;
  CHECK(decapsulate(packet, rules()).verdict == DecapVerdict::accepted);
  CHECK(packet == wrong);
}

TEST("a UDP checksum that its sender left unfinished is finished; a right one, a wrong one and none stay as they are") {
  Bytes packet = tunnelPacket({.innerProtocol = 17, .payloadBytes = 301});
  uint8_t* const datagram = &packet[40];
  storeBe16(datagram + 4, 301);
  const uint64_t pseudo = pseudoHeaderSum(IpAddress::v4(198, 51, 100, 7), kVirtual, 17, 301);
  const auto sumOfDatagram = [&] { return checksumFold(checksumAdd(datagram, 301, pseudo)); };
  const uint16_t unfinished = checksumFold(pseudo);
  std::memcpy(datagram + 6, &unfinished, 2);
  CHECK(decapsulate(packet, rules()).verdict == DecapVerdict::accepted);
  CHECK_EQ(sumOfDatagram(), 0xffff);

  for (const auto change : {0, 1, 2}) {
    if (change == 1) datagram[100] ^= 0xff;
    if (change == 2) std::memset(datagram + 6, 0, 2);
    const Bytes before = packet;
    CHECK(decapsulate(packet, rules()).verdict == DecapVerdict::accepted);
    CHECK(packet == before);
  }
}

TEST("rules need unicast addresses of both kinds") {
  const AddressPrefix director = AddressPrefix::of(kDirector);
  const AddressPrefix multicast = AddressPrefix::of(IpAddress::v4(224, 0, 0, 1));
  const IpAddress multicast6 = parseIpAddress("ff02::1").value();
  CHECK(!DecapRules::make({}, {&kVirtual, 1}).ok());
  CHECK(!DecapRules::make({&director, 1}, {}).ok());
  CHECK(!DecapRules::make({&multicast, 1}, {&kVirtual, 1}).ok());
  const auto refused = DecapRules::make({&director, 1}, {&multicast6, 1});
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("ff02::1") != std::string::npos);
}

TEST("directors and virtual addresses are told from others, in any order, in ranges and of both families") {
  const AddressPrefix directors[] = {parseAddressPrefix("10.0.0.3").value(), parseAddressPrefix("10.0.1.16/28").value(),
                                     parseAddressPrefix("2001:db8:1::/64").value()};
  const IpAddress virtuals[] = {parseIpAddress("2001:db8::9").value(), kVirtual, IpAddress::v4(10, 9, 9, 9)};
  const auto made = DecapRules::make(directors, virtuals);
  REQUIRE(made.ok());
  const DecapRules& rules = made.value();
  for (const char* text : {"10.0.0.3", "10.0.1.16", "10.0.1.31", "2001:db8:1::77"})
    CHECK(rules.isDirector(parseIpAddress(text).value()));
  for (const char* text : {"10.0.0.4", "10.0.1.32", "2001:db8:2::77", "192.168.50.100"})
    CHECK(!rules.isDirector(parseIpAddress(text).value()));
  for (const IpAddress& address : virtuals) CHECK(rules.isVirtualAddress(address));
  CHECK(!rules.isVirtualAddress(kDirector));
  CHECK(rules.hasDirector(Family::ipv6) && rules.hasVirtualAddress(Family::ipv6));
  CHECK(!decap_test::rules().hasDirector(Family::ipv6) && !decap_test::rules().hasVirtualAddress(Family::ipv6));
}

TEST("what a real kernel's tunl0 accepted and refused is accepted and refused here, too") {
  const auto text = testing::goldenText("decap.json");
  if (!text) SKIP("test/golden/decap.json is not there");
  // The cases without an answer, and those in which we differ: what is expected of us, and why.
  const std::map<std::string, DecapVerdict> expectedByCase = {
      {"ecn outer 3 inner 0", DecapVerdict::congestionNotSignallable},
      {"bad inner header checksum", DecapVerdict::badInnerChecksum},
      {"inner destination is not ours", DecapVerdict::notVirtualAddress},
      {"inner truncated", DecapVerdict::badInner},
      {"inner length beyond the end", DecapVerdict::badInner},
      {"outer source is the vip", DecapVerdict::unknownDirector},
      {"outer source is the server", DecapVerdict::unknownDirector},
      // tunl0 takes these and its stack refuses them. Writing to a TUN device comes to the same.
      {"syn with a bad tcp checksum", DecapVerdict::accepted},
      {"icmp frag-needed for the vip", DecapVerdict::accepted},
      // These never get to a raw socket: the kernel drops or reassembles the packet, or it is no tunnel packet.
      {"bad outer header checksum", DecapVerdict::accepted},
      {"outer fragmented", DecapVerdict::badOuter},
      {"outer fragments reversed", DecapVerdict::badOuter},
      {"without a tunnel: syn straight to the vip", DecapVerdict::badOuter},
      // The recorded host had no receiver for this; this one has.
      {"gre instead of ipip", DecapVerdict::accepted},
      // We differ here on purpose: only configured directors, only virtual addresses.
      {"any outer source", DecapVerdict::unknownDirector},
      {"inner destination is the server address", DecapVerdict::notVirtualAddress},
  };
  size_t cases = 0, named = 0;
  size_t at = 0;
  while (at < text->size()) {
    const size_t end = std::min(text->find('\n', at), text->size());
    const std::string line = text->substr(at, end - at);
    at = end + 1;
    const size_t nameAt = line.find("{\"case\":\"");
    if (nameAt == std::string::npos) continue;
    const std::string name = line.substr(nameAt + 9, line.find('"', nameAt + 9) - nameAt - 9);
    const auto in = stringsOf(line, "in");
    const auto out = stringsOf(line, "out");
    const auto special = expectedByCase.find(name);
    named += special != expectedByCase.end();
    const DecapVerdict expected = special == expectedByCase.end() ? DecapVerdict::accepted : special->second;
    CHECK(!in.empty() && (special != expectedByCase.end() || !out.empty()));
    for (const std::string& hex : in) {
      Bytes packet = fromHex(hex);
      const auto result = decapsulateAny(packet);
      if (!CHECK_EQ(toString(result.verdict), toString(expected))) testing::fail(__FILE__, __LINE__, "for: " + name);
      // An echo reply copies the TOS of the request as it came out of the tunnel.
      if (special == expectedByCase.end() && result.inner[9] == 1) {
        if (!CHECK_EQ(result.inner[1], fromHex(out[0])[1])) testing::fail(__FILE__, __LINE__, "for: " + name);
      }
    }
    cases++;
  }
  CHECK_EQ(cases, 45u);
  CHECK_EQ(named, expectedByCase.size());
}

}  // namespace
}  // namespace tunvs::decap_test
