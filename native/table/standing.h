// How an entry of the connection table stands when room is needed: what it has shown, and how long it has been silent.
//
// The table keeps a timer wheel for each standing and knows no protocols; who uses it says where an entry stands.
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
  slightIdle,    // for a part of it
  slightBusy,    // hardly
  solidLong,     // has shown more
  solidIdle,     //
  solidBusy,     //
  opening,       // unproven, in its handshake
  fresh,         // unproven otherwise, and not silent for long
  held,          // cannot be evicted: others count on it, and one of them has shown something
  heldUnproven,  // cannot be evicted, and none has
  kCount,
};
inline constexpr size_t kStandings = static_cast<size_t>(Standing::kCount);

// Where an entry belongs: its wheel, and when the table is to look at it again, which is no later than its deadline.
struct Place {
  Standing standing;
  Tick due;
};

// Whether an entry gives way to a new one.
enum class Yield : uint8_t {
  keeps,  // its place
  last,   // behind the stale, before those that have shown something
  gives,
};

}  // namespace tunvs
