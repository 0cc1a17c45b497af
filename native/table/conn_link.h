// The neighbours of a unit of the connection table, in whatever list it is in.
#pragma once

#include <cstdint>

namespace tunvs {

// In a wheel's slot (table/expiry_wheels.h) or, by `next` alone, among the free ones (table/unit_pool.h).
struct ConnLink {
  uint32_t next;      // unit + 1, 0: none; of a slot's last: its end mark, wheel and slot
  uint32_t previous;  // wheel, and unit + 1; of a slot's first: as of a slot's last
};

}  // namespace tunvs
