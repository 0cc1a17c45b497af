// A NextHopTable holds what one resolver knows of the routes to the real servers, for the workers and the packet
// egresses: the link-layer addresses of a frame, and the MTU of the first link.
//
// Thread safety: any thread makes any call. The generations take no lock; the others hold one for a few lines, never
// across a system call.
// Invariants:
//  1. generation() changes whenever the answer of find() changes for any next hop, so a worker may keep answers until
//     then; mtuGeneration() does for mtu(), and with every assign().
//  2. Only what assign() names is known: no packet adds a next hop, whoever sent it. Of more than kMaxNextHops the
//     first are known; for the others, and for whatever was never named, find() returns nullopt and mtu() 0.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/inet.h"
#include "io/route/netlink.h"

namespace tunvs {

// A frame to a next hop goes here.
struct LinkHop {
  int interfaceIndex = 0;
  MacAddress destination{};
  MacAddress source{};
  uint32_t linkMtu = 0;
  uint32_t pathMtu = 0;  // <= linkMtu
  friend bool operator==(const LinkHop&, const LinkHop&) = default;
};

struct NextHopAnswer {
  std::optional<LinkHop> hop;  // nullopt: can't be reached by frames now
  uint32_t mtu = 0;            // of the route and its link, bytes; 0: there is no route now
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

  // Knows these from now on, and no others; what was known of them stays. An address that is repeated counts once.
  void assign(std::span<const IpAddress> servers);

  // Returns nullopt when the next hop is not known, not resolved (yet), or not to be reached by frames.
  std::optional<LinkHop> find(const IpAddress& nextHop) const;
  // Returns 0 when it is not known (yet).
  uint32_t mtu(const IpAddress& nextHop) const;
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  uint64_t mtuGeneration() const { return mtuGeneration_.load(std::memory_order_acquire); }

  // unresolved() returns the known next hops that were never set; known() returns all, in an order that stays until the
  // next assign().
  std::vector<IpAddress> unresolved() const;
  std::vector<IpAddress> known() const;
  size_t size() const;
  // Does nothing for a next hop that is not known (any more).
  void set(const IpAddress& nextHop, const NextHopAnswer& answer);

 private:
  struct Entry {
    NextHopAnswer answer;
    bool wasSet = false;
  };

  mutable std::mutex lock_;
  std::unordered_map<IpAddress, Entry, IpAddressHash> entries_;
  std::atomic<uint64_t> generation_{1}, mtuGeneration_{1};
};

}  // namespace tunvs
