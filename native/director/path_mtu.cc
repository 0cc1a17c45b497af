#include "director/path_mtu.h"

#include <algorithm>

namespace tunvs {
namespace {

// RFC 1191 section 7.1, table 7-1.
constexpr uint16_t kPlateaus[] = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

// How far the clocks of two workers may be apart: a value learned by the one must hold for the other at once.
constexpr uint32_t kClockSkewTicks = ticksFromSeconds(10);

// RFC 1191 section 5: routers descended from 4.2BSD quote a total length with the header's length added. Nobody can
// tell, so a length that is not below the current estimate is taken to be one of those.
uint16_t guessedMtu(const MtuReport& report, uint32_t current) {
  uint32_t quoted = report.quotedTotalLength;
  if (quoted >= current) quoted -= std::min(quoted, report.quotedHeaderBytes);
  return plateauBelow(quoted);
}

}  // namespace

bool LearnedMtu::isAlive(Tick now) const {
  // Modulo 2^32: after 198 days without a new report a forgotten value would come back for ten minutes, which does no
  // harm.
  return bytes != 0 && now - learnedAt + kClockSkewTicks < kPathMtuLifeTicks + kClockSkewTicks;
}

uint16_t plateauBelow(uint32_t bytes) {
  for (const uint16_t plateau : kPlateaus) {
    if (plateau < bytes) return plateau;
  }
  return kPlateaus[std::size(kPlateaus) - 1];
}

EffectiveMtu effectiveMtu(uint32_t configured, const LearnedMtu& learned, Tick now) {
  if (!learned.isAlive(now)) return {configured, false};
  return {std::min<uint32_t>(configured, learned.bytes), learned.mayFragment};
}

MtuOutcome learnMtu(LearnedMtu& learned, uint32_t configured, const MtuReport& report, Tick now) {
  const bool isV4 = report.family == Family::ipv4;
  const EffectiveMtu current = effectiveMtu(configured, learned, now);
  const uint32_t reported = isV4 && report.bytes == 0 ? guessedMtu(report, current.bytes) : report.bytes;
  if (reported < (isV4 ? kIpv4LeastReport : kIpv6LeastReport)) return MtuOutcome::ignoredTooSmall;

  if (reported > current.bytes) return MtuOutcome::ignoredHigher;

  const bool mayFragment = reported < floorOf(report.family);
  const uint32_t bytes = mayFragment ? std::min<uint32_t>(current.bytes, floorOf(report.family)) : reported;
  const bool isAlive = learned.isAlive(now);
  if (bytes == current.bytes && mayFragment == current.mayFragment && isAlive && bytes == learned.bytes) {
    learned.learnedAt = now;
    return MtuOutcome::refreshed;
  }
  // What was sent was not longer than this: the report tells nothing.
  if (reported == current.bytes) return MtuOutcome::ignoredHigher;
  learned = {static_cast<uint16_t>(bytes), mayFragment, now};
  return MtuOutcome::lowered;
}

MtuOutcome PathMtu::learn(uint32_t configured, const MtuReport& report, Tick now) {
  uint64_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    LearnedMtu learned = unpack(word);
    const MtuOutcome outcome = learnMtu(learned, configured, report, now);
    if (word_.compare_exchange_weak(word, pack(learned), std::memory_order_relaxed)) return outcome;
  }
}

}  // namespace tunvs
