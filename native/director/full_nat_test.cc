// Full NAT: which addresses and ports packets get, and how real servers are told which client they come from.
#include "packet/client_address.h"
#include "packet/transport_checksum.h"
#include "support/nat_director.h"

namespace tunvs::full_nat_test {
namespace {

using testing::Bytes;
using testing::NatDirector;
using testing::PacketBuilder;

const IpAddress kServer = IpAddress::v4(10, 0, 0, 11);
constexpr uint32_t kIsn = 1000;

DirectorOptions withSources(std::vector<std::string> sources, uint16_t firstPort = 1024, uint16_t lastPort = 65535) {
  DirectorOptions options = NatDirector::defaultOptions();
  auto made = NatSources::make(sources, firstPort, lastPort);
  if (!made) std::abort();
  options.settings.natSources = std::move(made).value();
  return options;
}

struct FullNat : NatDirector {
  explicit FullNat(const DirectorOptions& options = withSources({"10.0.0.200"}), ClientTold told = ClientTold::none)
      : NatDirector(options) {
    addService();
    ServerConfig config;
    config.tunnel.method = ForwardingMethod::snat;
    config.tunnel.told = told;
    if (!apply(AddServer{kWeb, {kServer, 8080}, config}).ok()) std::abort();
  }
  // A client's segment, by its offset in what the client says.
  Bytes says(uint16_t port, uint32_t offset, size_t bytes, uint8_t flags = kTcpAck) {
    Bytes packet = PacketBuilder().ip(kClient, kWeb.address).tcp(port, 80, flags).payload(bytes).build();
    storeBe32(&packet[24], kIsn + 1 + offset);
    sealSegment(packet);
    return packet;
  }
  static void sealSegment(Bytes& packet) {
    const auto segment = std::span(packet).subspan(20);
    testing::seal(segment, 16, pseudoHeaderSum(kClient, kWeb.address, 6, static_cast<uint32_t>(segment.size())));
  }
  // What the server answers to the packet that was sent last.
  Bytes answer(uint32_t acknowledged, uint8_t flags = kTcpAck, size_t bytes = 0) {
    Bytes packet = PacketBuilder()
                       .ip(kServer, testing::addressAt(sent, 12))
                       .tcp(8080, loadBe16(&sent[20]), flags)
                       .payload(bytes)
                       .build();
    storeBe32(&packet[28], acknowledged);
    return packet;
  }
  // Returns what the client is told that the server has acknowledged.
  uint32_t answered(uint32_t acknowledged, uint8_t flags = kTcpAck, size_t bytes = 0) {
    const Bytes last = sent;
    if (send(answer(acknowledged, flags, bytes)) != "returned") return 0;
    const uint32_t told = loadBe32(&sent[28]);
    sent = last;
    return told;
  }
  // The client's SYN, and the server's answer.
  void shakeHands(uint16_t port) {
    CHECK_EQ(send(says(port, UINT32_MAX, 0, kTcpSyn)), "11");
    CHECK_EQ(answered(kIsn + 1, kTcpSyn | kTcpAck), kIsn + 1);
  }
  bool isRight() const {
    return checksum(sent.data(), 20).raw == 0 && loadBe16(&sent[2]) == sent.size() &&
           transportChecksumIsRight(testing::addressAt(sent, 12), testing::addressAt(sent, 16), 6,
                                    std::span(sent).subspan(20));
  }
  uint32_t sequence() const { return loadBe32(&sent[24]); }
  std::string payload() const {
    const size_t at = 20 + (sent[32] >> 4) * size_t{4};
    return {sent.begin() + static_cast<ptrdiff_t>(at), sent.end()};
  }
};

TEST("a packet leaves with an address and a port of the director's, and its answer comes back to the client") {
  FullNat t;
  CHECK_EQ(t.thereAndBack(t.fromClient(40000, kTcpSyn)), "the same");
  CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn)), "11");
  CHECK_EQ(t.sentTo(), "10.0.0.11:8080");
  CHECK(t.sentFrom().starts_with("10.0.0.200:"));
}

TEST("pairs of address and port are taken in turn, and none twice while its connection is there") {
  FullNat t(withSources({"10.0.0.200", "10.0.0.202/31"}, 5000, 5003));
  std::vector<std::string> given;
  for (uint16_t i = 0; i < 12; i++) {
    CHECK_EQ(t.send(t.fromClient(static_cast<uint16_t>(40000 + i), kTcpSyn)), "11");
    given.push_back(t.sentFrom());
  }
  std::ranges::sort(given);
  CHECK(std::ranges::adjacent_find(given) == given.end());
  CHECK_EQ(given.front(), "10.0.0.200:5000");
  CHECK_EQ(given.back(), "10.0.0.203:5003");
  CHECK_EQ(t.send(t.fromClient(41000, kTcpSyn)), "dropNoPort");
  // One that ends gives its pair back.
  t.now += ticksFromSeconds(3600);
  while (!t.director.expire(0, t.now, /*exact=*/true, SIZE_MAX)) {
  }
  CHECK_EQ(t.send(t.fromClient(41000, kTcpSyn)), "11");
}

TEST("what comes to an address of full NAT without a connection ends here, and a ping of it is answered") {
  FullNat t;
  const IpAddress source = IpAddress::v4(10, 0, 0, 200);
  CHECK_EQ(t.send(PacketBuilder().ip(kServer, source).tcp(8080, 5000, kTcpAck).build()), "dropUnmatchedReply");
  CHECK_EQ(t.send(PacketBuilder().ip(kServer, source).udp(1, 5000).payload(9).build()), "dropUnmatchedReply");
  CHECK(t.sent.empty());
}

TEST("a server of full NAT is refused where the director has no address to give") {
  NatDirector t;
  t.addService();
  ServerConfig config;
  config.tunnel.method = ForwardingMethod::snat;
  const auto refused = t.apply(AddServer{NatDirector::kWeb, {kServer, 80}, config});
  CHECK(!refused.ok() && refused.error().message.find("fullNat.sources") != std::string::npos);
  config.tunnel = {.method = ForwardingMethod::ipip, .told = ClientTold::toa};
  CHECK(!t.apply(AddServer{NatDirector::kWeb, {kServer, 80}, config}).ok());
}

TEST("a client's packets carry its address as a TCP option until the server has answered to what it said") {
  FullNat t(withSources({"10.0.0.200"}), ClientTold::toa);
  t.shakeHands(40000);
  CHECK_EQ(t.sent.size(), 40u);
  CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
  CHECK_EQ(t.sent.size(), 48u);
  const uint8_t option[] = {254, 8, 0x9c, 0x40, 198, 51, 100, 7};
  CHECK(std::equal(std::begin(option), std::end(option), t.sent.begin() + 40));
  CHECK_EQ(int{t.sent[32]} >> 4, 7);
  CHECK(t.isRight());
  CHECK_EQ(t.send(t.says(40000, 0, 101)), "11");
  CHECK(t.isRight() && t.payload().size() == 101);
  for (uint32_t i = 0; i < 8; i++) t.send(t.says(40000, 101 + i, 1));
  CHECK_EQ(t.sent.size(), 49u);
  // That it answers to the handshake again says nothing of the option.
  t.answered(kIsn + 1);
  t.send(t.says(40000, 109, 1));
  CHECK_EQ(t.sent.size(), 49u);
  t.answered(kIsn + 111);
  t.send(t.says(40000, 110, 1));
  CHECK_EQ(t.sent.size(), 41u);
  CHECK(t.isRight());
}

TEST("a client can't set the option that tells its address, however it tries") {
  FullNat t(withSources({"10.0.0.200"}), ClientTold::toa);
  const auto lie = [&](size_t before, size_t options, uint8_t flags = kTcpAck) {
    Bytes packet = t.says(40000, flags == kTcpSyn ? UINT32_MAX : 0, options + 4, flags);
    packet[32] = static_cast<uint8_t>((20 + options) / 4 << 4);
    std::fill(packet.begin() + 40, packet.begin() + 40 + static_cast<ptrdiff_t>(options), uint8_t{1});
    const uint8_t option[] = {254, 8, 0, 80, 1, 2, 3, 4};
    std::copy(std::begin(option), std::end(option), packet.begin() + 40 + static_cast<ptrdiff_t>(before));
    FullNat::sealSegment(packet);
    return packet;
  };
  const auto liesAt = [&] {
    const uint8_t address[] = {1, 2, 3, 4};
    return std::search(t.sent.begin(), t.sent.end(), std::begin(address), std::end(address)) != t.sent.end();
  };
  for (int i = 0; i < 10; i++) {
    CHECK_EQ(t.send(lie(0, 8, kTcpSyn)), "11");
    CHECK(!liesAt() && t.isRight());
  }
  t.answered(kIsn + 1, kTcpSyn | kTcpAck);
  for (size_t options = 8; options <= 40; options += 4) {
    for (size_t before = 0; before + 8 <= options; before++) {
      CHECK_EQ(t.send(lie(before, options)), "11");
      CHECK(!liesAt() && t.isRight());
      CHECK_EQ(t.sent[40] == 254, options <= 32);
    }
  }
}

TEST("the client's first byte has a PROXY header in front, as often as it comes, and what follows moves") {
  FullNat t(withSources({"10.0.0.200"}), ClientTold::proxy);
  t.shakeHands(40000);
  CHECK_EQ(t.sequence(), kIsn);
  t.send(t.says(40000, 0, 0));
  CHECK_EQ(t.sequence(), kIsn + 1);
  CHECK_EQ(t.payload().size(), 0u);
  const std::string header = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) +
                             std::string("\xc6\x33\x64\x07\xc0\x00\x02\x0a\x9c\x40\0\x50", 12);
  for (int time = 0; time < 2; time++) {
    CHECK_EQ(t.send(t.says(40000, 0, 10)), "11");
    CHECK_EQ(t.sequence(), kIsn + 1);
    CHECK(t.payload().starts_with(header) && t.payload().size() == 38);
    CHECK(t.isRight());
    CHECK_EQ(t.send(t.says(40000, 10, 5)), "11");
    CHECK_EQ(t.sequence(), kIsn + 39);
    CHECK(t.payload().size() == 5 && t.isRight());
  }
  // A segment that was cut anew still begins with the first byte.
  t.send(t.says(40000, 0, 3));
  CHECK(t.payload().starts_with(header) && t.payload().size() == 31 && t.isRight());
  // The server acknowledges all of it; the client has said 15 bytes.
  CHECK_EQ(t.answered(kIsn + 44), kIsn + 16);
}

TEST("a client can say nothing where its PROXY header stands") {
  FullNat t(withSources({"10.0.0.200"}), ClientTold::proxy);
  CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 5, kTcpSyn)), "dropForged");  // TCP Fast Open
  CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
  CHECK_EQ(t.send(t.says(40000, 0, 5)), "dropForged");  // before the server has answered
  CHECK_EQ(t.answered(kIsn + 1, kTcpSyn | kTcpAck), kIsn + 1);
  // A segment that begins before the first byte, the rest of which the server would take.
  for (const uint32_t early : {1u, 2u, 29u, 0x7fffffffu}) CHECK_EQ(t.send(t.says(40000, 0 - early, 50)), "dropForged");
  CHECK_EQ(t.send(t.says(40000, 0, 5, kTcpSyn)), "dropForged");
  // Another SYN does not move the place, and the client does not get what would complete its handshake.
  CHECK_EQ(t.send(t.says(40000, 70000, 0, kTcpSyn)), "11");
  CHECK_EQ(t.send(t.answer(kIsn + 70002, kTcpSyn | kTcpAck)), "dropForged");
  CHECK_EQ(t.send(t.says(40000, 0, 5)), "11");
  CHECK_EQ(t.sequence(), kIsn + 1);
  CHECK_EQ(t.payload().size(), 33u);
  // Nothing that comes to stand behind it reaches to before its end.
  for (uint32_t at = 1; at < 60; at++) {
    CHECK_EQ(t.send(t.says(40000, at, 5)), "11");
    CHECK_EQ(t.sequence(), kIsn + 1 + 28 + at);
  }
}

TEST("a fragment can't say what a server is to be told of its client") {
  for (const ClientTold told : {ClientTold::toa, ClientTold::proxy}) {
    FullNat t(withSources({"10.0.0.200"}), told);
    t.shakeHands(40000);
    Bytes packet = t.says(40000, 0, 64);
    storeBe16(&packet[6], 0x2000);
    testing::seal(std::span(packet).first(20), 10);
    CHECK_EQ(t.send(packet), "dropFragment");
  }
}

TEST("a connection with a PROXY header goes on when its numbers have wrapped around, and gets no other header") {
  FullNat t(withSources({"10.0.0.200"}), ClientTold::proxy);
  t.shakeHands(40000);
  t.send(t.says(40000, 0, 5));
  constexpr uint32_t kStep = 100'000'000;
  for (uint64_t said = 0; said < 10'000'000'000; said += kStep) {
    const auto at = static_cast<uint32_t>(said);
    if (said > 0 && !CHECK_EQ(t.answered(kIsn + 1 + 28 + at), kIsn + 1 + at)) break;
    if (!CHECK_EQ(t.send(t.says(40000, at + 1, 7)), "11")) break;
    if (!CHECK_EQ(t.sequence(), kIsn + 1 + 28 + at + 1)) break;
    if (!CHECK_EQ(t.payload().size(), 7u)) break;
  }
  // The number of the first byte has come back.
  CHECK_EQ(t.send(t.says(40000, 0, 7)), "11");
  CHECK_EQ(t.sequence(), kIsn + 1 + 28);
  CHECK_EQ(t.payload().size(), 7u);
}

TEST("a SYN's maximum segment size is lowered wherever the option lies, and the checksum stays right") {
  for (const size_t before : {size_t{0}, size_t{1}, size_t{3}}) {
    Bytes tcp(20 + (before + 4 + 3) / 4 * 4);
    tcp[12] = static_cast<uint8_t>(tcp.size() / 4 << 4);
    for (size_t i = 0; i < before; i++) tcp[20 + i] = 1;
    tcp[20 + before] = 2;
    tcp[21 + before] = 4;
    storeBe16(&tcp[22 + before], 1460);
    testing::seal(tcp, 16);
    lowerMss(tcp.data(), tcp.size(), 28, {});
    CHECK_EQ(int{loadBe16(&tcp[22 + before])}, 1432);
    CHECK_EQ(int{checksum(tcp.data(), tcp.size()).raw}, 0);
  }
  Bytes lying(24, 0);
  lying[12] = 0x60;
  for (int kind = 0; kind < 256; kind++) {
    for (int bytes = 0; bytes < 8; bytes++) {
      lying[20] = static_cast<uint8_t>(kind);
      lying[21] = static_cast<uint8_t>(bytes);
      lowerMss(lying.data(), lying.size(), 28, {});
    }
  }
}

}  // namespace
}  // namespace tunvs::full_nat_test
