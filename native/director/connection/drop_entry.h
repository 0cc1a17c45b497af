// drop_entry: which connections are forgotten early when connections have to go, by IPVS's rules.
//
// Thread safety: none; one per worker.
#pragma once

#include <array>

#include "core/split_mix.h"
#include "table/conn_table.h"

namespace tunvs {

class DropEntry {
 public:
  // In each second so many of a table's entries are looked at: one in kSecondsPerTable.
  static constexpr uint32_t kSecondsPerTable = 32;

  DropEntry(uint64_t seed, Tick now) : random(seed), last_(now) {}

  // Whether a connection that was come upon goes; `idleTicks` since its last packet. Counts what it lets live.
  bool mayDrop(const Conn& conn, uint32_t idleTicks);
  // The same of a template, `isOnePacket` of a service that schedules every datagram by itself.
  static bool mayDropTemplate(const Conn& conn, bool isOnePacket);

  // The ticks since the last call, at most those of one round of the table.
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
  // By packets seen: how many more such entries are let live before one goes. One in n goes of those with n packets.
  std::array<uint8_t, kMaxPackets + 1> left_{};
};

}  // namespace tunvs
