#include "forward/outer_fragment.h"

#include <algorithm>
#include <cassert>

#include "packet/checksum.h"
#include "packet/parse.h"

namespace tunvs {
namespace {

constexpr size_t kFragmentHeaderBytes = 8;
constexpr uint8_t kFragmentNextHeader = 44;

// RFC 791: options without the copied flag are in the first fragment only. NOPs keep the header's length.
void blankUncopiedOptions(uint8_t* options, size_t bytes) {
  constexpr uint8_t kEnd = 0, kNop = 1, kCopied = 0x80;
  for (size_t i = 0; i < bytes && options[i] != kEnd;) {
    if (options[i] == kNop) {
      i++;
      continue;
    }
    if (i + 1 >= bytes || options[i + 1] < 2 || i + options[i + 1] > bytes) return;
    const size_t length = options[i + 1];
    if ((options[i] & kCopied) == 0) std::fill_n(options + i, length, kNop);
    i += length;
  }
}

}  // namespace

OuterFragmenter::OuterFragmenter(std::span<const uint8_t> packet, uint32_t pathMtu, uint32_t identification)
    : packet_(packet.data()), identification_(identification) {
  if (packet.size() < kIpv4HeaderBytes) return;
  const bool isIpv4 = packet[0] >> 4 == 4;
  headerBytes_ = isIpv4 ? (packet[0] & 0x0f) * size_t{4} : kIpv6HeaderBytes;
  insertedBytes_ = isIpv4 ? 0 : kFragmentHeaderBytes;
  if (headerBytes_ < kIpv4HeaderBytes || packet.size() <= headerBytes_) return;
  if (isIpv4) {
    if ((packet[6] & (kIpv4DontFragment >> 8)) != 0) return;
    // The receiver reassembles the pieces of a fragment with those of the other fragments of its datagram.
    const bool isFragment = (loadBe16(packet_ + 6) & (kIpv4MoreFragments | kIpv4OffsetMask)) != 0;
    const uint16_t own = loadBe16(packet_ + 4);
    if (own != 0 || isFragment) identification_ = own;
    if ((identification_ & 0xffff) == 0 && !isFragment) identification_ = 1;
  } else if (packet[6] == kFragmentNextHeader) {
    return;
  }
  const size_t frontBytes = headerBytes_ + insertedBytes_;
  if (pathMtu < frontBytes + 8) return;
  payloadBytes_ = packet.size() - headerBytes_;
  roomBytes_ = pathMtu - frontBytes;
  const size_t pieceBytes = roomBytes_ & ~size_t{7};
  count_ = payloadBytes_ <= roomBytes_ ? 1 : 1 + (payloadBytes_ - roomBytes_ + pieceBytes - 1) / pieceBytes;
  longestBytes_ = frontBytes + std::min(roomBytes_, payloadBytes_);
}

std::span<uint8_t> OuterFragmenter::next(std::span<uint8_t> room) {
  assert(!isDone() && room.size() >= longestBytes_);
  const size_t left = payloadBytes_ - done_;
  const bool isLast = left <= roomBytes_;
  const size_t payloadBytes = isLast ? left : roomBytes_ & ~size_t{7};
  const size_t frontBytes = headerBytes_ + insertedBytes_;
  std::memcpy(room.data(), packet_, headerBytes_);
  std::memcpy(room.data() + frontBytes, packet_ + headerBytes_ + done_, payloadBytes);
  if (insertedBytes_ == 0) {
    writeIpv4(room.data(), payloadBytes, isLast);
  } else {
    writeIpv6(room.data(), payloadBytes, isLast);
  }
  done_ += payloadBytes;
  return room.first(frontBytes + payloadBytes);
}

void OuterFragmenter::writeIpv4(uint8_t* to, size_t payloadBytes, bool isLast) const {
  const uint16_t before = loadBe16(packet_ + 6);
  const auto offset = static_cast<uint16_t>((before & kIpv4OffsetMask) + done_ / 8);
  const auto more = static_cast<uint16_t>(isLast ? before & kIpv4MoreFragments : kIpv4MoreFragments);
  storeBe16(to + 2, static_cast<uint16_t>(headerBytes_ + payloadBytes));
  storeBe16(to + 4, static_cast<uint16_t>(identification_));
  storeBe16(to + 6, static_cast<uint16_t>(offset | more));
  if (done_ > 0) blankUncopiedOptions(to + kIpv4HeaderBytes, headerBytes_ - kIpv4HeaderBytes);
  storeBe16(to + 10, 0);
  const Be16 check = checksum(to, headerBytes_);
  std::memcpy(to + 10, &check.raw, sizeof check.raw);
}

void OuterFragmenter::writeIpv6(uint8_t* to, size_t payloadBytes, bool isLast) const {
  uint8_t* fragment = to + kIpv6HeaderBytes;
  storeBe16(to + 4, static_cast<uint16_t>(kFragmentHeaderBytes + payloadBytes));
  fragment[0] = to[6];
  fragment[1] = 0;
  to[6] = kFragmentNextHeader;
  storeBe16(fragment + 2, static_cast<uint16_t>(done_ | (isLast ? 0 : 1)));
  storeBe32(fragment + 4, identification_);
}

}  // namespace tunvs
