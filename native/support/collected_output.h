// A CollectedOutput has an OutputVector that is flushed as a worker's is: when it is full, in the middle of a vector,
// and at the end. What is flushed is copied, as an egress would have sent it.
//
//   CollectedOutput collected;
//   director.process(0, packets, now, collected.out);
//   for (const auto& sent : collected.take()) ...
//
// Thread safety: none.
#pragma once

#include <vector>

#include "packet/output_vector.h"
#include "support/packet_builder.h"

namespace tunvs::testing {

struct SentPacket {
  Bytes bytes;
  IpAddress nextHop;
  size_t cause;
  friend bool operator==(const SentPacket&, const SentPacket&) = default;
};

class CollectedOutput {
 public:
  CollectedOutput() : out(&CollectedOutput::onFlush, this) {}
  CollectedOutput(const CollectedOutput&) = delete;
  CollectedOutput& operator=(const CollectedOutput&) = delete;

  // Returns what was sent since the last call, in order.
  std::vector<SentPacket> take() {
    out.flush();
    flushes_ = 0;
    return std::exchange(sent_, {});
  }
  // Counts the flushes since the last take().
  size_t flushes() const { return flushes_; }

  OutputVector out;

 private:
  static void onFlush(void* self, OutputVector& full) {
    auto& collected = *static_cast<CollectedOutput*>(self);
    collected.flushes_++;
    for (size_t i = 0; i < full.count(); i++) {
      const OutputPacket& packet = full[i];
      collected.sent_.push_back({{packet.data, packet.data + packet.length}, packet.nextHop, full.cause(i)});
    }
  }

  std::vector<SentPacket> sent_;
  size_t flushes_ = 0;
};

}  // namespace tunvs::testing
