// What the link layer needs to reach each next hop, kept by one resolver for the packet egresses of all workers.
//
// Thread safety: all calls from any thread. generation() takes no lock; the others hold one for a few lines, never
// across a system call. Invariants:
//  1. generation() changes whenever the answer of find() changes for any next hop, so a worker may keep answers until
//  then.
//  2. At most kMaxNextHops next hops are known; to further ones find() answers nullopt.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/inet.h"
#include "io/netlink.h"

namespace tunvs {

// Where a frame to a next hop goes.
struct LinkHop {
  int interfaceIndex = 0;
  MacAddress destination{};
  MacAddress source{};
  uint32_t linkMtu = 0;
  uint32_t pathMtu = 0;  // <= linkMtu
  friend bool operator==(const LinkHop&, const LinkHop&) = default;
};

struct IpAddressHash {
  size_t operator()(const IpAddress& address) const {
    const auto low = loadUnaligned<uint64_t>(address.bytes.data());
    const auto high = loadUnaligned<uint64_t>(address.bytes.data() + 8);
    const uint64_t mixed = (low ^ (high * 0x9e3779b97f4a7c15)) * 0xff51afd7ed558ccd;
    return static_cast<size_t>(mixed ^ (mixed >> 32));
  }
};

class NextHopTable {
 public:
  static constexpr size_t kMaxNextHops = 65536;

  // nullopt: not resolved (yet). An unknown next hop becomes known, and `isNew` says that somebody should resolve it.
  std::optional<LinkHop> find(const IpAddress& nextHop, uint64_t nowMs, bool& isNew);
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Known next hops that were never set; all of them.
  std::vector<IpAddress> unresolved() const;
  std::vector<IpAddress> known() const;
  // nullopt: can't be reached by frames now. Does nothing for a next hop that is not known (any more).
  void set(const IpAddress& nextHop, const std::optional<LinkHop>& hop);
  // Forgets what find() was not asked for since `beforeMs`.
  void forgetUnused(uint64_t beforeMs);

 private:
  struct Entry {
    std::optional<LinkHop> hop;
    bool wasSet = false;
    uint64_t usedMs = 0;
  };

  mutable std::mutex lock_;
  std::unordered_map<IpAddress, Entry, IpAddressHash> entries_;
  std::atomic<uint64_t> generation_{1};
};

}  // namespace tunvs
