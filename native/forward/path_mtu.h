// The path MTU to a real server has two sources: the MTU of the host's own route to it, which may change at any time,
// and what ICMP errors about our outer packets have told. The latter only lowers it, and is forgotten after a while, so
// that a path that has widened again is found out.
//
// Thread safety: any thread calls PathMtu; its values are one atomic word. The rest are pure functions over values.
// Invariants:
//  1. A learned value is at least the report's least(), or what was configured if that is less.
//  2. While a value is alive, no report raises it.
//  3. Reports lower one server's MTU no more often than kMtuLoweringTicks and kMtuLowerings allow.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/inet.h"
#include "core/rate_limit.h"
#include "core/ticks.h"

namespace tunvs {

// A learned MTU lives for ten minutes: RFC 1191 section 6.3, RFC 8201 section 4; Linux's net.ipv4.route.mtu_expires.
inline constexpr uint32_t kPathMtuLifeTicks = ticksFromSeconds(600);

// IPv4: Linux's net.ipv4.route.min_pmtu, so that a forged report can't drive packets down to the protocol's own
// minimum; the operator may set another floor. IPv6: the minimum link MTU (RFC 8200 section 5), or the floor that is
// set if that is more.
inline constexpr uint16_t kIpv4PathMtuFloor = 552;
inline constexpr uint16_t kIpv6PathMtuFloor = 1280;

// A path with one narrow hop behind another is found out step by step. No path has more such steps than there are kinds
// of links.
inline constexpr uint32_t kMtuLoweringTicks = ticksFromSeconds(2);
inline constexpr uint32_t kMtuLowerings = 4;

// A report that says less than this is discarded (RFC 1191 section 3; RFC 8201 section 4).
inline constexpr uint16_t kIpv4LeastReport = 68;
inline constexpr uint16_t kIpv6LeastReport = 1280;

// A report is an ICMP "fragmentation needed" (type 3 code 4) or an ICMPv6 "packet too big" about an outer packet.
struct MtuReport {
  Family family = Family::ipv4;  // of the outer packet
  uint32_t bytes = 0;            // next-hop MTU; 0 from an IPv4 router older than RFC 1191
  uint16_t floor = kIpv4PathMtuFloor;

  // Returns the least to which this report can lower an MTU.
  constexpr uint16_t least() const {
    return family == Family::ipv4 || floor > kIpv6PathMtuFloor ? floor : kIpv6PathMtuFloor;
  }
};

enum class MtuOutcome : uint8_t {
  lowered,
  refreshed,        // it repeats the known value, which lives on for another kPathMtuLifeTicks
  ignoredHigher,    // it would not lower what holds now
  ignoredTooSmall,  // it is less than any link may have
  ignoredTooOften,  // it would lower what was lowered a moment ago
  kCount,
};
inline constexpr size_t kMtuOutcomes = static_cast<size_t>(MtuOutcome::kCount);
// The names stand in the order of the enum; the counters have the same names.
inline constexpr std::string_view kMtuOutcomeNames[kMtuOutcomes] = {"mtuLowered", "mtuRefreshed", "mtuIgnoredHigher",
                                                                    "mtuIgnoredTooSmall", "mtuIgnoredTooOften"};

// A LearnedMtu holds what was learned about a path. A default one holds nothing.
struct LearnedMtu {
  uint16_t bytes = 0;  // 0: nothing
  Tick learnedAt = 0;

  bool isAlive(Tick now) const;
  friend bool operator==(const LearnedMtu&, const LearnedMtu&) = default;
};

// `configured` is the MTU in bytes of the first link towards the server, or what the operator set.
uint32_t effectiveMtu(uint32_t configured, const LearnedMtu& learned, Tick now);

// Changes `learned` as the report says, or leaves it alone.
MtuOutcome learnMtu(LearnedMtu& learned, uint32_t configured, const MtuReport& report, Tick now);

// A real server's path MTU, shared by all workers.
class PathMtu {
 public:
  uint32_t effective(uint32_t configured, Tick now) const {
    const uint64_t word = word_.load(std::memory_order_relaxed);
    if (word == 0) [[likely]]
      return configured;
    return effectiveMtu(bounded(configured, routeOf(word)), learnedOf(word), now);
  }
  // Returns true when the MTU may be less than what is configured: the route is narrower, or a value was learned that
  // forgetExpired() has not cleared since.
  bool isNarrowed() const { return word_.load(std::memory_order_relaxed) != 0; }
  // `mayLower()` is asked once, when everything else would let the report lower the MTU.
  template <typename MayLower>
  MtuOutcome learn(uint32_t configured, const MtuReport& report, Tick now, MayLower&& mayLower);
  MtuOutcome learn(uint32_t configured, const MtuReport& report, Tick now) {
    return learn(configured, report, now, [] { return true; });
  }
  // `bytes` is the MTU of the host's route to the server. If it is 0, it is not known, and what is configured holds.
  void setRoute(uint32_t configured, uint32_t bytes);
  // Clears what has expired, which could otherwise come back when the clock has gone round.
  void forgetExpired(Tick now);
  void forget() {
    word_.store(0, std::memory_order_relaxed);
    lowerings_.reset();
  }
  LearnedMtu learned() const { return learnedOf(word_.load(std::memory_order_relaxed)); }

 private:
  // A route that takes what is configured is stored as 0, so that nothing has to be looked up for it.
  static uint64_t pack(const LearnedMtu& learned, uint16_t route) {
    return learned.bytes | uint64_t{route} << 16 | uint64_t{learned.learnedAt} << 32;
  }
  static LearnedMtu learnedOf(uint64_t word) { return {static_cast<uint16_t>(word), static_cast<Tick>(word >> 32)}; }
  static uint16_t routeOf(uint64_t word) { return static_cast<uint16_t>(word >> 16); }
  static uint32_t bounded(uint32_t configured, uint16_t route) {
    return route != 0 && route < configured ? route : configured;
  }
  std::atomic<uint64_t> word_{0};
  SharedRateLimit<kMtuLoweringTicks, kMtuLowerings> lowerings_;
};
static_assert(sizeof(PathMtu) == 16);

template <typename MayLower>
MtuOutcome PathMtu::learn(uint32_t configured, const MtuReport& report, Tick now, MayLower&& mayLower) {
  uint64_t word = word_.load(std::memory_order_relaxed);
  bool isAllowed = false;
  for (;;) {
    LearnedMtu learned = learnedOf(word);
    const MtuOutcome outcome = learnMtu(learned, bounded(configured, routeOf(word)), report, now);
    if (outcome == MtuOutcome::lowered && !isAllowed) {
      if (!lowerings_.take(now) || !mayLower()) return MtuOutcome::ignoredTooOften;
      isAllowed = true;
    }
    if (word_.compare_exchange_weak(word, pack(learned, routeOf(word)), std::memory_order_relaxed)) return outcome;
  }
}

}  // namespace tunvs
