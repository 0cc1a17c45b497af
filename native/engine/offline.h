// A director without a device: the caller supplies the packets and their times, and so the clock.
//
// Thread safety: none.
// Invariant: time never goes back; a packet with an earlier time than the last is handled at the last one's.
#pragma once

#include <functional>
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

  // Handles the packets in order, those of one tick together, and writes one verdict per packet to `verdicts`.
  // REQUIRES: verdicts.size() == packets.size()
  void process(std::span<const TimedPacket> packets, std::vector<OfflineOutput>& outputs, std::span<Verdict> verdicts);

  // Sets who is asked about new connections: `ask` writes an answer for each question. Without it, their schedulers
  // decide.
  using Ask = std::function<void(std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers)>;
  void onQuestions(Ask ask) { ask_ = std::move(ask); }

  // Lets time pass: every connection whose deadline lies at or before `atMs` expires.
  void advance(double atMs);

 private:
  Offline(TableRegion region, const DirectorOptions& options);

  void consultPolicies(OutputVector& out);

  TableRegion region_;
  std::unique_ptr<Director> director_;
  PacketVector vector_;
  Ask ask_;
  double nowMs_ = 0;
  Tick now_ = 0;  // nowMs_ in ticks
};

}  // namespace tunvs
