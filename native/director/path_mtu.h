// The path MTU to a real server, as learned from ICMP errors about our outer packets: it only ever lowers, and is
// forgotten after a while, so that a path that has widened again is found out.
//
// Thread safety: PathMtu by anybody; it is one atomic word. The rest are pure functions over values.
// Invariants:
//  1. A learned value is at least floorOf(family), or what was configured where that is less.
//  2. While a value is alive, no report raises it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/inet.h"
#include "core/ticks.h"

namespace tunvs {

// Ten minutes: RFC 1191 section 6.3, RFC 8201 section 4; Linux's net.ipv4.route.mtu_expires.
inline constexpr uint32_t kPathMtuLifeTicks = ticksFromSeconds(600);

// IPv4: Linux's net.ipv4.route.min_pmtu, so that a forged report can't drive packets down to the protocol's own
// minimum. IPv6: the minimum link MTU (RFC 8200 section 5).
inline constexpr uint16_t kIpv4PathMtuFloor = 552;
inline constexpr uint16_t kIpv6PathMtuFloor = 1280;
constexpr uint16_t floorOf(Family family) { return family == Family::ipv4 ? kIpv4PathMtuFloor : kIpv6PathMtuFloor; }

// The least that a report may say (RFC 1191 section 3; RFC 8201 section 4). Less is discarded.
inline constexpr uint16_t kIpv4LeastReport = 68;
inline constexpr uint16_t kIpv6LeastReport = 1280;

// An ICMP "fragmentation needed" (type 3 code 4) or ICMPv6 "packet too big" about an outer packet.
struct MtuReport {
  Family family = Family::ipv4;  // of the outer packet
  uint32_t bytes = 0;            // next-hop MTU; 0 from an IPv4 router that is older than RFC 1191
};

enum class MtuOutcome : uint8_t {
  lowered,
  refreshed,        // says what is known: lives on for another kPathMtuLifeTicks
  ignoredHigher,    // would not lower what holds now
  ignoredTooSmall,  // less than any link may have
  kCount,
};
inline constexpr size_t kMtuOutcomes = static_cast<size_t>(MtuOutcome::kCount);
// In the order of the enum; also the counters' names.
inline constexpr std::string_view kMtuOutcomeNames[kMtuOutcomes] = {"mtuLowered", "mtuRefreshed", "mtuIgnoredHigher",
                                                                    "mtuIgnoredTooSmall"};

// What was learned. A default one is nothing.
struct LearnedMtu {
  uint16_t bytes = 0;  // 0: nothing
  Tick learnedAt = 0;

  bool isAlive(Tick now) const;
  friend bool operator==(const LearnedMtu&, const LearnedMtu&) = default;
};

// `configured`: bytes, the MTU of the first link towards the server, or what the operator set.
uint32_t effectiveMtu(uint32_t configured, const LearnedMtu& learned, Tick now);

// Changes `learned` as the report says, or leaves it alone.
MtuOutcome learnMtu(LearnedMtu& learned, uint32_t configured, const MtuReport& report, Tick now);

// A real server's learned MTU, shared by all workers.
class PathMtu {
 public:
  uint32_t effective(uint32_t configured, Tick now) const {
    const uint64_t word = word_.load(std::memory_order_relaxed);
    if (word == 0) [[likely]]
      return configured;
    return effectiveMtu(configured, unpack(word), now);
  }
  // Something was learned once; it may have expired since.
  bool isLearned() const { return word_.load(std::memory_order_relaxed) != 0; }
  MtuOutcome learn(uint32_t configured, const MtuReport& report, Tick now);
  void forget() { word_.store(0, std::memory_order_relaxed); }
  LearnedMtu learned() const { return unpack(word_.load(std::memory_order_relaxed)); }

 private:
  static uint64_t pack(const LearnedMtu& learned) { return learned.bytes | uint64_t{learned.learnedAt} << 32; }
  static LearnedMtu unpack(uint64_t word) { return {static_cast<uint16_t>(word), static_cast<Tick>(word >> 32)}; }
  std::atomic<uint64_t> word_{0};
};
static_assert(sizeof(PathMtu) == 8);

}  // namespace tunvs
