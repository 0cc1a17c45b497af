#include "ftp/sequence_shift.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/header_bytes.h"
#include "ftp/checksum_difference.h"
#include "packet/parse.h"

namespace tunvs {
namespace {

using Replacement = SequenceShift::Replacement;

constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1, kSack = 5;

uint32_t endOf(const Replacement& replaced) { return replaced.at + replaced.removed; }

// Tells whether this is the replacement: `after` is the shift behind it.
bool isSame(const Replacement& replaced, uint32_t after, uint32_t removed, uint32_t inserted) {
  return replaced.removed == removed && after - replaced.before == inserted - removed;
}

enum class Within : uint8_t { begin, end };

// Returns the original number for one that the receiver names; `within` says what becomes of one in the new bytes.
uint32_t originalOf(const SequenceShift& shift, uint32_t seen, Within within) {
  uint32_t behind = shift.after;
  for (const Replacement* replaced : {&shift.newest, &shift.older}) {
    if (hasReached(seen, endOf(*replaced) + behind)) return seen - behind;
    const uint32_t begin = replaced->at + replaced->before;
    if (seen == begin) return replaced->at;
    if (hasReached(seen, begin)) return within == Within::begin ? replaced->at : endOf(*replaced);
    behind = replaced->before;
  }
  return seen - behind;
}

// Shifts the edges of SACK blocks in options.
void mendOptions(uint8_t* option, size_t left, const SequenceShift& other) {
  while (left >= 2 && option[0] != kEndOfOptions) {
    if (option[0] == kNoOperation) {
      option++;
      left--;
      continue;
    }
    const size_t bytes = option[1];
    if (bytes < 2 || bytes > left) return;
    if (option[0] == kSack && bytes % 8 == 2) {
      for (uint8_t* block = option + 2; block < option + bytes; block += 8) {
        const uint32_t end = other.back(loadBe32(block + 4));
        const uint32_t begin = other.backToEnd(loadBe32(block));
        // A block that lies within new bytes becomes empty: none of the original ones has arrived for sure.
        const bool isEmpty = hasReached(begin, end) && !hasReached(loadBe32(block), loadBe32(block + 4));
        storeBe32(block, isEmpty ? end : begin);
        storeBe32(block + 4, end);
      }
    }
    option += bytes;
    left -= bytes;
  }
}

}  // namespace

bool SequenceShift::record(uint32_t at, uint32_t removed, uint32_t inserted) {
  assert(removed >= 1 && removed <= 0xffff && inserted >= 1 && inserted <= 0xffff);
  if (newest.removed != 0) {
    if (at == newest.at) return isSame(newest, after, removed, inserted);
    if (older.removed != 0 && at == older.at) return isSame(older, newest.before, removed, inserted);
    if (!hasReached(at, endOf(newest))) return false;
  }
  if (removed == inserted) return true;
  older = newest;
  newest = {at, removed, after};
  after += inserted - removed;
  return true;
}

uint32_t SequenceShift::forward(uint32_t original) const {
  uint32_t behind = after;
  for (const Replacement* replaced : {&newest, &older}) {
    if (hasReached(original, endOf(*replaced))) return original + behind;
    if (hasReached(original, replaced->at)) {
      const uint32_t inserted = replaced->removed + behind - replaced->before;
      return replaced->at + replaced->before + std::min(original - replaced->at, inserted);
    }
    behind = replaced->before;
  }
  return original + behind;
}

uint32_t SequenceShift::back(uint32_t seen) const { return originalOf(*this, seen, Within::begin); }

uint32_t SequenceShift::backToEnd(uint32_t seen) const { return originalOf(*this, seen, Within::end); }

void mendTcp(uint8_t* tcp, size_t bytes, const SequenceShift& own, const SequenceShift& other, const Offload& offload) {
  if (bytes < kTcpHeaderBytes || (own.isNone() && other.isNone())) return;
  size_t headerBytes = (tcp[12] >> 4) * size_t{4};
  if (headerBytes < kTcpHeaderBytes || headerBytes > bytes) headerBytes = kTcpHeaderBytes;

  const uint64_t before = checksumAdd(tcp, headerBytes);
  storeBe32(tcp + 4, own.forward(loadBe32(tcp + 4)));
  if ((tcp[13] & kTcpAck) != 0) {
    storeBe32(tcp + 8, other.back(loadBe32(tcp + 8)));
    mendOptions(tcp + kTcpHeaderBytes, headerBytes - kTcpHeaderBytes, other);
  }
  if (offload.isNone()) mendChecksum(tcp + 16, before, checksumAdd(tcp, headerBytes));
}

}  // namespace tunvs
