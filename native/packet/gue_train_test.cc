#include "packet/gue_train.h"

#include <string_view>
#include <vector>

#include "support/gue_super_packets.h"
#include "support/testing.h"

namespace tunvs::gue_train_test {
namespace {

using testing::Bytes;
using testing::SuperPacket;
using testing::TrainRow;

// Cuts a train as Linux's __udp_gso_segment() does: every header is repeated, lengths are the datagram's, an IPv4
// identification counts up, and checksums are made.
std::vector<Bytes> cut(const Packet& train) {
  const size_t ipBytes = train.offload.checksumStart;
  const size_t headers = ipBytes + 8;
  const size_t per = train.offload.kind == OffloadKind::udp ? train.offload.segmentBytes : train.length - headers;
  std::vector<Bytes> all;
  for (size_t at = headers; at < train.length; at += per) {
    Bytes& one = all.emplace_back(train.data, train.data + headers);
    one.insert(one.end(), train.data + at, train.data + std::min<size_t>(at + per, train.length));
    const auto udpBytes = static_cast<uint16_t>(one.size() - ipBytes);
    storeBe16(&one[ipBytes + 4], udpBytes);
    if (ipBytes == 40) {
      storeBe16(&one[4], udpBytes);
    } else {
      storeBe16(&one[2], static_cast<uint16_t>(one.size()));
      storeBe16(&one[4], static_cast<uint16_t>(loadBe16(&one[4]) + all.size() - 1));
      one[10] = one[11] = 0;
      const Be16 check = checksum(one.data(), 20);
      std::memcpy(&one[10], &check.raw, 2);
    }
    // The field has the pseudo header's sum with the train's length, of which the datagram's is put in place.
    const uint16_t field = loadUnaligned<uint16_t>(train.data + ipBytes + 6);
    const auto trainBytes = static_cast<uint16_t>(train.length - ipBytes);
    one[ipBytes + 6] = one[ipBytes + 7] = 0;
    const uint64_t pseudo = uint64_t{field} + static_cast<uint16_t>(~Be16::from(trainBytes).raw);
    Be16 check = checksum(&one[ipBytes], udpBytes, pseudo + Be16::from(udpBytes).raw);
    if (check.raw == 0) check.raw = 0xffff;
    std::memcpy(&one[ipBytes + 6], &check.raw, 2);
  }
  return all;
}

std::vector<Bytes> cutTrains(SuperPacket& whole) {
  GueTrain train(whole.output());
  if (!CHECK(train.isPossible())) return {};
  std::vector<Bytes> all;
  Bytes room(kMaxPacketBytes);
  while (!train.isDone()) {
    const Packet made = train.next(room);
    CHECK(made.length <= kMaxPacketBytes);
    std::vector<Bytes> datagrams = cut(made);
    CHECK_EQ(datagrams.size(), train.datagrams());
    CHECK(datagrams.size() <= GueTrain::kMaxDatagrams);
    CHECK_EQ(made.offload.kind == OffloadKind::udpChecksum, datagrams.size() == 1);
    all.insert(all.end(), datagrams.begin(), datagrams.end());
  }
  return all;
}

TEST("a train is cut into the very segments that would leave one by one") {
  for (TrainRow& row : testing::trainRows()) {
    SuperPacket whole = testing::behindGue(std::move(row.inner), row.outer);
    const std::vector<Bytes> wanted = testing::segmentsOf(whole);
    CHECK(!wanted.empty());
    CHECK_EQ(GueTrain(whole.output()).longestBytes(), wanted[0].size());
    CHECK_EQ(std::string_view(cutTrains(whole) == wanted ? "" : row.is), "");
  }
}

TEST("the datagrams of a train behind DF differ from the segments in their identifications alone") {
  SuperPacket whole = testing::behindGue(testing::tcp4(65000, 1400), {.dontFragment = true, .identification = 0});
  const std::vector<Bytes> wanted = testing::segmentsOf(whole);
  std::vector<Bytes> got = cutTrains(whole);
  CHECK_EQ(got.size(), wanted.size());
  CHECK_EQ(loadBe16(&got[1][4]), 1u);
  for (Bytes& each : got) {
    storeBe16(&each[4], 0);
    each[10] = each[11] = 0;
    const Be16 check = checksum(each.data(), 20);
    std::memcpy(&each[10], &check.raw, 2);
  }
  CHECK(got == wanted);
}

TEST("a train is possible for nothing but GUE that is still to be cut and has no outer checksum") {
  const SuperPacket gue = testing::behindGue(testing::tcp4(9000, 1400));
  CHECK(GueTrain(SuperPacket(gue).output()).isPossible());
  const auto isPossible = [&](void (*change)(SuperPacket&)) {
    SuperPacket changed = gue;
    change(changed);
    return GueTrain(changed.output()).isPossible();
  };
  CHECK(!isPossible([](SuperPacket& p) { p.bytes[26] = 1; }));     // an outer checksum
  CHECK(!isPossible([](SuperPacket& p) { p.bytes[9] = 4; }));      // IPIP
  CHECK(!isPossible([](SuperPacket& p) { p.bytes[0] = 0x46; }));   // outer options
  CHECK(!isPossible([](SuperPacket& p) { p.bytes[0] = 0x55; }));   // no version of IP
  CHECK(!isPossible([](SuperPacket& p) { p.bytes[32] = 0x65; }));  // the inner version contradicts the offload
  CHECK(!isPossible([](SuperPacket& p) { p.outerBytes = 28; }));   // no GUE header
  CHECK(!isPossible([](SuperPacket& p) { p.outerBytes = 0; }));    // no outer header
  CHECK(!isPossible([](SuperPacket& p) { p.outerBytes = 60; }));   // the offload begins within the outer header
  CHECK(!isPossible([](SuperPacket& p) { p.bytes.resize(24); }));  // it ends within the outer header
  CHECK(!isPossible([](SuperPacket& p) { p.offload.segmentBytes = 0; }));
  CHECK(!isPossible([](SuperPacket& p) { p.offload.kind = OffloadKind::tcpChecksum; }));
}

}  // namespace
}  // namespace tunvs::gue_train_test
