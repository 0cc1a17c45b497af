// A director without a device: packets and their times come from the caller, and so does the clock.
//
// Thread safety: none.
// Invariant: time never goes back; a packet with an earlier time than the last is handled at the last one's.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "director/director.h"
#include "engine/table_region.h"

namespace tunvs {

struct TimedPacket {
  std::span<const uint8_t> bytes;
  double atMs = 0;  // [0, 2^53)
};

struct OfflineOutput {
  std::vector<uint8_t> bytes;
  size_t cause = 0;  // index of the packet that caused it
};

class Offline {
 public:
  static Result<std::unique_ptr<Offline>> create(const DirectorOptions& options);

  Director& director() { return *director_; }
  Tick now() const { return now_; }

  // Handles the packets in order, those of one tick together. One verdict per packet is written to `verdicts`.
  // REQUIRES: verdicts.size() == packets.size()
  void process(std::span<const TimedPacket> packets, std::vector<OfflineOutput>& outputs, std::span<Verdict> verdicts);

  // Lets time pass: every connection whose deadline lies at or before `atMs` expires.
  void advance(double atMs);

 private:
  Offline(TableRegion region, const DirectorOptions& options);

  TableRegion region_;
  std::unique_ptr<Director> director_;
  PacketVector vector_;
  double nowMs_ = 0;
  Tick now_ = 0;  // nowMs_ in ticks
};

}  // namespace tunvs
