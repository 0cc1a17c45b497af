#include "ftp/line_starts.h"

#include <algorithm>

namespace tunvs {
namespace {

constexpr uint8_t kLineFeed = 10;

}  // namespace

size_t LineStarts::before(uint32_t sequence, std::span<const uint8_t> payload) const {
  if (isStart(sequence)) return 0;
  const auto feed = std::find(payload.begin(), payload.end(), kLineFeed);
  return static_cast<size_t>(feed - payload.begin()) + (feed == payload.end() ? 0 : 1);
}

void LineStarts::note(uint32_t sequence, std::span<const uint8_t> payload) {
  const auto feed = std::find(payload.rbegin(), payload.rend(), kLineFeed);
  if (feed == payload.rend()) return;
  const uint32_t start = sequence + static_cast<uint32_t>(payload.rend() - feed);
  if (isKnown_ && !hasReached(start, next_)) return;
  isKnown_ = true;
  next_ = start;
}

}  // namespace tunvs
