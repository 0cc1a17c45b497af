// Fragments of a packet that is longer than the path to its real server takes, made as a router makes them: IPv4 (RFC
// 791 section 3.2) with DF clear, and the outer IPv6 header that the director itself put in front (RFC 8200
// section 4.5).
//
// Thread safety: pure; an OuterFragmenter belongs to one thread.
// Invariants:
//  1. No fragment is longer than the path's MTU; all but the last carry the largest multiple of 8 that fits.
//  2. The payloads, one after another, are the packet's payload.
//  3. All have the same identification; IPv4: the packet's own, or, where a whole one has 0, another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tunvs {

class OuterFragmenter {
 public:
  // `packet`: IPv4, whatever header options it has, itself a fragment or not; or IPv6 with a 40-byte header before the
  // fragmentable part. It must outlive this. `identification`: for IPv6, and for a whole IPv4 packet that has
  // 0.
  OuterFragmenter(std::span<const uint8_t> packet, uint32_t pathMtu, uint32_t identification);

  // 0 when the packet can't be fragmented: DF, a path MTU with no room for 8 bytes of payload, IPv6 that is a fragment
  // already, or no whole packet.
  size_t count() const { return count_; }
  // Of the longest fragment.
  size_t longestBytes() const { return longestBytes_; }
  bool isDone() const { return done_ >= payloadBytes_ || count_ == 0; }

  // Writes the next fragment to the front of `room`. REQUIRES: !isDone(); room.size() >= longestBytes().
  std::span<uint8_t> next(std::span<uint8_t> room);

 private:
  void writeIpv4(uint8_t* to, size_t payloadBytes, bool isLast) const;
  void writeIpv6(uint8_t* to, size_t payloadBytes, bool isLast) const;

  const uint8_t* packet_;
  size_t headerBytes_ = 0;    // of the packet: what each fragment repeats
  size_t insertedBytes_ = 0;  // behind it in each fragment: the IPv6 fragment header
  size_t payloadBytes_ = 0;   // of the packet
  size_t roomBytes_ = 0;      // for payload in a fragment, not rounded
  size_t longestBytes_ = 0;
  size_t count_ = 0;
  size_t done_ = 0;  // bytes of payload in the fragments made so far
  uint32_t identification_;
};

// In front of each fragment in fragmentOuter()'s buffer: room for a link header, which an egress may write.
inline constexpr size_t kFragmentHeadroom = 16;
// What fragmentOuter() needs at most of its buffer.
inline size_t fragmentBufferBytes(const OuterFragmenter& fragments) {
  return fragments.count() * (kFragmentHeadroom + fragments.longestBytes());
}

// Writes all fragments into `buffer`, where they stay, and calls `sink(std::span<uint8_t>)` for each, in order. Returns
// their number; 0, with nothing written, when the packet can't be fragmented or the buffer is too small.
template <typename Sink>
size_t fragmentOuter(std::span<const uint8_t> packet, uint32_t pathMtu, uint32_t identification,
                     std::span<uint8_t> buffer, Sink&& sink) {
  OuterFragmenter fragments(packet, pathMtu, identification);
  if (buffer.size() < fragmentBufferBytes(fragments)) return 0;
  while (!fragments.isDone()) {
    const std::span<uint8_t> fragment = fragments.next(buffer.subspan(kFragmentHeadroom));
    buffer = buffer.subspan(kFragmentHeadroom + fragment.size());
    sink(fragment);
  }
  return fragments.count();
}

}  // namespace tunvs
