// Fragments a packet that is longer than the MTU of the path to its real server, as a router would: an IPv4 packet (RFC
// 791 section 3.2) with DF clear, or one behind the outer IPv6 header that the director itself put in front (RFC 8200
// section 4.5).
//
// Thread safety: pure; an OuterFragmenter belongs to one thread.
// Invariants:
//  1. No fragment is longer than the path's MTU; all but the last carry the largest multiple of 8 that fits.
//  2. The payloads, one after another, are the packet's payload.
//  3. All have the same identification: the packet's own, or one that is not 0 for a whole IPv4 packet that has 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tunvs {

class OuterFragmenter {
 public:
  // `packet` is IPv4, with any header options, itself a fragment or not; or IPv6 with a 40-byte header in front of the
  // fragmentable part. It must outlive this object. `identification` is used for IPv6, and for a whole IPv4 packet that
  // has 0.
  OuterFragmenter(std::span<const uint8_t> packet, uint32_t pathMtu, uint32_t identification);

  // Returns the length of the first of several pieces of an IPv6 packet. REQUIRES: pathMtu >= 56
  static constexpr uint32_t firstBytes6(uint32_t pathMtu) {
    constexpr uint32_t kFrontBytes = 40 + 8;
    return kFrontBytes + ((pathMtu - kFrontBytes) & ~uint32_t{7});
  }

  // Returns 0 when the packet can't be fragmented: DF is set, the path MTU leaves no room for 8 bytes of payload, the
  // IPv6 packet is a fragment already, or the packet is not whole.
  size_t count() const { return count_; }
  // Returns the length of the longest fragment.
  size_t longestBytes() const { return longestBytes_; }
  bool isDone() const { return done_ >= payloadBytes_ || count_ == 0; }

  // Writes the next fragment to the front of `room`. REQUIRES: !isDone(); room.size() >= longestBytes().
  std::span<uint8_t> next(std::span<uint8_t> room);

 private:
  void writeIpv4(uint8_t* to, size_t payloadBytes, bool isLast) const;
  void writeIpv6(uint8_t* to, size_t payloadBytes, bool isLast) const;

  const uint8_t* packet_;
  size_t headerBytes_ = 0;    // of the packet's header, which each fragment repeats
  size_t insertedBytes_ = 0;  // of the IPv6 fragment header behind it in each fragment
  size_t payloadBytes_ = 0;   // of the packet's payload
  size_t roomBytes_ = 0;      // for payload in each fragment, not rounded
  size_t longestBytes_ = 0;
  size_t count_ = 0;
  size_t done_ = 0;  // bytes of payload in the fragments made so far
  uint32_t identification_;
};

// fragmentOuter() leaves this in front of each fragment: room for a link header, which an egress may write.
inline constexpr size_t kFragmentHeadroom = 16;
// Returns the buffer size that fragmentOuter() needs at most.
inline size_t fragmentBufferBytes(const OuterFragmenter& fragments) {
  return fragments.count() * (kFragmentHeadroom + fragments.longestBytes());
}

// Writes all fragments into `buffer`, where they stay, and calls `sink(std::span<uint8_t>)` for each, in order. Returns
// their number, or 0 with nothing written when the packet can't be fragmented or the buffer is too small.
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
