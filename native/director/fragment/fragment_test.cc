#include "director/fragment/fragment.h"

#include <algorithm>
#include <random>
#include <vector>

#include "director/fragment/fragment_ranges.h"
#include "support/testing.h"

namespace tunvs::fragment_test {
namespace {

FragmentInfo fragment(uint32_t offset, uint32_t payload, bool more, IpProtocol protocol = IpProtocol::udp) {
  FragmentInfo info;
  info.source = IpAddress::v4(10, 0, 0, 1);
  info.destination = IpAddress::v4(10, 9, 9, 9);
  info.protocol = static_cast<uint8_t>(protocol);
  info.headerBytes = 20;
  info.offsetBytes = static_cast<uint16_t>(offset);
  info.payloadBytes = payload;
  info.more = more;
  return info;
}

}  // namespace

TEST("a fragment on its own is judged by its length, its offset and its transport protocol") {
  using P = IpProtocol;
  using D = FragmentDrop;
  const struct {
    const char* what;
    FragmentInfo info;
    D expected;
  } rows[] = {
      {"an ordinary first one", fragment(0, 1480, true), D::none},
      {"an ordinary last one", fragment(1480, 33, false), D::none},
      {"nothing in it", fragment(1480, 0, false), D::badLength},
      {"odd length though more is to come: trimmed", fragment(1480, 1479, true), D::none},
      {"nothing left when trimmed", fragment(1480, 7, true), D::badLength},
      {"offset that no header can say", fragment(1481, 8, true), D::badLength},
      {"just up to 65,535 with its header", fragment(65488, 27, false), D::none},
      {"one byte beyond", fragment(65488, 28, false), D::tooLong},
      {"the classic ping of death", fragment(65528, 1480, false, P::icmp), D::tooLong},
      {"a length that would wrap in 16 bits", fragment(65528, 65528, true), D::tooLong},
      {"UDP header whole", fragment(0, 8, true), D::none},
      {"TCP flags in the next fragment", fragment(0, 8, true, P::tcp), D::tinyFirst},
      {"TCP header cut at 16", fragment(0, 16, true, P::tcp), D::tinyFirst},
      {"TCP header whole", fragment(0, 24, true, P::tcp), D::none},
      {"SCTP without a chunk header", fragment(0, 8, true, P::sctp), D::tinyFirst},
      {"SCTP with one", fragment(0, 16, true, P::sctp), D::none},
      {"TCP at offset 8 (RFC 3128)", fragment(8, 1480, true, P::tcp), D::tinyFirst},
      {"TCP at offset 16", fragment(16, 1480, true, P::tcp), D::tinyFirst},
      {"TCP at offset 24", fragment(24, 1480, true, P::tcp), D::none},
      {"UDP at offset 8", fragment(8, 1480, true), D::none},
  };
  for (const auto& row : rows) {
    if (!CHECK_EQ(checkFragment(row.info), row.expected)) std::printf("      in: %s\n", row.what);
  }
}

TEST("an IPv6 fragment is judged by its offset before its length, and by no header that its protocol lacks") {
  using D = FragmentDrop;
  const struct {
    const char* what;
    uint8_t protocol;
    uint32_t offset, bytes;
    D expected;
  } rows[] = {
      {"beyond, and of odd length", 17, 65528, 77, D::tooLong},
      {"of odd length", 17, 80, 77, D::badLength},
      {"UDP with three bytes", 17, 0, 3, D::tinyFirst},
      {"an unknown protocol with three bytes", 253, 0, 3, D::badLength},
      {"an unknown protocol with none", 253, 0, 0, D::tinyFirst},
      {"no next header", 59, 0, 0, D::badLength},
  };
  for (const auto& row : rows) {
    FragmentInfo info = fragment(row.offset, row.bytes, true);
    info.source.family = info.destination.family = Family::ipv6;
    info.headerBytes = 0;
    info.protocol = row.protocol;
    if (!CHECK_EQ(checkFragment(info), row.expected)) std::printf("      in: %s\n", row.what);
  }
}

TEST("extension headers in the first fragment do not count as transport header") {
  FragmentInfo info = fragment(0, 32, true, IpProtocol::tcp);
  info.transportOffset = 16;
  CHECK_EQ(checkFragment(info), FragmentDrop::tinyFirst);
  info.payloadBytes = 40;
  CHECK_EQ(checkFragment(info), FragmentDrop::none);
}

TEST("ranges are complete when every byte up to the last fragment's end is there, in any order") {
  FragmentRanges ranges;
  const FragmentInfo parts[] = {fragment(2960, 40, false), fragment(0, 1480, true), fragment(1480, 1480, true)};
  for (const auto& part : parts) {
    CHECK(!ranges.isComplete());
    REQUIRE(CHECK_EQ(ranges.check(part), FragmentDrop::none));
    ranges.add(part);
  }
  CHECK(ranges.isComplete());
  ranges.clear();
  CHECK(!ranges.isComplete());
  CHECK_EQ(ranges.check(parts[0]), FragmentDrop::none);
}

TEST("overlaps, copies and contradicting ends are told apart") {
  using D = FragmentDrop;
  FragmentRanges ranges;
  ranges.add(fragment(800, 800, true));
  ranges.add(fragment(2400, 800, false));
  const struct {
    FragmentInfo info;
    D expected;
  } rows[] = {
      {fragment(0, 800, true), D::none},         {fragment(1600, 800, true), D::none},
      {fragment(800, 800, true), D::duplicate},  {fragment(2400, 800, false), D::duplicate},
      {fragment(800, 400, true), D::duplicate},  {fragment(1200, 400, true), D::duplicate},
      {fragment(792, 16, true), D::overlap},     {fragment(1592, 16, true), D::overlap},
      {fragment(0, 1600, true), D::overlap},     {fragment(0, 2400, true), D::overlap},
      {fragment(2400, 800, true), D::duplicate}, {fragment(3200, 8, true), D::twoEnds},
      {fragment(3200, 8, false), D::twoEnds},    {fragment(1600, 8, false), D::twoEnds},
      {fragment(2400, 400, false), D::twoEnds},  {fragment(2000, 1200, false), D::overlap},
  };
  for (const auto& row : rows) CHECK_EQ(ranges.check(row.info), row.expected);

  FragmentRanges noEnd;
  noEnd.add(fragment(2400, 800, true));
  CHECK_EQ(noEnd.check(fragment(800, 8, false)), D::twoEnds);
  CHECK_EQ(noEnd.check(fragment(2400, 800, false)), D::duplicate);
  CHECK(noEnd.isNews(fragment(2400, 800, false)));
  CHECK(!ranges.isNews(fragment(2400, 800, false)));
  CHECK_EQ(noEnd.check(fragment(3200, 800, false)), D::none);
}

TEST("a datagram of 128 fragments fits, a 129th does not") {
  FragmentRanges ranges;
  for (uint32_t i = 0; i < kMaxFragments; i++) {
    const FragmentInfo info = fragment(i * 16, 8, true);
    REQUIRE(CHECK_EQ(ranges.check(info), FragmentDrop::none));
    ranges.add(info);
  }
  CHECK_EQ(ranges.check(fragment(kMaxFragments * 16, 8, true)), FragmentDrop::tooMany);
  CHECK_EQ(ranges.check(fragment(64, 8, true)), FragmentDrop::duplicate);
}

TEST("ranges agree with a map of bytes for random fragments") {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; round++) {
    FragmentRanges ranges;
    std::vector<int> ownerOf(64, -1);                 // by unit of 8 bytes
    std::vector<std::pair<uint32_t, uint32_t>> runs;  // of units; each came in order at its far end
    uint32_t end = 0;
    for (int i = 0; i < 24; i++) {
      const uint32_t start = random() % 60, units = 1 + random() % 4;
      const FragmentInfo info = fragment(start * 8, units * 8, random() % 6 != 0);
      bool isCopy = false, overlaps = false, contradicts = false;
      for (const auto& [from, to] : runs) {
        isCopy |= from <= start && start + units <= to;
        contradicts |= !info.more && to > start + units;
      }
      contradicts |= end != 0 && (info.more ? info.endBytes() > end : info.endBytes() != end);
      for (uint32_t u = start; u < start + units; u++) overlaps |= ownerOf[u] >= 0;
      const FragmentDrop expected = contradicts ? FragmentDrop::twoEnds
                                    : isCopy    ? FragmentDrop::duplicate
                                    : overlaps  ? FragmentDrop::overlap
                                                : FragmentDrop::none;
      const FragmentDrop found = ranges.check(info);
      REQUIRE(CHECK_EQ(found, expected));
      if (found != FragmentDrop::none) continue;
      ranges.add(info);
      for (uint32_t u = start; u < start + units; u++) ownerOf[u] = i;
      if (!info.more) end = info.endBytes();
      const auto far = std::ranges::max_element(runs, {}, &std::pair<uint32_t, uint32_t>::second);
      if (far != runs.end() && far->second == start) {
        far->second += units;
      } else {
        runs.emplace_back(start, start + units);
      }
      bool isComplete = end != 0;
      for (uint32_t u = 0; u < end / 8; u++) isComplete &= ownerOf[u] >= 0;
      REQUIRE(CHECK_EQ(ranges.isComplete(), isComplete));
    }
  }
}

}  // namespace tunvs::fragment_test
