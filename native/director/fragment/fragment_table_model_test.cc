// The fragment table against a plain model of it, under pressure, and under threads.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <list>
#include <map>
#include <random>
#include <thread>

#include "director/fragment/fragment_table.h"
#include "support/fragments.h"
#include "support/testing.h"

namespace tunvs::fragment_table_model_test {
namespace {

FragmentInfo fragmentOf(uint32_t datagram, uint32_t offset, uint32_t payload, bool more) {
  FragmentInfo info;
  if (datagram % 3 == 0) {
    const uint8_t client[16] = {0xfd, 1}, virtualAddress[16] = {0xfd, 2};
    info.source = IpAddress::v6(client);
    info.destination = IpAddress::v6(virtualAddress);
  } else {
    info.source = IpAddress::v4(198, 51, 100, static_cast<uint8_t>(datagram % 7));
    info.destination = IpAddress::v4(10, 9, 9, 9);
    info.headerBytes = 20;
  }
  info.identification = datagram;
  info.protocol = static_cast<uint8_t>(IpProtocol::udp);
  info.offsetBytes = static_cast<uint16_t>(offset);
  info.payloadBytes = payload;
  info.more = more;
  return info;
}

// The table as its header describes it, in the simplest terms and without limits on memory.
class Model {
 public:
  struct Datagram {
    uint32_t id;
    Tick bornAt, seenAt;
    enum { gathering, decided, dead } state = gathering;
    FragmentDrop reason{};
    FragmentDecision decision;
    std::vector<std::pair<uint32_t, uint32_t>> runs;  // each came in order at its far end
    uint32_t end = 0, sum = 0;
    std::multimap<uint32_t, std::string> waiting;  // by offset
  };
  struct Answer {
    FragmentVerdict verdict;
    FragmentDrop reason;
    FragmentDecision decision;
    std::vector<std::string> released;
  };

  Answer handIn(const FragmentInfo& info, const FragmentDecision& decision, const std::string& packet, Tick now) {
    // IPv6 fragments of an impossible length are as if they had not come.
    if (info.family() == Family::ipv6 && info.more && info.payloadBytes % 8 != 0)
      return drop(info.isFirst() && info.payloadBytes < 8 ? FragmentDrop::tinyFirst : FragmentDrop::badLength);
    auto at = all_.begin();
    while (at != all_.end() && at->id != info.identification) ++at;
    if (at != all_.end() && isDue(*at, now)) expireAt(at), at = all_.end();
    const bool isV4 = info.family() == Family::ipv4;
    if (at != all_.end() && info.isFirst() && isV4 && at->state != Datagram::gathering && now - at->seenAt >= 25) {
      all_.erase(at);
      at = all_.end();
    }
    if (at == all_.end()) {
      all_.push_back({.id = info.identification,
                      .bornAt = now,
                      .seenAt = now,
                      .reason = {},
                      .decision = {},
                      .runs = {},
                      .waiting = {}});
      at = std::prev(all_.end());
    }
    Datagram& datagram = *at;
    datagram.seenAt = now;
    if (datagram.state == Datagram::dead) return drop(datagram.reason);

    const FragmentDrop wrong = judge(datagram, info);
    const bool isNews = wrong == FragmentDrop::duplicate && !info.more && datagram.end == 0;
    if (wrong == FragmentDrop::duplicate && !isNews) return drop(wrong);
    if (wrong != FragmentDrop::none && !isNews) {
      if (datagram.state == Datagram::gathering && wrong != FragmentDrop::tooLong) {
        all_.erase(at);
        return drop(wrong);
      }
      datagram.state = Datagram::dead;
      datagram.reason = wrong;
      datagram.waiting.clear();
      return drop(wrong);
    }
    if (!info.more) datagram.end = info.endBytes();
    if (!isNews) take(datagram, info);
    Answer answer{FragmentVerdict::forward, FragmentDrop::none, {}, {}};
    if (info.isFirst()) {
      datagram.state = Datagram::decided;
      datagram.decision = decision;
      for (const auto& [offset, bytes] : datagram.waiting) {
        if (decision.refusal == 0) answer.released.push_back(bytes);
      }
      datagram.waiting.clear();
    }
    if (datagram.state == Datagram::gathering) {
      // Of two at one offset, the one that came later goes first.
      datagram.waiting.emplace_hint(datagram.waiting.lower_bound(info.offsetBytes), info.offsetBytes, packet);
      return {FragmentVerdict::wait, FragmentDrop::none, {}, {}};
    }
    answer.decision = datagram.decision;
    if (datagram.decision.refusal != 0) {
      answer.verdict = FragmentVerdict::drop;
      answer.reason = FragmentDrop::refused;
    }
    if (!isNews && datagram.end != 0 && datagram.sum == datagram.end) all_.erase(at);
    return answer;
  }

  void expire(Tick now) {
    for (auto at = all_.begin(); at != all_.end();) {
      const auto next = std::next(at);
      if (isDue(*at, now)) expireAt(at);
      at = next;
    }
  }
  uint64_t expired() const { return expired_; }
  uint64_t waiting() const {
    uint64_t sum = 0;
    for (const auto& datagram : all_) sum += datagram.waiting.size();
    return sum;
  }
  size_t datagrams() const { return all_.size(); }

 private:
  static Answer drop(FragmentDrop reason) { return {FragmentVerdict::drop, reason, {}, {}}; }
  static bool isDue(const Datagram& datagram, Tick now) { return now - datagram.bornAt >= kFragmentLifeTicks; }
  void expireAt(std::list<Datagram>::iterator at) {
    expired_ += at->waiting.size();
    all_.erase(at);
  }
  static void take(Datagram& datagram, const FragmentInfo& info) {
    datagram.sum += info.takenBytes();
    auto& runs = datagram.runs;
    const auto far = std::ranges::max_element(runs, {}, &std::pair<uint32_t, uint32_t>::second);
    if (far != runs.end() && far->second == info.offsetBytes) {
      far->second = info.endBytes();
    } else {
      runs.emplace_back(info.offsetBytes, info.endBytes());
    }
  }
  static FragmentDrop judge(const Datagram& datagram, const FragmentInfo& info) {
    if (info.takenBytes() == 0) return FragmentDrop::badLength;
    const uint32_t start = info.offsetBytes, end = info.endBytes();
    if (datagram.end != 0 && (info.more ? end > datagram.end : end != datagram.end)) return FragmentDrop::twoEnds;
    bool isCopy = false, overlaps = false;
    for (const auto& [from, to] : datagram.runs) {
      if (!info.more && to > end) return FragmentDrop::twoEnds;
      isCopy |= from <= start && end <= to;
      overlaps |= from < end && start < to;
    }
    return isCopy ? FragmentDrop::duplicate : overlaps ? FragmentDrop::overlap : FragmentDrop::none;
  }

  std::list<Datagram> all_;  // oldest first
  uint64_t expired_ = 0;
};

std::string packetOf(std::mt19937& random, uint32_t id, uint32_t offset) {
  return std::string(20 + random() % 200, static_cast<char>(id * 31 + offset));
}

uint64_t accountedFor(const FragmentCounts& c) {
  uint64_t sum = c.decided + c.followed + c.released + c.expired + c.evicted + c.waiting;
  for (const uint64_t dropped : c.dropped) sum += dropped;
  return sum;
}

}  // namespace

TEST("the fragment table agrees with its model for random fragments") {
  for (uint32_t seed = 0; seed < 20; seed++) {
    std::mt19937 random(seed);
    FragmentTable table({.datagrams = 256, .arenaBytes = 4 << 20, .shards = 1}, HashSecret::fromSeed(seed));
    FragmentLease lease(table);
    Model model;
    Tick now = 0u - 20000;
    for (int step = 0; step < 4000; step++) {
      now += random() % 64 == 0 ? random() % 2000 : random() % 8;
      while (table.expire(now) != 0) {
      }
      model.expire(now);
      const uint32_t id = random() % 40;
      // Most fragments have 80 bytes and lie in their places, so that datagrams become complete.
      const bool isOrderly = random() % 16 != 0;
      const uint32_t slot = random() % 5;
      const uint32_t offset = isOrderly ? slot * 80 : random() % 50 * 8;
      const bool more = offset == 0 || (isOrderly ? slot != 4 : random() % 4 != 0);
      const uint32_t payload = isOrderly ? 80 : random() % 20 == 0 ? random() % 9 : 8 + random() % 20 * 8;
      const FragmentInfo info = fragmentOf(id, offset, payload, more);
      // fragment_test.cc tests what is dropped by the rules for one fragment alone.
      if (info.isFirst() && payload < 8 && payload != 0 && payload % 8 == 0) continue;
      const FragmentDecision decision{static_cast<uint32_t>(random() % 100), random(),
                                      static_cast<uint8_t>(random() % 5 == 0 ? 3 : 0)};
      const std::string packet = packetOf(random, id, offset);

      const Model::Answer expected = model.handIn(info, decision, packet, now);
      std::vector<std::string> released;
      const auto keep = [&released](Packet p) {
        released.emplace_back(reinterpret_cast<const char*>(p.data), p.length);
      };
      const FragmentAnswer foreseen = table.foresee(info, now);
      const FragmentAnswer answer =
          info.isFirst() ? testing::decide(table, info, decision, now, lease, keep)
                         : table.follow(info, {reinterpret_cast<const uint8_t*>(packet.data()), packet.size()}, now);
      // For a first fragment it foresees whether it is accepted, not what is then decided.
      const bool isDropped = answer.verdict == FragmentVerdict::drop;
      const bool isTakenIn = info.isFirst() && (!isDropped || answer.reason == FragmentDrop::refused);
      REQUIRE(CHECK(isTakenIn ? foreseen.verdict != FragmentVerdict::drop : foreseen.verdict == answer.verdict));
      REQUIRE(CHECK(isTakenIn || foreseen.reason == answer.reason));
      REQUIRE(CHECK(isDropped || info.isFirst() || foreseen.decision == answer.decision));
      REQUIRE(CHECK_EQ(answer.verdict, expected.verdict));
      REQUIRE(CHECK_EQ(answer.reason, expected.reason));
      REQUIRE(CHECK(answer.decision == expected.decision));
      REQUIRE(CHECK_EQ(released, expected.released));
      if (random() % 4 == 0) lease.clear();

      const FragmentCounts counts = table.counts();
      REQUIRE(CHECK_EQ(counts.waiting, model.waiting()));
      REQUIRE(CHECK_EQ(counts.expired, model.expired()));
      // A datagram that is over but behind a younger one in its list keeps its place a little longer, but is not found.
      REQUIRE(CHECK(counts.datagrams >= model.datagrams()));
      REQUIRE(CHECK_EQ(counts.evicted, 0u));
      REQUIRE(CHECK_EQ(counts.handedIn, accountedFor(counts)));
    }
    const FragmentCounts counts = table.counts();
    CHECK(counts.followed > 100 && counts.released > 100 && counts.expired > 0 && counts.duplicates > 20);
  }
}

TEST("in a table that is too small every fragment is still accounted for, and no byte is lost or mixed up") {
  for (uint32_t seed = 0; seed < 8; seed++) {
    std::mt19937 random(seed);
    const FragmentTable::Options options{.datagrams = 32, .arenaBytes = 2 * FragmentArena::kLeastBytes, .shards = 2};
    FragmentTable table(options, HashSecret::fromSeed(seed));
    FragmentLease lease(table);
    uint64_t handedIn = 0, forwarded = 0, released = 0;
    for (int step = 0; step < 20000; step++) {
      const uint32_t id = 1 + random() % 60;
      const uint32_t slot = random() % 4;
      const FragmentInfo info = fragmentOf(id, slot * 1480, 1480, slot != 3);
      const FragmentDecision decision{id, id, static_cast<uint8_t>(random() % 8 == 0)};
      handedIn++;
      FragmentAnswer answer;
      if (info.isFirst()) {
        answer = testing::decide(table, info, decision, static_cast<Tick>(step * 4), lease, [&](Packet packet) {
          released++;
          std::memset(packet.data - kHeadroom, 0xff, kHeadroom);
          for (uint32_t i = 0; i < packet.length; i++) {
            if (packet.data[i] != id) return CHECK_EQ(int{packet.data[i]}, id), void();
          }
        });
      } else {
        const std::string packet(random() % 30 == 0 ? 30000 : 1500, static_cast<char>(id));
        answer = table.follow(info, {reinterpret_cast<const uint8_t*>(packet.data()), packet.size()},
                              static_cast<Tick>(step * 4));
      }
      if (answer.verdict == FragmentVerdict::forward) {
        forwarded++;
        REQUIRE(CHECK_EQ(answer.decision.server, id));
      }
      if (random() % 8 == 0) lease.clear();
      const FragmentCounts counts = table.counts();
      REQUIRE(counts.arenaBytes <= options.arenaBytes && counts.datagrams <= table.capacity());
    }
    lease.clear();
    FragmentCounts counts = table.counts();
    CHECK_EQ(counts.handedIn, handedIn);
    CHECK_EQ(counts.handedIn, accountedFor(counts));
    CHECK_EQ(counts.decided + counts.followed, forwarded);
    CHECK_EQ(counts.released, released);
    CHECK(counts.evicted > 0 && counts.released > 100 && counts.datagramsEvicted > 100);
    CHECK(counts.dropped[static_cast<size_t>(FragmentDrop::noRoom)] > 0);
    while (table.expire(20000 * 4 + kFragmentLifeTicks) != 0) {
    }
    counts = table.counts();
    CHECK_EQ(counts.waiting, 0u);
    CHECK_EQ(counts.datagrams, 0u);
    CHECK_EQ(counts.arenaBytes, 0u);
    CHECK_EQ(counts.handedIn, accountedFor(counts));
  }
}

TEST("fragments of the same datagrams on four workers all reach their server or are accounted for") {
  constexpr uint32_t kWorkers = 4, kDatagrams = 3000, kParts = 6;
  FragmentTable table({.datagrams = 512, .arenaBytes = 1 << 20, .shards = 4}, HashSecret::fromSeed(5));
  std::atomic<uint64_t> passed{0}, released{0}, wrongServer{0}, wrongBytes{0}, dropped{0};
  std::vector<std::thread> workers;
  for (uint32_t worker = 0; worker < kWorkers; worker++) {
    workers.emplace_back([&, worker] {
      std::mt19937 random(worker);
      FragmentLease lease(table);
      for (uint32_t i = 0; i < kDatagrams * kParts; i++) {
        // Each worker sees every fourth fragment, in a slightly shuffled order.
        const uint32_t shuffled = i ^ (random() % 4);
        if (shuffled % kWorkers != worker || shuffled >= kDatagrams * kParts) continue;
        const uint32_t id = 1 + shuffled / kParts, slot = (shuffled * 5 + 3) % kParts;
        const FragmentInfo info = fragmentOf(id, slot * 800, 800, slot != kParts - 1);
        const auto mark = static_cast<uint8_t>(id);
        FragmentAnswer answer;
        if (info.isFirst()) {
          answer = testing::decide(table, info, {id, id, 0}, i / 64, lease, [&](Packet packet) {
            released++;
            std::memset(packet.data - kHeadroom, 0xff, kHeadroom);
            for (uint32_t b = 0; b < packet.length; b++) {
              if (packet.data[b] != mark) wrongBytes++;
            }
            std::memset(packet.data, mark ^ 0xff, packet.length);
          });
        } else {
          const std::string packet(820, static_cast<char>(mark));
          answer = table.follow(info, {reinterpret_cast<const uint8_t*>(packet.data()), packet.size()}, i / 64);
        }
        if (answer.verdict == FragmentVerdict::forward) {
          passed++;
          if (answer.decision.server != id) wrongServer++;
        }
        if (answer.verdict == FragmentVerdict::drop) dropped++;
        if (i % 64 == 0) lease.clear();
        if (i % 1024 == 0) table.expire(i / 64);
      }
    });
  }
  for (auto& worker : workers) worker.join();
  FragmentCounts counts = table.counts();
  CHECK_EQ(wrongServer.load(), 0u);
  CHECK_EQ(wrongBytes.load(), 0u);
  CHECK_EQ(counts.decided + counts.followed, passed.load());
  CHECK_EQ(counts.released, released.load());
  CHECK_EQ(counts.handedIn, accountedFor(counts));
  CHECK(passed > 0);
  while (table.expire(kDatagrams * kParts / 64 + kFragmentLifeTicks) != 0) {
  }
  counts = table.counts();
  CHECK_EQ(counts.arenaBytes, 0u);
  CHECK_EQ(counts.datagrams, 0u);
}

}  // namespace tunvs::fragment_table_model_test
