// Reads a program's bytes, one after another; behind the end they are 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "support/raw_bytes.h"

namespace tunvs::testing {

class ProgramReader {
 public:
  explicit ProgramReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool isAtEnd() const { return at_ >= bytes_.size(); }
  uint8_t byte() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }
  uint16_t word() { return static_cast<uint16_t>(byte() << 8 | byte()); }
  Bytes bytes(size_t count) {
    count = std::min(count, bytes_.size() - std::min(at_, bytes_.size()));
    const auto begin = bytes_.begin() + static_cast<ptrdiff_t>(at_);
    at_ += count;
    return {begin, begin + static_cast<ptrdiff_t>(count)};
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

}  // namespace tunvs::testing
