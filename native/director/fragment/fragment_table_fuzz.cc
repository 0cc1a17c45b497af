// Any sequence of fragments: each is accounted for exactly once, memory stays within its bounds, and what is released
// is what was handed in, by offset, with headroom that may be written.
//
// A step is 8 bytes: what (2 bits) and datagram (6 bits), flags, offset / 8 (16 bits), payload (16 bits), ticks (16
// bits).
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "director/fragment/fragment_table.h"
#include "support/fragments.h"

using namespace tunvs;

namespace {

constexpr FragmentTable::Options kOptions{.datagrams = 8, .arenaBytes = 2 * FragmentArena::kLeastBytes, .shards = 2};
constexpr size_t kStepBytes = 8;
constexpr size_t kMaxSteps = 512;

void must(bool holds) {
  if (!holds) std::abort();
}

FragmentInfo fragmentOf(const uint8_t* step) {
  FragmentInfo info;
  const uint8_t datagram = step[0] & 0x3f, flags = step[1];
  uint8_t client[16] = {0xfd, datagram}, virtualAddress[16] = {0xfd, 0xff};
  const bool isV4 = flags & 2;
  info.source = isV4 ? IpAddress::v4(10, 0, 0, datagram) : IpAddress::v6(client);
  info.destination = isV4 ? IpAddress::v4(10, 9, 9, 9) : IpAddress::v6(virtualAddress);
  info.identification = flags >> 6;
  info.protocol = flags & 4 ? 6 : 17;
  info.headerBytes = isV4 ? 20 : 0;
  info.more = flags & 1;
  info.offsetBytes = static_cast<uint16_t>(loadBe16(step + 2) % 8192 * 8 + (flags & 8 ? 1 : 0));
  info.payloadBytes = loadBe16(step + 4);
  info.transportOffset = flags & 16 ? 24 : 0;
  if (info.isAtomic()) info.more = true;
  return info;
}

// Fills the packet with a pattern that follows from the fragment that it is.
void fill(uint8_t* packet, uint32_t bytes, const FragmentInfo& info) {
  std::memset(packet, info.offsetBytes * 7 + info.source.bytes[info.source.isV4() ? 3 : 1], bytes);
  if (bytes >= 2) storeBe16(packet, info.offsetBytes);
}

void checkCounts(const FragmentTable& table, uint64_t handedIn) {
  const FragmentCounts c = table.counts();
  uint64_t sum = c.decided + c.followed + c.released + c.expired + c.evicted + c.waiting;
  for (const uint64_t dropped : c.dropped) sum += dropped;
  must(c.handedIn == handedIn && sum == handedIn);
  must(c.datagrams <= kOptions.datagrams && c.arenaBytes <= kOptions.arenaBytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static uint8_t packet[kMaxPacketBytes], expected[kMaxPacketBytes];
  FragmentTable table(kOptions, HashSecret::fromSeed(1));
  FragmentLease lease(table);
  Tick now = 0;
  uint64_t handedIn = 0;
  if (size > kMaxSteps * kStepBytes) size = kMaxSteps * kStepBytes;
  for (; size >= kStepBytes; data += kStepBytes, size -= kStepBytes) {
    now += loadBe16(data + 6);
    const uint8_t what = data[0] >> 6;
    if (what == 2) lease.clear();
    if (what == 3) table.expire(now, data[1]);
    if (what > 1) continue;

    FragmentInfo info = fragmentOf(data);
    handedIn++;
    if (info.isFirst()) {
      const FragmentDecision decision{data[0], info.identification, static_cast<uint8_t>(data[1] & 32 ? 1 : 0)};
      int32_t last = -1;
      const FragmentAnswer answer = testing::decide(table, info, decision, now, lease, [&](Packet released) {
        std::memset(released.data - kHeadroom, 0xaa, kHeadroom);
        FragmentInfo source = info;
        if (released.length < 2) return;
        source.offsetBytes = loadBe16(released.data);
        must(source.offsetBytes >= last);  // a copy may wait, too: the first that says where the datagram ends
        last = source.offsetBytes;
        fill(expected, released.length, source);
        must(std::memcmp(released.data, expected, released.length) == 0);
      });
      must(answer.verdict != FragmentVerdict::wait);
      must(last < 0 || answer.verdict == FragmentVerdict::forward);
    } else {
      const auto bytes = static_cast<uint32_t>(std::min<size_t>(info.headerBytes + info.payloadBytes, kMaxPacketBytes));
      fill(packet, bytes, info);
      const FragmentAnswer answer = table.follow(info, {packet, bytes}, now);
      must((answer.verdict == FragmentVerdict::drop) == (answer.reason != FragmentDrop::none));
      must(answer.verdict != FragmentVerdict::forward || answer.decision.refusal == 0);
    }
    checkCounts(table, handedIn);
  }
  lease.clear();
  while (table.expire(now + kFragmentLifeTicks) != 0) {
  }
  checkCounts(table, handedIn);
  const FragmentCounts end = table.counts();
  must(end.waiting == 0 && end.datagrams == 0 && end.arenaBytes == 0);
  return 0;
}
