// What the director knows of connections beside their entries (FtpSessions, ToldConnections), in memory that outlives
// the process: a note for each, which its owner writes whenever it has changed.
//
// A note names its connection by the reply entry, and is there as long as a bit of that says so, or a moment longer: it
// is written before the bit is set, and erased before the entry is removed. So a note whose bit is not set is nobody's,
// and a bit without a note belongs to a connection that was just ending, or found no room for a note.
//
// Thread safety: any thread may call everything; a note is its owner's, who changes it by one thread at a time. Who
// takes the memory over is alone with it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/inet.h"
#include "core/spin_lock.h"
#include "core/twofold.h"

namespace tunvs {

class ConnectionNotes {
 public:
  enum class Kind : uint8_t { none, ftpControl, ftpData, told };
  struct Note {
    Kind kind = Kind::none;
    Family family = Family::ipv4;
    uint32_t reply = 0;  // as ConnTable::referenceOf() names it
    std::array<uint32_t, 11> words{};
  };

  // Returns the bytes that are needed beside tables of this capacity: for an eighth as many notes, of both families.
  static constexpr size_t bytes(uint32_t capacity) { return size_t{capacity} / 8 * sizeof(Slot); }

  // `memory` is zeroed, or has been left by another process; then call takeOver() before anything else. Where it is
  // empty, nothing is kept. REQUIRES: aligned to 64 bytes, outlives this
  explicit ConnectionNotes(std::span<std::byte> memory)
      : slots_(reinterpret_cast<Slot*>(memory.data()), memory.size() / sizeof(Slot)) {}

  // Returns a number for a new note; 0: there is no room.
  uint32_t add(const Note& note);
  // REQUIRES: add() returned `number`, or takeOver() showed it, and it was not erased since; `kind`, `family` and
  // `reply` are the same
  void change(uint32_t number, const Note& note) { slots_[number - 1].write(copyOf(note)); }
  // 0 is nothing.
  void erase(uint32_t number);

  // Calls `keep(const Note&, number)` -> false to erase, for all that are here and that change() has written.
  template <typename Keep>
  void takeOver(Keep&& keep);

 private:
  // Everything has a place of its own, and no byte is left to chance.
  struct Copy {
    uint32_t reply;
    uint8_t family, kind;
    uint16_t zero;
    uint32_t words[11];
    uint32_t check;
  };
  static_assert(sizeof(Copy) == 56);
  struct alignas(64) Slot : Twofold<Copy> {};
  static_assert(sizeof(Slot) == 128);

  static Copy copyOf(const Note& note);
  static std::optional<Note> noteOf(const Copy& copy);
  static uint32_t checkOf(const Copy& copy);

  std::span<Slot> slots_;
  SpinLock lock_;
  uint32_t unused_ = 0;         // slots from here on have never been used
  std::vector<uint32_t> free_;  // those before it that are free
};

template <typename Keep>
void ConnectionNotes::takeOver(Keep&& keep) {
  const auto count = static_cast<uint32_t>(slots_.size());
  for (uint32_t i = 0; i < count; i++) {
    const Copy* const copy = slots_[i].read();
    if (copy == nullptr) continue;  // nearly all of them, which are left untouched
    const auto note = noteOf(*copy);
    if (!note || !keep(*note, i + 1)) {
      slots_[i].erase();
      continue;
    }
    while (unused_ < i) free_.push_back(unused_++);
    unused_ = i + 1;
  }
}

}  // namespace tunvs
