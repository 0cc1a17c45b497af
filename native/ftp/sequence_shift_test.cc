#include "ftp/sequence_shift.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/header_bytes.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "support/random.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::sequence_shift_test {
namespace {

using testing::Bytes;
using testing::Exact;
using testing::Random;
using testing::operator+;

constexpr SequenceShift kNone;

// Starts of sequence numbers, some of which wrap around soon.
constexpr uint32_t kStarts[] = {0, 1, 5000, 0x7fffff00, 0xffffffff - 60, 0xffffffff};

struct Block {
  uint32_t begin, end;
};

Bytes sackOption(const std::vector<Block>& blocks) {
  Bytes option = {1, 1, 5, static_cast<uint8_t>(2 + 8 * blocks.size())};
  for (const Block& block : blocks) {
    option.resize(option.size() + 8);
    storeBe32(&option[option.size() - 8], block.begin);
    storeBe32(&option[option.size() - 4], block.end);
  }
  return option;
}

Bytes segment(uint32_t sequence, uint32_t acknowledged, uint8_t flags, const Bytes& options = {}) {
  Bytes bytes(20);
  storeBe16(&bytes[0], 21);
  storeBe16(&bytes[2], 20001);
  storeBe32(&bytes[4], sequence);
  storeBe32(&bytes[8], acknowledged);
  bytes[13] = flags;
  bytes = bytes + options;
  bytes.resize((bytes.size() + 3) / 4 * 4);
  bytes[12] = static_cast<uint8_t>(bytes.size() / 4 << 4);
  bytes = bytes + Bytes{'h', 'e', 'l', 'l', 'o'};
  testing::seal(bytes, 16);
  return bytes;
}

Bytes mended(const Bytes& bytes, const SequenceShift& own, const SequenceShift& other, const Offload& offload = {}) {
  const Exact held(bytes);
  mendTcp(held.span().data(), bytes.size(), own, other, offload);
  return testing::bytesOf(held.span());
}

uint16_t errorOf(const Bytes& bytes) {
  const uint16_t sum = checksumFold(checksumAdd(bytes.data(), bytes.size()));
  return sum == 0xffff ? 0 : sum;
}

// Models a direction byte by byte: where each original byte stands for the receiver, nullopt for a replaced one.
class Model {
 public:
  explicit Model(uint32_t start) : start_(start), original_(start), seen_(start) {}

  void keep(uint32_t bytes) {
    for (; bytes > 0; bytes--, original_++, seen_++) numbers_.push_back(seen_);
  }
  void replace(uint32_t removed, uint32_t inserted) {
    numbers_.push_back(seen_);  // the first byte of the new text stands where that of the old one would
    for (uint32_t i = 1; i < removed; i++) numbers_.push_back(std::nullopt);
    original_ += removed;
    seen_ += inserted;
  }
  uint32_t original() const { return original_; }

  void check(const SequenceShift& shift) const {
    uint32_t last = start_;
    for (size_t i = 0; i < numbers_.size(); i++) {
      const uint32_t original = start_ + static_cast<uint32_t>(i);
      const uint32_t seen = shift.forward(original);
      CHECK(static_cast<int32_t>(seen - last) >= 0);
      last = seen;
      if (!numbers_[i]) continue;
      CHECK_EQ(seen, *numbers_[i]);
      CHECK_EQ(shift.back(seen), original);
      CHECK_EQ(shift.backToEnd(seen), original);
    }
    CHECK_EQ(shift.forward(original_), seen_);
    CHECK_EQ(shift.back(seen_), original_);
  }

 private:
  uint32_t start_, original_, seen_;
  std::vector<std::optional<uint32_t>> numbers_;
};

TEST("a shift of nothing changes nothing") {
  CHECK(kNone.isNone());
  for (const uint32_t number : kStarts) {
    CHECK_EQ(kNone.forward(number), number);
    CHECK_EQ(kNone.back(number), number);
    CHECK_EQ(kNone.backToEnd(number), number);
  }
  const Bytes bytes = segment(7, 8, kTcpAck, sackOption({{20, 30}}));
  CHECK(mended(bytes, kNone, kNone) == bytes);
}

TEST("numbers move behind a replacement and stay before it, also where they wrap around") {
  for (const uint32_t start : kStarts) {
    for (const uint32_t inserted : {11u, 16u, 21u, 23u}) {
      Model model(start);
      model.keep(50);
      SequenceShift shift;
      CHECK(shift.record(model.original(), 16, inserted));
      model.replace(16, inserted);
      model.keep(50);
      model.check(shift);
    }
  }
}

TEST("the last two replacements keep their numbers, and a third forgets the first") {
  for (const uint32_t start : kStarts) {
    Model model(start);
    SequenceShift shift;
    for (const auto& [removed, inserted] : {std::array{40u, 45u}, std::array{44u, 31u}}) {
      model.keep(30);
      CHECK(shift.record(model.original(), removed, inserted));
      model.replace(removed, inserted);
    }
    model.keep(10);
    model.check(shift);

    const uint32_t third = model.original();
    CHECK(shift.record(third, 16, 20));
    CHECK_EQ(shift.forward(third + 16), third + 16 + 5 - 13 + 4);
    CHECK_EQ(shift.forward(third), third + 5 - 13);
    CHECK_EQ(shift.forward(start + 100), start + 105);  // between the first and the second
    CHECK_EQ(shift.forward(start), start + 5);          // before the first, which is forgotten
  }
}

TEST("a replacement whose segment is sent again is recorded once") {
  for (const uint32_t start : kStarts) {
    SequenceShift shift;
    CHECK(shift.record(start, 40, 45));
    const SequenceShift one = shift;
    CHECK(shift.record(start, 40, 45));
    CHECK_EQ(shift.after, one.after);
    CHECK(shift.record(start + 100, 43, 48));
    CHECK(shift.record(start + 100, 43, 48));
    CHECK(shift.record(start, 40, 45));
    CHECK_EQ(shift.after, 10);
    CHECK_EQ(shift.forward(start), start);
    CHECK_EQ(shift.forward(start + 40), start + 45);
  }
}

TEST("a replacement that the numbers can't be right with is not recorded") {
  SequenceShift shift;
  CHECK(shift.record(1000, 40, 45));
  CHECK(!shift.record(1000, 40, 46));
  CHECK(!shift.record(1000, 41, 46));
  CHECK(!shift.record(1000, 40, 40));
  CHECK(!shift.record(999, 40, 45));
  CHECK(!shift.record(1039, 40, 45));
  CHECK(!shift.record(900, 40, 45));
  CHECK_EQ(shift.after, 5);
  CHECK(shift.record(1040, 40, 45));
  CHECK(!shift.record(1000, 40, 44));
  CHECK_EQ(shift.after, 10);
}

TEST("an equally long replacement moves nothing and forgets nothing") {
  SequenceShift shift;
  CHECK(shift.record(1000, 40, 40));
  CHECK(shift.isNone());
  CHECK(shift.record(2000, 40, 45));
  CHECK(shift.record(3000, 40, 40));
  CHECK_EQ(shift.newest.at, 2000);
}

TEST("numbers within replaced bytes stay within the new ones, and go back to where they are sent again from") {
  for (const uint32_t start : kStarts) {
    for (const uint32_t inserted : {11u, 21u}) {
      SequenceShift shift;
      REQUIRE(shift.record(start - 100, 20, 25));
      REQUIRE(shift.record(start, 16, inserted));
      for (uint32_t i = 1; i < 16; i++) CHECK_EQ(shift.forward(start + i), start + 5 + std::min(i, inserted));
      for (uint32_t i = 1; i < inserted; i++) {
        CHECK_EQ(shift.back(start + 5 + i), start);
        CHECK_EQ(shift.backToEnd(start + 5 + i), start + 16);
      }
    }
  }
}

TEST("a segment's number moves by its own direction's shift, its acknowledgements back by the other's") {
  for (const uint32_t start : kStarts) {
    SequenceShift server, client;
    REQUIRE(server.record(start, 40, 45));
    REQUIRE(client.record(start + 7, 30, 20));
    const uint32_t s = start + 100, c = start + 200;

    const Bytes ofServer = segment(s, c - 10, kTcpAck, sackOption({{c, c + 10}, {c + 20, c + 30}}));
    CHECK(mended(ofServer, server, client) ==
          segment(s + 5, c, kTcpAck, sackOption({{c + 10, c + 20}, {c + 30, c + 40}})));
    const Bytes ofClient = segment(c, s + 5, kTcpAck, sackOption({{s + 15, s + 25}}));
    CHECK(mended(ofClient, client, server) == segment(c - 10, s, kTcpAck, sackOption({{s + 10, s + 20}})));
    CHECK(mended(ofServer, server, kNone) ==
          segment(s + 5, c - 10, kTcpAck, sackOption({{c, c + 10}, {c + 20, c + 30}})));
  }
}

TEST("a segment that acknowledges nothing keeps that field, and what looks like a selective acknowledgement") {
  SequenceShift shift;
  REQUIRE(shift.record(0, 40, 45));
  const Bytes options = sackOption({{100, 200}});
  CHECK(mended(segment(100, 100, kTcpSyn, options), shift, shift) == segment(105, 100, kTcpSyn, options));
  CHECK(mended(segment(100, 0, kTcpRst), shift, shift) == segment(105, 0, kTcpRst));
}

TEST("selective acknowledgements never say that more has arrived than has") {
  SequenceShift shift;
  REQUIRE(shift.record(1000, 40, 45));
  const auto mendedBlock = [&](Block block) {
    const Bytes bytes = mended(segment(1, 1, kTcpAck, sackOption({block})), kNone, shift);
    return std::array{loadBe32(&bytes[24]), loadBe32(&bytes[28])};
  };
  CHECK_EQ(mendedBlock({1000, 1045}), std::array{1000u, 1040u});
  CHECK_EQ(mendedBlock({990, 1020}), std::array{990u, 1000u});
  CHECK_EQ(mendedBlock({1020, 1060}), std::array{1040u, 1055u});
  CHECK_EQ(mendedBlock({1010, 1020}), std::array{1000u, 1000u});
}

TEST("options besides selective acknowledgements stay, wherever those lie among them") {
  SequenceShift shift;
  REQUIRE(shift.record(0, 40, 45));
  const Bytes timestamps = {8, 10, 0, 0, 1, 0, 0, 0, 1, 0};
  const auto sack = [](uint32_t by) {
    Bytes option = {5, 10, 0, 0, 0, 0, 0, 0, 0, 0};
    storeBe32(&option[2], 1000 + by);
    storeBe32(&option[6], 2000 + by);
    return option;
  };
  for (const Bytes& before : {Bytes{}, Bytes{1}, Bytes{1, 1, 1}, Bytes{2, 4, 5, 180}, Bytes{3, 3, 7}, Bytes{4, 2}}) {
    const Bytes options = before + sack(5) + timestamps;
    CHECK(mended(segment(1000, 1005, kTcpAck, options), kNone, shift) ==
          segment(1000, 1000, kTcpAck, before + sack(0) + timestamps));
  }
  for (const Bytes& before : {Bytes{0}, Bytes{1, 0}, Bytes{8, 0}, Bytes{8, 1}, Bytes{254, 200}}) {
    const Bytes options = before + sack(5);
    CHECK(mended(segment(1000, 1005, kTcpAck, options), kNone, shift) == segment(1000, 1000, kTcpAck, options));
  }
  // A length that is not that of whole blocks.
  Bytes odd = sack(5);
  odd[1] = 9;
  CHECK(mended(segment(1000, 1005, kTcpAck, odd), kNone, shift) == segment(1000, 1000, kTcpAck, odd));
}

TEST("shifting forward and back is the identity, and a checksum's error stays") {
  Random random(1982);
  for (uint32_t i = 0; i < 20000 / testing::kFewer; i++) {
    const auto start = random.oneIn(2) ? static_cast<uint32_t>(random.next()) : 0 - random.below(2000);
    SequenceShift server;
    const uint32_t first = start + random.below(500), firstBytes = 15 + random.below(40);
    const uint32_t second = first + firstBytes + random.below(500);
    REQUIRE(server.record(first, firstBytes, 15 + random.below(40)));
    if (random.oneIn(2)) REQUIRE(server.record(second, 15 + random.below(40), 15 + random.below(40)));

    // Whole text lies between two numbers: none is within replaced bytes.
    const auto number = [&] {
      while (true) {
        const uint32_t n = start + random.below(2000);
        const auto isWithin = [n](const SequenceShift::Replacement& r) {
          return r.removed != 0 && n - r.at - 1 < r.removed - 1;
        };
        if (!isWithin(server.newest) && !isWithin(server.older)) return n;
      }
    };
    // What the server sends arrives shifted; the client's segment acknowledges these numbers as it sees them.
    std::vector<Block> sent, seen;
    for (uint32_t blocks = random.below(4); blocks > 0; blocks--) {
      sent.push_back({number(), number()});
      seen.push_back({server.forward(sent.back().begin), server.forward(sent.back().end)});
    }
    const uint32_t n = number(), own = static_cast<uint32_t>(random.next());
    const Bytes moved = mended(segment(n, own, kTcpAck), server, kNone);
    Bytes answer = segment(own, loadBe32(&moved[4]), kTcpAck, sackOption(seen));
    if (random.oneIn(2)) storeBe16(&answer[16], static_cast<uint16_t>(random.next()));
    const Bytes got = mended(answer, kNone, server);
    Bytes expected = segment(own, n, kTcpAck, sackOption(sent));
    std::copy_n(&got[16], 2, &expected[16]);
    if (!CHECK(got == expected) || !CHECK_EQ(errorOf(got), errorOf(answer))) return;
  }
}

TEST("an unfinished checksum, which covers no numbers, stays") {
  SequenceShift shift;
  REQUIRE(shift.record(0, 40, 45));
  Bytes expected = segment(105, 7, kTcpAck);
  const Bytes before = segment(100, 7, kTcpAck);
  std::copy_n(&before[16], 2, &expected[16]);
  CHECK(mended(before, shift, kNone, {0, 20, OffloadKind::tcpChecksum}) == expected);
}

TEST("whatever a segment holds, nothing is read or written outside of it") {
  SequenceShift shift;
  REQUIRE(shift.record(0, 40, 45));
  Random random(793);
  for (uint32_t i = 0; i < 20000 / testing::kFewer; i++) {
    Bytes bytes(random.below(90));
    for (uint8_t& each : bytes) each = static_cast<uint8_t>(random.oneIn(3) ? random.below(12) : random.next());
    const Bytes got = mended(bytes, shift, shift);
    if (bytes.size() < kTcpHeaderBytes) {
      CHECK(got == bytes);
      continue;
    }
    CHECK_EQ(loadBe32(&got[4]), shift.forward(loadBe32(&bytes[4])));
    const size_t headerBytes = std::clamp<size_t>((bytes[12] >> 4) * size_t{4}, kTcpHeaderBytes, bytes.size());
    const auto behind = static_cast<ptrdiff_t>(headerBytes);
    CHECK(std::equal(got.begin() + behind, got.end(), bytes.begin() + behind, bytes.end()));
    CHECK_EQ(errorOf(got), errorOf(bytes));
  }
}

}  // namespace
}  // namespace tunvs::sequence_shift_test
