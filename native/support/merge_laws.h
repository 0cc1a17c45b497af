// The laws of packet/tcp_merger.h, for any batch of packets.
#pragma once

#include <algorithm>

#include "packet/segmenter.h"
#include "packet/tcp_merger.h"
#include "support/laws.h"
#include "support/raw_bytes.h"

namespace tunvs::testing {

inline Bytes joined(const TcpMerger::Merged& merged) {
  Bytes bytes;
  for (const std::span<const uint8_t> part : merged.parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

// What the Segmenter makes of `bytes` has to be `packets`.
inline void checkCut(Bytes bytes, const Offload& offload, std::span<const std::span<const uint8_t>> packets,
                     Laws& laws) {
  Segmenter segments({bytes.data(), static_cast<uint32_t>(bytes.size()), IpAddress(), offload});
  laws.require(segments.count() == packets.size(), "as many packets are cut as were merged");
  for (size_t i = 0; laws.hold() && !segments.isDone(); i++) {
    Bytes cut(segments.longestBytes());
    cut.resize(segments.next(cut));
    Bytes was = bytesOf(packets[i]);
    if (was[0] >> 4 == 4 && (was[6] & 0x40) != 0) {
      for (Bytes* each : {&cut, &was})
        for (const size_t at : {4, 5, 10, 11}) (*each)[at] = 0;
    }
    laws.require(cut == was, "what is cut is byte for byte what was merged");
  }
}

// Tells whether the second packet may not overtake the first.
inline bool isOrdered(std::span<const uint8_t> first, std::span<const uint8_t> second) {
  TcpSegment a, b;
  const TcpView views[] = {viewTcpSegment(first, a), viewTcpSegment(second, b)};
  if (views[0] == TcpView::never || views[1] == TcpView::never) return false;
  return views[0] == TcpView::maybe || views[1] == TcpView::maybe || a.isOfFlow(b);
}

// Adds a batch. Returns how many packets went into merged ones.
inline size_t checkMerger(TcpMerger& merger, std::span<const Bytes> batch, Laws& laws) {
  merger.clear();
  for (const Bytes& packet : batch) merger.add(packet);
  std::vector<size_t> order;
  size_t mergedPackets = 0;
  for (size_t unit = 0; unit < merger.unitCount(); unit++) {
    std::vector<std::span<const uint8_t>> packets;
    merger.forEachPacket(unit, [&](std::span<const uint8_t> packet) {
      packets.push_back(packet);
      const auto at = std::ranges::find_if(batch, [&](const Bytes& each) { return each.data() == packet.data(); });
      laws.require(at != batch.end() && at->size() == packet.size(), "a unit's packets are packets that were added");
      order.push_back(static_cast<size_t>(at - batch.begin()));
    });
    laws.require(packets.size() == merger.packetsOf(unit) && !packets.empty(), "a unit knows how many packets it has");
    if (!laws.hold()) return 0;
    const TcpMerger::Merged merged = merger.merged(unit);
    const Bytes bytes = joined(merged);
    laws.require(bytes.size() == merged.bytes, "a unit knows its length");
    if (packets.size() == 1) {
      laws.require(bytes == bytesOf(packets[0]) && merged.offload.isNone(), "one packet stays as it is");
      continue;
    }
    mergedPackets += packets.size();
    checkCut(bytes, merged.offload, packets, laws);
  }
  laws.require(order.size() == batch.size(), "each packet is in one unit");
  for (size_t i = 0; laws.hold() && i < order.size(); i++) {
    for (size_t j = i + 1; j < order.size(); j++) {
      laws.require(order[i] != order[j], "no packet is in two units");
      laws.require(order[i] < order[j] || !isOrdered(batch[order[j]], batch[order[i]]), "no packet overtakes its flow");
    }
  }
  return mergedPackets;
}

}  // namespace tunvs::testing
