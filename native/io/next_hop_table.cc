#include "io/next_hop_table.h"

namespace tunvs {

std::optional<LinkHop> NextHopTable::find(const IpAddress& nextHop, uint64_t nowMs, bool& isNew) {
  isNew = false;
  const std::lock_guard guard(lock_);
  auto found = entries_.find(nextHop);
  if (found == entries_.end()) {
    if (entries_.size() >= kMaxNextHops) return std::nullopt;
    found = entries_.try_emplace(nextHop).first;
    isNew = true;
  }
  found->second.usedMs = nowMs;
  return found->second.hop;
}

std::vector<IpAddress> NextHopTable::unresolved() const {
  const std::lock_guard guard(lock_);
  std::vector<IpAddress> list;
  for (const auto& [nextHop, entry] : entries_) {
    if (!entry.wasSet) list.push_back(nextHop);
  }
  return list;
}

std::vector<IpAddress> NextHopTable::known() const {
  const std::lock_guard guard(lock_);
  std::vector<IpAddress> list;
  list.reserve(entries_.size());
  for (const auto& [nextHop, entry] : entries_) list.push_back(nextHop);
  return list;
}

void NextHopTable::set(const IpAddress& nextHop, const std::optional<LinkHop>& hop) {
  const std::lock_guard guard(lock_);
  const auto found = entries_.find(nextHop);
  if (found == entries_.end()) return;
  found->second.wasSet = true;
  if (found->second.hop == hop) return;
  found->second.hop = hop;
  generation_.fetch_add(1, std::memory_order_release);
}

void NextHopTable::forgetUnused(uint64_t beforeMs) {
  const std::lock_guard guard(lock_);
  const size_t forgotten = std::erase_if(entries_, [&](const auto& item) { return item.second.usedMs < beforeMs; });
  if (forgotten > 0) generation_.fetch_add(1, std::memory_order_release);
}

}  // namespace tunvs
