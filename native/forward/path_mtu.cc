#include "forward/path_mtu.h"

#include <algorithm>

namespace tunvs {
namespace {

// The clocks of two workers may be this far apart: a value that one has learned must hold for the other at once.
constexpr uint32_t kClockSkewTicks = ticksFromSeconds(10);

}  // namespace

bool LearnedMtu::isAlive(Tick now) const {
  // Ticks count modulo 2^32: a value kept for 198 days would seem alive again, so PathMtu::forgetExpired() clears it.
  return bytes != 0 && now - learnedAt + kClockSkewTicks < kPathMtuLifeTicks + kClockSkewTicks;
}

uint32_t effectiveMtu(uint32_t configured, const LearnedMtu& learned, Tick now) {
  return learned.isAlive(now) ? std::min<uint32_t>(configured, learned.bytes) : configured;
}

MtuOutcome learnMtu(LearnedMtu& learned, uint32_t configured, const MtuReport& report, Tick now) {
  const bool isV4 = report.family == Family::ipv4;
  // A router older than RFC 1191 gives no MTU. Linux takes that for the least one, and so for the floor.
  const uint32_t reported = isV4 && report.bytes == 0 ? kIpv4LeastReport : report.bytes;
  if (reported < (isV4 ? kIpv4LeastReport : kIpv6LeastReport)) return MtuOutcome::ignoredTooSmall;

  const uint32_t current = effectiveMtu(configured, learned, now);
  const uint32_t bytes = std::max<uint32_t>(reported, report.least());
  if (bytes == current && learned.isAlive(now) && bytes == learned.bytes) {
    learned.learnedAt = now;
    return MtuOutcome::refreshed;
  }
  // Nothing longer than this was sent, so the report tells nothing.
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
