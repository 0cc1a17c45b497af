#include "director/connection/connection_notes.h"

#include <algorithm>

#include "core/siphash.h"

namespace tunvs {

// Whoever can write the memory can write this as well: it is against accidents.
uint32_t ConnectionNotes::checkOf(const Copy& copy) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&copy);
  return static_cast<uint32_t>(sipHash13({0x6e6f746573202031, 0}, {bytes, offsetof(Copy, check)}));
}

ConnectionNotes::Copy ConnectionNotes::copyOf(const Note& note) {
  Copy copy{};
  copy.reply = note.reply;
  copy.family = static_cast<uint8_t>(note.family);
  copy.kind = static_cast<uint8_t>(note.kind);
  std::ranges::copy(note.words, copy.words);
  copy.check = checkOf(copy);
  return copy;
}

std::optional<ConnectionNotes::Note> ConnectionNotes::noteOf(const Copy& copy) {
  if (copy.check != checkOf(copy)) return std::nullopt;
  if (copy.family != static_cast<uint8_t>(Family::ipv4) && copy.family != static_cast<uint8_t>(Family::ipv6))
    return std::nullopt;
  if (copy.kind == static_cast<uint8_t>(Kind::none) || copy.kind > static_cast<uint8_t>(Kind::told))
    return std::nullopt;
  Note note{static_cast<Kind>(copy.kind), static_cast<Family>(copy.family), copy.reply, {}};
  std::ranges::copy(copy.words, note.words.begin());
  return note;
}

uint32_t ConnectionNotes::add(const Note& note) {
  if (slots_.empty()) return 0;
  uint32_t at = 0;
  {
    const SpinGuard guard(lock_);
    if (!free_.empty()) {
      at = free_.back();
      free_.pop_back();
    } else if (unused_ < slots_.size()) {
      at = unused_++;
    } else {
      return 0;
    }
  }
  change(at + 1, note);
  return at + 1;
}

void ConnectionNotes::erase(uint32_t number) {
  if (number == 0) return;
  slots_[number - 1].erase();
  const SpinGuard guard(lock_);
  free_.push_back(number - 1);
}

}  // namespace tunvs
