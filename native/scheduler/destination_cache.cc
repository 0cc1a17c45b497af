#include "scheduler/destination_cache.h"

#include <algorithm>

#include "scheduler/eligible.h"
#include "scheduler/ipvs_hash.h"

namespace tunvs {
namespace {

constexpr Tick kPeriod = ticksFromSeconds(60);
constexpr Tick kClockSkew = ticksFromSeconds(10);  // two workers' clocks may be this far apart
constexpr uint32_t kRunsPerFullRun = 30;
constexpr Tick kIdle = ticksFromSeconds(6 * 60);  // when there are too many entries, those idle for this long go
constexpr uint32_t kEnough = 16384;               // entries

}  // namespace

DestinationCache::DestinationCache() : chains_(kChains, kNone) {
  entries_.reserve(kMaxEntries);
  members_.reserve(kMaxMembers);
}

uint32_t DestinationCache::chainOf(const IpAddress& destination) {
  return multiplicativeHash(foldAddress(destination), kChainBits);
}

DestinationCache::Entry* DestinationCache::find(const IpAddress& destination, Tick now) {
  for (uint32_t i = chains_[chainOf(destination)]; i != kNone; i = entries_[i].next) {
    if (entries_[i].destination != destination) continue;
    entries_[i].lastUse = now;
    return &entries_[i];
  }
  return nullptr;
}

DestinationCache::Entry& DestinationCache::add(const IpAddress& destination, Tick now) {
  if (size_ == kMaxEntries) makeRoom();
  uint32_t index = freeEntry_;
  if (index != kNone) {
    freeEntry_ = entries_[index].next;
  } else {
    index = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  }
  uint32_t& first = chains_[chainOf(destination)];
  entries_[index] = {destination, now, now, first, kNone, 0};
  first = index;
  size_++;
  return entries_[index];
}

void DestinationCache::insert(Entry& entry, ServerList servers, const Candidate& server, Tick now) {
  bool isThere = false;
  forEachServer(entry, servers, [&](const Candidate& known) { isThere |= &known == &server; });
  if (isThere) return;
  uint32_t index = freeMember_;
  if (index != kNone) {
    freeMember_ = members_[index].next;
  } else {
    if (members_.size() == kMaxMembers) return;
    index = static_cast<uint32_t>(members_.size());
    members_.emplace_back();
  }
  members_[index] = {server.address, server.port, 0, entry.member};
  entry.member = index;
  entry.members++;
  entry.lastChange = now;
}

void DestinationCache::erase(Entry& entry, const Candidate& server, Tick now) {
  for (uint32_t* link = &entry.member; *link != kNone; link = &members_[*link].next) {
    const uint32_t index = *link;
    Member& member = members_[index];
    if (member.address != server.address || member.port != server.port) continue;
    *link = member.next;
    member.next = freeMember_;
    freeMember_ = index;
    entry.members--;
    entry.lastChange = now;
    return;
  }
}

void DestinationCache::eraseAll(Entry& entry) {
  while (entry.member != kNone) {
    const uint32_t index = entry.member;
    entry.member = members_[index].next;
    members_[index].next = freeMember_;
    freeMember_ = index;
  }
  entry.members = 0;
}

const Candidate* DestinationCache::resolve(Member& member, ServerList servers) {
  const auto is = [&](const Candidate* server) {
    return server->address == member.address && server->port == member.port;
  };
  if (member.index < servers.size() && is(servers[member.index])) return servers[member.index];
  const auto found = std::ranges::find_if(servers, is);
  if (found == servers.end()) return nullptr;
  member.index = static_cast<uint32_t>(found - servers.begin());
  return *found;
}

void DestinationCache::collect(Tick now, Tick expiration) {
  if (!isStarted_) {
    isStarted_ = true;
    nextRun_ = now + kPeriod;
    return;
  }
  // The next run is never further ahead than this. A larger difference means that it is overdue by more than half the
  // clock's range.
  if (nextRun_ - now - 1 < kPeriod + kClockSkew) return;
  // Nobody asked for long, so one full run replaces those that were missed.
  if (now - nextRun_ >= kPeriod * kRunsPerFullRun) {
    runs_ = kRunsPerFullRun - 1;
    nextRun_ = now;
  }
  while (reached(now, nextRun_)) {
    run(nextRun_, expiration);
    nextRun_ += kPeriod;
  }
}

void DestinationCache::run(Tick now, Tick expiration) {
  if (++runs_ == kRunsPerFullRun) {
    runs_ = 0;
    for (uint32_t chain = 0; chain < kChains; chain++) sweep(chain, now, expiration, UINT32_MAX);
    return;
  }
  if (size_ <= kEnough) return;
  uint32_t goal = std::min((size_ - kEnough) * 4 / 3, kEnough / 2);
  for (uint32_t i = 0; i < kChains && goal > 0; i++) {
    rover_ = (rover_ + 1) % kChains;
    goal -= sweep(rover_, now, kIdle, goal);
  }
}

uint32_t DestinationCache::sweep(uint32_t chain, Tick now, Tick idle, uint32_t limit) {
  uint32_t removed = 0;
  for (uint32_t* link = &chains_[chain]; *link != kNone && removed < limit;) {
    Entry& entry = entries_[*link];
    // A missed run is made up for with the time at which it was due; an entry used since then is not idle.
    if (now - entry.lastUse + kPeriod * kRunsPerFullRun < idle + kPeriod * kRunsPerFullRun) {
      link = &entry.next;
    } else {
      unlink(*link);
      removed++;
    }
  }
  return removed;
}

void DestinationCache::unlink(uint32_t& link) {
  const uint32_t index = link;
  Entry& entry = entries_[index];
  link = entry.next;
  eraseAll(entry);
  entry.next = freeEntry_;
  freeEntry_ = index;
  size_--;
}

void DestinationCache::makeRoom() {
  do {
    rover_ = (rover_ + 1) % kChains;
  } while (chains_[rover_] == kNone);
  uint32_t* last = &chains_[rover_];
  while (entries_[*last].next != kNone) last = &entries_[*last].next;
  unlink(*last);
}

bool hasOutgrownItsWeight(const Candidate& server, ServerList servers) {
  if (activeOf(server) <= server.weight) return false;
  return std::ranges::any_of(servers, [](const Candidate* other) { return activeOf(*other) * 2 < other->weight; });
}

}  // namespace tunvs
