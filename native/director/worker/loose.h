// What an entry of the connection table leaves behind when it is removed.
#pragma once

#include <cstdint>

namespace tunvs {

// As ConnTable::referenceOf() names it; 0: nothing. It is seen to without a lock, as it lies in other shards.
struct Loose {
  uint32_t controller = 0;  // a template that nothing counts on any more
  uint32_t reply = 0;       // a reply entry whose connection is gone

  bool isAny() const { return (controller | reply) != 0; }
};

}  // namespace tunvs
