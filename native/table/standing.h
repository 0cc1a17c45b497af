// A Standing says how an entry of the connection table stands when room is needed: what it has shown, and how long it
// has been silent.
//
// The table keeps a timer wheel for each standing and knows no protocols; its caller says where an entry stands.
// docs/conn-table.md has the promise that this order keeps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/ticks.h"

namespace tunvs {

enum class Standing : uint8_t {
  closing,       // closed, or about to be
  stale,         // unproven, and silent for longer than a beginning takes
  slightLong,    // has shown a little, and been idle for a good part of its timeout
  slightIdle,    // idle for a part of it
  slightBusy,    // hardly idle
  solidLong,     // has shown more
  solidIdle,     //
  solidBusy,     //
  opening,       // unproven, in its handshake
  fresh,         // unproven otherwise, and not silent for long
  held,          // cannot be evicted: others depend on it, and one of them has shown something
  heldUnproven,  // cannot be evicted, and none that depends on it has shown anything
  kCount,
};
inline constexpr size_t kStandings = static_cast<size_t>(Standing::kCount);

// A Place says which wheel an entry belongs to, and when the table is to look at it again: no later than at its
// deadline.
struct Place {
  Standing standing;
  Tick due;
};

// Says whether an entry gives way to a new one.
enum class Yield : uint8_t {
  keeps,  // it keeps its place
  last,   // it gives way after the stale, before those that have shown something
  gives,
};

}  // namespace tunvs
