#include "director/worker/parking.h"

#include <algorithm>
#include <cassert>

namespace tunvs {

void Parking::allocate() {
  flows_ = HashedPlaces<ParkedFlow>(kMaxFlows, kBuckets);
  packets_ = std::make_unique_for_overwrite<ParkedPacket[]>(kMaxPackets);
  arena_ = std::make_unique_for_overwrite<uint8_t[]>(kMaxBytes);
}

ParkedFlow* Parking::find(const FlowKey& key, uint64_t hash) const {
  if (isEmpty()) return nullptr;
  return flows_.find(hash, [&](uint32_t index) { return flows_[index].hash == hash && flows_[index].key == key; });
}

bool Parking::park(const FlowKey& key, uint64_t hash, const Packet& packet, uint8_t cause,
                   const std::shared_ptr<const ConnectionPolicy>& policy, Tick now) {
  assert(find(key, hash) == nullptr);
  if (!flows_.isAllocated()) allocate();
  if (flows_.isFull()) return false;
  const uint32_t stored = store(packet, cause);
  if (stored == kNone) return false;
  const uint32_t index = flows_.take(hash);
  ParkedFlow& flow = flows_[index];
  flow.key = key;
  flow.hash = hash;
  flow.policy = policy;
  flow.deadline = now + policy->deadline;
  flow.sequence++;
  flow.first = flow.last = stored;
  flow.packets = 1;
  order_.append(flows_, index);
  if (unasked_ == kNone) unasked_ = index;
  if (order_.count == 1 || !reached(flow.deadline, nextDeadline_)) nextDeadline_ = flow.deadline;
  return true;
}

bool Parking::parkBehind(ParkedFlow& flow, const Packet& packet, uint8_t cause) {
  if (flow.packets == kMaxPacketsPerFlow) return false;
  const uint32_t stored = store(packet, cause);
  if (stored == kNone) return false;
  packets_[flow.last].next = stored;
  flow.last = stored;
  flow.packets++;
  return true;
}

bool Parking::findRoom(size_t bytes, uint32_t& start) const {
  start = endByte_;
  if (packetCount_ == 0) {
    start = 0;
    return bytes <= kMaxBytes;
  }
  if (endByte_ < firstByte_) return endByte_ + bytes < firstByte_;
  if (endByte_ + bytes <= kMaxBytes) return true;
  start = 0;
  return bytes < firstByte_;
}

uint32_t Parking::store(const Packet& packet, uint8_t cause) {
  const size_t needed = (kHeadroom + packet.length + 63) / 64 * 64;
  uint32_t start = 0;
  if (packetCount_ == kMaxPackets || !findRoom(needed, start)) return kNone;
  if (packetCount_ == 0) firstByte_ = start;
  endByte_ = start + static_cast<uint32_t>(needed);
  const uint32_t index = (firstPacket_ + packetCount_++) % kMaxPackets;
  packets_[index] = {start + static_cast<uint32_t>(kHeadroom), packet.length, kNone, packet.offload, cause, false};
  std::copy_n(packet.data, packet.length, arena_.get() + packets_[index].offset);
  return index;
}

void Parking::takeQuestion(PolicyQuestion& into) {
  assert(hasQuestion());
  const ParkedFlow& flow = flows_[unasked_];
  const ParkedPacket& packet = packets_[flow.first];
  into.key = flow.key;
  into.flow = unasked_;
  into.sequence = flow.sequence;
  into.policy = flow.policy->id;
  into.deadline = flow.deadline;
  into.packetBytes = static_cast<uint16_t>(std::min<uint32_t>(flow.policy->packetBytes, packet.length));
  std::copy_n(arena_.get() + packet.offset, into.packetBytes, into.packet);
  unasked_ = flow.links.newer;
}

ParkedFlow* Parking::flowOf(const PolicyAnswer& answer) const {
  if (isEmpty() || answer.flow >= kMaxFlows) return nullptr;
  ParkedFlow& flow = flows_[answer.flow];
  return flow.packets != 0 && flow.sequence == answer.sequence ? &flow : nullptr;
}

void Parking::remove(ParkedFlow& flow) {
  const uint32_t index = flows_.indexOf(flow);
  if (unasked_ == index) unasked_ = flow.links.newer;
  order_.erase(flows_, index);
  flow.policy.reset();
  flow.packets = 0;
  flows_.giveBack(index, flow.hash);
}

void Parking::reclaimDone() {
  while (packetCount_ != 0 && packets_[firstPacket_].isDone) {
    firstPacket_ = (firstPacket_ + 1) % kMaxPackets;
    packetCount_--;
  }
  if (packetCount_ != 0) firstByte_ = packets_[firstPacket_].offset - static_cast<uint32_t>(kHeadroom);
}

}  // namespace tunvs
