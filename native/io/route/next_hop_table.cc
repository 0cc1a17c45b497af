#include "io/route/next_hop_table.h"

#include <unordered_set>

namespace tunvs {

void NextHopTable::assign(std::span<const IpAddress> servers) {
  std::unordered_set<IpAddress, IpAddressHash> wanted;
  for (const IpAddress& server : servers) {
    if (wanted.size() == kMaxNextHops) break;
    wanted.insert(server);
  }
  const std::lock_guard guard(lock_);
  bool hasLostHop = false;
  std::erase_if(entries_, [&](const auto& item) {
    if (wanted.contains(item.first)) return false;
    hasLostHop |= item.second.answer.hop.has_value();
    return true;
  });
  for (const IpAddress& server : wanted) entries_.try_emplace(server);
  if (hasLostHop) generation_.fetch_add(1, std::memory_order_release);
  mtuGeneration_.fetch_add(1, std::memory_order_release);
}

std::optional<LinkHop> NextHopTable::find(const IpAddress& nextHop) const {
  const std::lock_guard guard(lock_);
  const auto found = entries_.find(nextHop);
  return found == entries_.end() ? std::nullopt : found->second.answer.hop;
}

uint32_t NextHopTable::mtu(const IpAddress& nextHop) const {
  const std::lock_guard guard(lock_);
  const auto found = entries_.find(nextHop);
  return found == entries_.end() ? 0 : found->second.answer.mtu;
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

size_t NextHopTable::size() const {
  const std::lock_guard guard(lock_);
  return entries_.size();
}

void NextHopTable::set(const IpAddress& nextHop, const NextHopAnswer& answer) {
  const std::lock_guard guard(lock_);
  const auto found = entries_.find(nextHop);
  if (found == entries_.end()) return;
  NextHopAnswer& known = found->second.answer;
  const bool isOtherHop = known.hop != answer.hop, isOtherMtu = known.mtu != answer.mtu;
  found->second.wasSet = true;
  known = answer;
  if (isOtherHop) generation_.fetch_add(1, std::memory_order_release);
  if (isOtherMtu) mtuGeneration_.fetch_add(1, std::memory_order_release);
}

}  // namespace tunvs
