// Where new connections' packets wait until somebody has decided about them: bounded in flows, packets and bytes.
//
// Packets lie in one ring of bytes in the order of arrival, with room for outer headers in front, and are sent from
// there. All of the memory is taken when the first packet parks.
//
// Thread safety: none; each worker has one.
// Invariants:
//  1. A flow's packets are kept in the order in which they came.
//  2. What end() let go of stays readable until reclaim().
#pragma once

#include <memory>
#include <vector>

#include "core/hashed_places.h"
#include "director/config/policy.h"
#include "packet/packet_vector.h"

namespace tunvs {

// A new connection that waits, as it is put to whoever decides.
struct PolicyQuestion {
  FlowKey key;
  uint32_t flow;  // with `sequence`, names it in the answer
  uint32_t sequence;
  uint32_t policy;  // ConnectionPolicy::id
  Tick deadline;
  uint16_t packetBytes;  // of `packet`: as many as the policy asked for, or fewer if there are no more
  uint8_t packet[ConnectionPolicy::kMaxPacketBytes];
};

struct PolicyAnswer {
  enum class Kind : uint8_t {
    server,     // this one
    scheduler,  // let the scheduler decide
    failed,     // there was an error instead of an answer
    overflow,   // the question could not be put
  };
  uint32_t flow = 0;
  uint32_t sequence = 0;
  uint32_t server = kNoServer;  // id; for Kind::server
  Kind kind = Kind::scheduler;
};

struct ParkedPacket {
  uint32_t offset;  // of the packet in the ring of bytes
  uint32_t length;
  uint32_t next;  // of the same flow
  Offload offload;
  uint8_t cause;  // index in the vector in which it came
  bool isDone;
};

struct ParkedFlow {
  FlowKey key;
  uint64_t hash = 0;
  std::shared_ptr<const ConnectionPolicy> policy;
  Tick deadline = 0;
  uint32_t sequence = 0;  // counts the flows in this place
  uint32_t first = 0, last = 0;
  uint32_t packets = 0;  // 0: the place is free
  PlaceLinks links;
};

class Parking {
 public:
  static constexpr uint32_t kMaxFlows = 4096;
  static constexpr uint32_t kMaxPackets = 8192;
  static constexpr uint32_t kMaxPacketsPerFlow = 32;
  static constexpr uint32_t kMaxBytes = 4u << 20;

  bool isEmpty() const { return order_.count == 0; }
  bool holds(const FlowKey& key, uint64_t hash) const { return !isEmpty() && find(key, hash) != nullptr; }
  // Returns null when no packet of that flow waits.
  ParkedFlow* find(const FlowKey& key, uint64_t hash) const;

  // Parks a flow's first packet. Returns false when there is no room. REQUIRES: find(key, hash) == nullptr
  bool park(const FlowKey& key, uint64_t hash, const Packet& packet, uint8_t cause,
            const std::shared_ptr<const ConnectionPolicy>& policy, Tick now);
  // Parks a later packet. Returns false when there is no room.
  bool parkBehind(ParkedFlow& flow, const Packet& packet, uint8_t cause);

  // Tells whether there is a flow that was not asked about yet; takeQuestion() takes the next one.
  bool hasQuestion() const { return unasked_ != kNone; }
  void takeQuestion(PolicyQuestion& into);  // REQUIRES: hasQuestion()

  // Returns the flow that an answer is about; null when it no longer waits.
  ParkedFlow* flowOf(const PolicyAnswer& answer) const;
  // Calls visit(ParkedFlow&) for each flow whose deadline has come, in order of arrival; visit() must end() the flow.
  template <typename Visit>
  void forEachOverdue(Tick now, Visit&& visit) {
    if (isEmpty() || !reached(now, nextDeadline_)) return;
    nextDeadline_ = now + ConnectionPolicy::kMaxDeadline;
    for (uint32_t i = order_.oldest; i != kNone;) {
      ParkedFlow& flow = flows_[i];
      i = flow.links.newer;
      if (reached(now, flow.deadline)) {
        visit(flow);
      } else if (!reached(flow.deadline, nextDeadline_)) {
        nextDeadline_ = flow.deadline;
      }
    }
  }
  // Returns a time at or before the first deadline of all. REQUIRES: !isEmpty()
  Tick nextDeadline() const { return nextDeadline_; }

  // Calls visit(Packet, cause) for the flow's packets, in order, and lets go of the flow.
  template <typename Visit>
  void end(ParkedFlow& flow, Visit&& visit) {
    for (uint32_t at = flow.first, left = flow.packets; left > 0; left--, at = packets_[at].next) {
      const ParkedPacket& parked = packets_[at];
      visit(Packet{arena_.get() + parked.offset, parked.length, parked.offload}, parked.cause);
      packets_[at].isDone = true;
    }
    remove(flow);
  }
  // Reuses what was let go of. REQUIRES: nobody reads it any more.
  void reclaim() {
    if (packetCount_ != 0) reclaimDone();
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kBuckets = 2 * kMaxFlows;

  void allocate();
  // Returns the index of a packet's copy; kNone when there is no room.
  uint32_t store(const Packet& packet, uint8_t cause);
  bool findRoom(size_t bytes, uint32_t& start) const;
  void remove(ParkedFlow& flow);
  void reclaimDone();

  HashedPlaces<ParkedFlow> flows_;
  std::unique_ptr<ParkedPacket[]> packets_;  // a ring
  std::unique_ptr<uint8_t[]> arena_;
  AgeList order_;  // by arrival
  uint32_t unasked_ = kNone;
  uint32_t firstPacket_ = 0, packetCount_ = 0;
  uint32_t firstByte_ = 0, endByte_ = 0;  // the part of the ring of bytes that is in use
  Tick nextDeadline_ = 0;
};

}  // namespace tunvs
