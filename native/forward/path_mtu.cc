#include "forward/path_mtu.h"

#include <algorithm>

namespace tunvs {
namespace {

// How far the clocks of two workers may be apart: a value learned by the one must hold for the other at once.
constexpr uint32_t kClockSkewTicks = ticksFromSeconds(10);

}  // namespace

bool LearnedMtu::isAlive(Tick now) const {
  // Modulo 2^32: whoever keeps a value for 198 days would see it again (PathMtu::forgetExpired()).
  return bytes != 0 && now - learnedAt + kClockSkewTicks < kPathMtuLifeTicks + kClockSkewTicks;
}

uint32_t effectiveMtu(uint32_t configured, const LearnedMtu& learned, Tick now) {
  return learned.isAlive(now) ? std::min<uint32_t>(configured, learned.bytes) : configured;
}

MtuOutcome learnMtu(LearnedMtu& learned, uint32_t configured, const MtuReport& report, Tick now) {
  const bool isV4 = report.family == Family::ipv4;
  // A router that is older than RFC 1191 gives no MTU; Linux takes that for the least one, and so for the floor.
  const uint32_t reported = isV4 && report.bytes == 0 ? kIpv4LeastReport : report.bytes;
  if (reported < (isV4 ? kIpv4LeastReport : kIpv6LeastReport)) return MtuOutcome::ignoredTooSmall;

  const uint32_t current = effectiveMtu(configured, learned, now);
  const uint32_t bytes = std::max<uint32_t>(reported, report.least());
  if (bytes == current && learned.isAlive(now) && bytes == learned.bytes) {
    learned.learnedAt = now;
    return MtuOutcome::refreshed;
  }
  // What was sent was not longer than this: the report tells nothing.
  if (bytes >= current) return MtuOutcome::ignoredHigher;
  learned = {static_cast<uint16_t>(bytes), now};
  return MtuOutcome::lowered;
}

void PathMtu::setRoute(uint32_t configured, uint32_t bytes) {
  const auto route =
      static_cast<uint16_t>(bytes == 0 || bytes >= configured ? 0 : std::max(bytes, uint32_t{kIpv4LeastReport}));
  uint64_t word = word_.load(std::memory_order_relaxed);
  while (!word_.compare_exchange_weak(word, pack(learnedOf(word), route), std::memory_order_relaxed)) {
  }
}

void PathMtu::forgetExpired(Tick now) {
  uint64_t word = word_.load(std::memory_order_relaxed);
  while (learnedOf(word).bytes != 0 && !learnedOf(word).isAlive(now) &&
         !word_.compare_exchange_weak(word, pack({}, routeOf(word)), std::memory_order_relaxed)) {
  }
}

}  // namespace tunvs
