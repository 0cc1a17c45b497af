// Finds the real server that a datagram's fragments follow.
//
// Only the first fragment has ports, so it decides: the director schedules it and tells the table. Later fragments
// follow that decision, on whichever queue they come. Those that come before the first wait, and go on in order of
// their offsets when it comes. A datagram with overlapping, contradicting or attacking fragments dies as a whole: what
// waits is dropped, and so is what still comes of a datagram that was decided. Copies are dropped alone, even those of
// a first fragment: a real server sees each byte of a datagram once. A complete datagram is forgotten at once, so that
// its identification can be used again.
//
// The law:  handedIn = decided + followed + released + expired + evicted + waiting + the sum of dropped
//
// Expiry. A datagram lives for `lifeTicks` from its first-seen fragment; one that was decided or killed may keep its
// place for as long again. Every call drops a few datagrams that are due in its shard. expire() drops them in all
// shards, and must be called at least once a day.
//
// A first fragment is checked before anything is opened for it: begin() accepts it or drops it. Only what it accepted
// is scheduled, and then concluded. Between the two, the datagram's other fragments wait.
//
// Eviction. A full shard gives up a datagram of the kind (with a decision, without one) that has more than half of the
// places: one of the newcomer's own source if that is among the eight oldest, and otherwise the oldest. A full arena
// gives up the datagram that owns the oldest waiting fragment. So:
//  - fragments without a first one, in any number, take at most half of the places, and none of a datagram that was
//  decided;
//  - a datagram whose fragments come together is lost to a flood of others only when half of the places are taken anew
//  between its first and its last fragment: 2,048 datagrams by default.
//
// Thread safety: any thread may call everything; a call locks one shard, and copies a waiting packet under that lock. A
// FragmentLease belongs to one thread.
// Invariants:
//  1. All memory is allocated by the constructor.
//  2. Only datagrams without a decision have waiting fragments.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/ticks.h"
#include "director/fragment/fragment.h"
#include "director/fragment/fragment_arena.h"
#include "packet/packet_vector.h"
#include "table/flow_hash.h"

namespace tunvs {

// Linux's net.ipv4.ipfrag_time. RFC 791 suggests at least 15 s; by RFC 8200 section 4.5 reassembly ends after 60 s.
inline constexpr uint32_t kFragmentLifeTicks = ticksFromSeconds(30);

// The most bytes that may wait of one datagram: a payload of 65,535 bytes and its headers.
inline constexpr size_t kMaxWaitingBytesPerDatagram = 80 * 1024;

// IPv4 identifications wrap within seconds at high rates (RFC 4963). If a first fragment comes to a decided or dead
// datagram after this long without a fragment, it begins a new one. Copies made by the network come sooner.
inline constexpr uint32_t kIdentificationReuseTicks = ticksFromMs(100);

// What the director decided about a first fragment. The table only carries it.
struct FragmentDecision {
  uint32_t server = 0;
  uint64_t flowHash = 0;
  uint8_t refusal = 0;            // 0: forward; otherwise the caller's own reason to drop the datagram
  uint8_t way = 0;                // the caller's own
  IpAddress source, destination;  // what the addresses of its fragments become; the caller's own
  friend bool operator==(const FragmentDecision&, const FragmentDecision&) = default;
};

enum class FragmentVerdict : uint8_t {
  forward,  // to `decision`
  wait,     // the table has copied the packet: the caller is done with it
  drop,     // for `reason`; if that is `refused`, for the caller's own reason in `decision`
};

struct FragmentAnswer {
  FragmentVerdict verdict = FragmentVerdict::drop;
  FragmentDrop reason = FragmentDrop::none;
  FragmentDecision decision;
};

struct FragmentCounts {
  // Each fragment is counted in one of these.
  uint64_t decided = 0;  // first fragments that may go on
  uint64_t followed = 0;
  uint64_t released = 0;  // waited, and went on
  uint64_t expired = 0;   // waited until the datagram's life ended
  uint64_t evicted = 0;   // waited, and gave way
  uint64_t waiting = 0;   // now
  uint64_t dropped[kFragmentDrops] = {};

  uint64_t handedIn = 0;
  uint64_t duplicates = 0;        // copies
  uint64_t datagramsExpired = 0;  // incomplete at the end of their life
  uint64_t datagramsEvicted = 0;
  uint64_t datagrams = 0;   // now
  uint64_t arenaBytes = 0;  // in use now, including what was freed out of order
};

class FragmentTable;

// Released fragments that are still being sent. They go back to the table at clear(), or when the lease ends. Clear it
// after every vector: what it holds can't be used for other fragments. REQUIRES: the table outlives it.
class FragmentLease {
 public:
  explicit FragmentLease(FragmentTable& table) : table_(table) {}
  ~FragmentLease() { clear(); }
  FragmentLease(const FragmentLease&) = delete;
  FragmentLease& operator=(const FragmentLease&) = delete;

  void clear();
  bool isEmpty() const { return first_ == FragmentArena::kNone; }

 private:
  friend class FragmentTable;
  FragmentTable& table_;
  uint32_t first_ = FragmentArena::kNone;
};

class FragmentTable {
 public:
  struct Options {
    uint32_t datagrams = 4096;            // in all shards
    size_t arenaBytes = 4 * 1024 * 1024;  // in all shards; Linux's net.ipv4.ipfrag_high_thresh
    uint32_t shards = 8;                  // power of two
    uint32_t lifeTicks = kFragmentLifeTicks;
  };

  // REQUIRES: datagrams >= shards, arenaBytes / shards >= FragmentArena::kLeastBytes
  FragmentTable(const Options& options, const HashSecret& secret);
  ~FragmentTable();

  // Takes a first fragment, before it is scheduled. If it returns `forward`, the fragment was accepted, and conclude()
  // must be called with the decision. REQUIRES: info.isFirst(), not info.isAtomic()
  FragmentAnswer begin(const FragmentInfo& info, Tick now);

  // Takes the decision, or refusal, about a first fragment that begin() accepted. If it returns `forward`,
  // `onRelease(Packet)` is called for every fragment that waited for it, by offset. Each has kHeadroom writable bytes
  // in front and stays valid until lease.clear().
  template <typename OnRelease>
  FragmentAnswer conclude(const FragmentInfo& info, const FragmentDecision& decision, Tick now, FragmentLease& lease,
                          OnRelease&& onRelease) {
    uint32_t last = FragmentArena::kNone;
    uint32_t next = FragmentArena::kNone;
    const FragmentAnswer answer = conclude(info, decision, now, next, last);
    if (next == FragmentArena::kNone) return answer;
    const uint32_t first = next;
    while (next != FragmentArena::kNone) {
      FragmentArena::Record& record = recordAt(next);
      onRelease(Packet{record.packet(), record.length});
      next = record.next;
    }
    recordAt(last).next = lease.first_;
    lease.first_ = first;
    return answer;
  }

  // Takes any other fragment; `packet` is all of it, from its IP header on. REQUIRES: not info.isFirst()
  FragmentAnswer follow(const FragmentInfo& info, std::span<const uint8_t> packet, Tick now);

  // Returns what follow() would make of a fragment that came now, or begin() of a first one, for which anything but
  // `drop` means that it is accepted. Asking changes nothing. REQUIRES: not info.isAtomic()
  FragmentAnswer foresee(const FragmentInfo& info, Tick now) const;

  // Drops at most `budget` due datagrams of each shard. Returns how many it dropped.
  size_t expire(Tick now, size_t budget = 64);

  FragmentCounts counts() const;
  size_t capacity() const;

 private:
  friend class FragmentLease;
  struct Entry;
  struct Shard;

  FragmentAnswer conclude(const FragmentInfo& info, const FragmentDecision& decision, Tick now, uint32_t& first,
                          uint32_t& last);
  void lend(Shard& shard, uint32_t number, Entry& entry, uint32_t& first, uint32_t& last);
  Shard& shardOf(uint64_t hash) const { return *shards_[hash & (shards_.size() - 1)]; }
  // One numbering covers the records of all shards.
  FragmentArena::Record& recordAt(uint32_t reference);
  void giveBack(uint32_t first);

  HashSecret secret_;
  std::vector<std::unique_ptr<Shard>> shards_;
  uint32_t shardUnits_;
};

inline void FragmentLease::clear() {
  if (isEmpty()) return;
  table_.giveBack(first_);
  first_ = FragmentArena::kNone;
}

}  // namespace tunvs
