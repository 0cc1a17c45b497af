#include "packet/tcp_merger.h"

#include <memory>
#include <string>
#include <vector>

#include "support/merge_laws.h"
#include "support/random.h"
#include "support/super_packets.h"
#include "support/tcp_streams.h"
#include "support/testing.h"

namespace tunvs::tcp_merger_test {
namespace {

using testing::Bytes;
using testing::TcpStream;

constexpr uint8_t kPsh = 0x08, kUrg = 0x20, kEce = 0x40, kCwr = 0x80;

// Returns how many packets each unit has, and checks the laws.
std::vector<size_t> unitsOf(const std::vector<Bytes>& batch) {
  const auto merger = std::make_unique<TcpMerger>();
  testing::Laws laws;
  testing::checkMerger(*merger, batch, laws);
  CHECK_EQ(laws.broken(), "");
  std::vector<size_t> sizes;
  for (size_t i = 0; i < merger->unitCount(); i++) sizes.push_back(merger->packetsOf(i));
  return sizes;
}

using Sizes = std::vector<size_t>;

TEST("what was cut is put together again: the same packet, with the same offload") {
  for (const size_t payload : {1449u, 2896u, 30000u, 60001u}) {
    for (testing::SuperPacket whole : {testing::tcp4(payload, 1448), testing::tcp6(payload, 1428, 0),
                                       testing::tcp4(payload, 1448, kTcpAck | kTcpFin | kPsh | kEce | kCwr)}) {
      std::vector<Bytes> cut;
      Segmenter segments(whole.output());
      while (!segments.isDone()) {
        cut.emplace_back(segments.longestBytes());
        cut.back().resize(segments.next(cut.back()));
      }
      const auto merger = std::make_unique<TcpMerger>();
      for (const Bytes& segment : cut) merger->add(segment);
      REQUIRE(merger->unitCount() == 1);
      const TcpMerger::Merged merged = merger->merged(0);
      CHECK(merged.offload == whole.offload);
      CHECK(testing::joined(merged) == whole.bytes);
    }
  }
}

// The second of three segments differs in one thing; the third follows the second.
struct Case {
  const char* what;
  void (*change)(Bytes& second);
  Sizes units;
  bool isSealed = true;  // its checksums are made right again
};

TEST("only a segment that differs in nothing but what the kernel makes anew joins, and none overtakes another") {
  constexpr size_t kTcp = 20;
  const Case cases[] = {
      {"nothing", [](Bytes&) {}, {3}},
      {"its TOS", [](Bytes& b) { b[1] = 3; }, {1, 1, 1}},
      {"its TTL", [](Bytes& b) { b[8]--; }, {1, 1, 1}},
      {"DF", [](Bytes& b) { b[6] = 0; }, {1, 1, 1}},
      {"its identification, behind DF", [](Bytes& b) { b[4] ^= 0x55; }, {3}},
      {"its client", [](Bytes& b) { b[15]++; }, {1, 1, 1}},
      {"its ports", [](Bytes& b) { b[kTcp + 1]++; }, {1, 1, 1}},
      {"its sequence number", [](Bytes& b) { b[kTcp + 7]++; }, {1, 1, 1}},
      {"what it acknowledges", [](Bytes& b) { b[kTcp + 11]++; }, {1, 1, 1}},
      {"a reserved bit", [](Bytes& b) { b[kTcp + 12] |= 1; }, {1, 1, 1}},
      {"PSH", [](Bytes& b) { b[kTcp + 13] |= kPsh; }, {2, 1}},
      {"FIN", [](Bytes& b) { b[kTcp + 13] |= kTcpFin; }, {2, 1}},
      {"ECE", [](Bytes& b) { b[kTcp + 13] |= kEce; }, {1, 1, 1}},
      {"CWR", [](Bytes& b) { b[kTcp + 13] |= kCwr; }, {1, 2}},
      {"URG", [](Bytes& b) { b[kTcp + 13] |= kUrg; }, {1, 1, 1}},
      {"RST", [](Bytes& b) { b[kTcp + 13] |= kTcpRst; }, {1, 1, 1}},
      {"SYN", [](Bytes& b) { b[kTcp + 13] |= kTcpSyn; }, {1, 1, 1}},
      {"no ACK", [](Bytes& b) { b[kTcp + 13] = 0; }, {1, 1, 1}},
      {"its window", [](Bytes& b) { b[kTcp + 15]++; }, {1, 1, 1}},
      {"its urgent pointer", [](Bytes& b) { b[kTcp + 19] = 1; }, {1, 1, 1}},
      {"an option", [](Bytes& b) { b[kTcp + 31] = 0; }, {1, 1, 1}},
      {"a wrong TCP checksum", [](Bytes& b) { b[kTcp + 16] ^= 1; }, {1, 1, 1}, false},
      {"a spoiled byte of payload", [](Bytes& b) { b.back() ^= 1; }, {1, 1, 1}, false},
      {"a wrong header checksum", [](Bytes& b) { b[10] ^= 1; }, {1, 1, 1}, false},
      {"being a fragment", [](Bytes& b) { b[6] |= 0x20; }, {1, 1, 1}},
  };
  for (const Case& each : cases) {
    TcpStream stream;
    std::vector<Bytes> batch = {stream.next(1000), stream.next(1000), stream.next(1000)};
    each.change(batch[1]);
    if (each.isSealed) TcpStream::sealTcp(batch[1]);
    Sizes units = unitsOf(batch);
    // What does not join the first may be joined by the third; then the two differ from the first alike.
    if (!CHECK(units == each.units)) std::printf("    with %s\n", each.what);
  }
}

TEST("IPv4 identifications count up by one where there is no DF, also over the end of their numbers") {
  TcpStream stream;
  stream.dontFragment = false;
  stream.identification = 65534;
  CHECK(unitsOf({stream.next(1000), stream.next(1000), stream.next(1000)}) == Sizes{3});
  std::vector<Bytes> batch = {stream.next(1000)};
  stream.identification++;
  batch.push_back(stream.next(1000));
  CHECK(unitsOf(batch) == (Sizes{1, 1}));
}

TEST("a shorter segment ends a merge and a longer one does not join; one without payload joins nothing") {
  TcpStream stream;
  CHECK(unitsOf({stream.next(1000), stream.next(999), stream.next(1000)}) == (Sizes{2, 1}));
  CHECK(unitsOf({stream.next(1000), stream.next(1001), stream.next(1001)}) == (Sizes{1, 2}));
  CHECK(unitsOf({stream.next(1000), stream.next(0), stream.next(1000)}) == (Sizes{1, 1, 1}));
  CHECK(unitsOf({stream.next(7), stream.next(7)}) == (Sizes{1, 1}));
  CHECK(unitsOf({stream.next(8), stream.next(1)}) == (Sizes{2}));
}

TEST("IPv6 is merged as IPv4 is, unless its flow label, traffic class or hop limit differs, or it has extensions") {
  for (const size_t at : {0u, 1u, 2u, 3u, 7u, 39u}) {
    TcpStream stream;
    stream.isV4 = false;
    std::vector<Bytes> batch = {stream.next(1000), stream.next(1000)};
    CHECK(unitsOf(batch) == Sizes{2});
    batch[1][at] ^= 1;
    if (at != 0) TcpStream::sealTcp(batch[1]);
    CHECK(unitsOf(batch) == (Sizes{1, 1}));
  }
  TcpStream stream;
  stream.isV4 = false;
  std::vector<Bytes> batch = {stream.next(1000), stream.next(1000), stream.next(1000)};
  batch[1][6] = 60;
  CHECK(unitsOf(batch) == (Sizes{1, 1, 1}));
}

TEST("a merged packet is at most 65,535 bytes long and of 64 segments") {
  TcpStream stream;
  std::vector<Bytes> batch;
  for (int i = 0; i < 60; i++) batch.push_back(stream.next(1448));
  CHECK(unitsOf(batch) == (Sizes{45, 15}));
  batch.clear();
  for (int i = 0; i < 130; i++) batch.push_back(stream.next(100));
  CHECK(unitsOf(batch) == (Sizes{64, 64, 2}));
}

TEST("flows that interleave are merged each by itself, and eight at a time") {
  for (const size_t flows : {2u, 8u, 9u}) {
    std::vector<TcpStream> streams(flows);
    std::vector<Bytes> batch;
    for (size_t i = 0; i < flows * 4; i++) {
      streams[i % flows].port = static_cast<uint16_t>(1000 + i % flows);
      batch.push_back(streams[i % flows].next(1000));
    }
    CHECK(unitsOf(batch) == (flows == 9 ? Sizes(36, 1) : Sizes(flows, 4)));
  }
}

TEST("other protocols overtake nothing, and keep nothing apart; a fragment of TCP does") {
  TcpStream stream;
  const Bytes udp = testing::PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(1000, 80).payload(10).build();
  CHECK(unitsOf({stream.next(1000), udp, stream.next(1000)}) == (Sizes{2, 1}));
  Bytes fragment = stream.next(1000);
  stream.sequence -= 1000;
  storeBe16(&fragment[6], 100);
  CHECK(unitsOf({stream.next(1000), fragment, stream.next(1000)}) == (Sizes{1, 1, 1}));
}

TEST("a batch is full at its limit, and a merger begins anew after each") {
  const auto merger = std::make_unique<TcpMerger>();
  const Bytes byte = {0};
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < TcpMerger::kMaxPackets; i++) {
      REQUIRE(!merger->isFull());
      merger->add(byte);
    }
    CHECK(merger->isFull());
    CHECK_EQ(merger->unitCount(), TcpMerger::kMaxPackets);
    merger->clear();
    CHECK_EQ(merger->unitCount(), 0u);
  }
}

TEST("whatever is merged is cut into the same packets again, in the order of each flow") {
  const auto merger = std::make_unique<TcpMerger>();
  size_t merged = 0, all = 0;
  for (uint64_t seed = 1; seed <= 600 / testing::kFewer; seed++) {
    testing::Random random(seed);
    const std::vector<Bytes> batch = testing::makeTcpBatch(random, 1 + random.below(120));
    testing::Laws laws;
    merged += testing::checkMerger(*merger, batch, laws);
    all += batch.size();
    if (!CHECK_EQ(laws.broken(), "")) std::printf("    with the seed %llu\n", static_cast<unsigned long long>(seed));
  }
  CHECK(merged > all / 4 && merged < all);
}

}  // namespace
}  // namespace tunvs::tcp_merger_test
