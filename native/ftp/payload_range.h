// A PayloadRange is a piece of a packet's payload.
//
// Thread safety: pure.
#pragma once

#include <cstddef>

namespace tunvs {

struct PayloadRange {
  size_t offset = 0;  // from the first byte of the payload on
  size_t bytes = 0;

  size_t end() const { return offset + bytes; }
  friend bool operator==(const PayloadRange&, const PayloadRange&) = default;
};

}  // namespace tunvs
