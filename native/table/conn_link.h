// A ConnLink holds the neighbours of a unit of the connection table, in whatever list it is in.
#pragma once

#include <cstdint>

namespace tunvs {

// The list is a wheel's slot (table/expiry_wheels.h) or, by `next` alone, the removed units (table/retired_units.h).
struct ConnLink {
  uint32_t next;      // unit + 1, 0: none; in a slot's last entry its end mark, wheel and slot
  uint32_t previous;  // wheel, and unit + 1; in a slot's first entry as `next` in its last
};

}  // namespace tunvs
