// Decides by IPVS's rules which connections drop_entry forgets early.
//
// Thread safety: none; each worker has one.
#pragma once

#include <array>

#include "core/split_mix.h"
#include "table/conn_table.h"

namespace tunvs {

class DropEntry {
 public:
  // Each second, one in kSecondsPerTable of a table's entries is looked at.
  static constexpr uint32_t kSecondsPerTable = 32;

  DropEntry(uint64_t seed, Tick now) : random(seed), last_(now) {}

  // Tells whether a connection goes that the round has reached; `idleTicks` have passed since its last packet. It
  // counts the connections that it lets live.
  bool mayDrop(const Conn& conn, uint32_t idleTicks);
  // Does the same for a template. `isOnePacket`: its service schedules every datagram by itself.
  static bool mayDropTemplate(const Conn& conn, bool isOnePacket);

  // Returns the ticks since the last call, at most those of one round of the table.
  uint32_t elapsed(Tick now) {
    const uint32_t ticks = now - last_;
    last_ = now;
    return ticks < kSecondsPerTable * kTicksPerSecond ? ticks : kSecondsPerTable * kTicksPerSecond;
  }

  SplitMix64 random;

 private:
  static constexpr uint32_t kMinIdleTicks = ticksFromSeconds(60);
  static constexpr uint32_t kMaxPackets = 8;

  bool isSpent(const Conn& conn, uint32_t idleTicks);

  Tick last_;
  // By packets seen: how many more such entries live before one goes. Of entries with n packets, one in n goes.
  std::array<uint8_t, kMaxPackets + 1> left_{};
};

}  // namespace tunvs
