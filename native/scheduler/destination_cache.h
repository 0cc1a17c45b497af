// lblc and lblcr remember in a DestinationCache which servers a destination (a virtual address) was given to. Each
// service that uses them has one.
//
// Thread safety: none; the service's lock guards it.
// Invariants:
//  1. Its memory is bounded and never moves: at most kMaxEntries destinations and kMaxMembers servers of them.
//  2. A server is named by address and port. So one that was removed and comes back is found again, and a new one that
//     got its id is not taken for it.
#pragma once

#include <vector>

#include "scheduler/scheduler.h"

namespace tunvs {

class DestinationCache final : public SchedulerMemory {
 public:
  static constexpr uint32_t kMaxEntries = 1u << 15;  // IPVS lets its own cache grow between two collections
  static constexpr uint32_t kMaxMembers = 1u << 16;

  struct Entry {
    IpAddress destination;
    Tick lastUse = 0;
    Tick lastChange = 0;  // of its set of servers
    uint32_t next = 0;    // in the chain
    uint32_t member = 0;  // the first member, which is the newest
    uint32_t members = 0;
  };

  DestinationCache();
  std::shared_ptr<SchedulerMemory> copy() const override { return std::make_shared<DestinationCache>(*this); }

  // Collects as IPVS does; whoever comes when a collection is due runs it. Every minute it removes entries idle for six
  // minutes if there are too many; every half hour it removes all that are idle for `expiration`.
  void collect(Tick now, Tick expiration);

  // Returns the destination's entry and marks it as used now; null when there is none. It holds until collect() or
  // add().
  Entry* find(const IpAddress& destination, Tick now);
  // Adds an entry without servers. If the cache is full, the oldest entry of some chain makes room.
  // REQUIRES: find() found none
  Entry& add(const IpAddress& destination, Tick now);

  // Hands `visit` each of the entry's servers that is in the list, newest first.
  template <typename Visit>
  void forEachServer(const Entry& entry, ServerList servers, Visit&& visit) {
    for (uint32_t i = entry.member; i != kNone; i = members_[i].next) {
      if (const Candidate* server = resolve(members_[i], servers)) visit(*server);
    }
  }
  // Does nothing when the server is in the set already, or when there is no room for it.
  void insert(Entry& entry, ServerList servers, const Candidate& server, Tick now);
  void erase(Entry& entry, const Candidate& server, Tick now);
  void eraseAll(Entry& entry);

  uint32_t size() const { return size_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr unsigned kChainBits = 10;
  static constexpr uint32_t kChains = 1u << kChainBits;

  struct Member {
    IpAddress address;
    uint16_t port = 0;
    uint32_t index = 0;  // a hint: where it was in the list
    uint32_t next = 0;
  };

  static uint32_t chainOf(const IpAddress& destination);
  const Candidate* resolve(Member& member, ServerList servers);
  void run(Tick now, Tick expiration);
  // Removes those of the chain's entries that are idle for `idle`, at most `limit`, and returns how many.
  uint32_t sweep(uint32_t chain, Tick now, Tick idle, uint32_t limit);
  void unlink(uint32_t& link);
  void makeRoom();

  std::vector<uint32_t> chains_;  // newest first
  std::vector<Entry> entries_;
  std::vector<Member> members_;
  uint32_t freeEntry_ = kNone, freeMember_ = kNone;
  uint32_t size_ = 0;
  uint32_t rover_ = 0;  // the chain that was swept last
  uint32_t runs_ = 0;   // since the last full run
  Tick nextRun_ = 0;
  bool isStarted_ = false;
};

// Measures as IPVS does for both: the server has more active connections than its weight, and some server has less than
// half its own.
bool hasOutgrownItsWeight(const Candidate& server, ServerList servers);

}  // namespace tunvs
