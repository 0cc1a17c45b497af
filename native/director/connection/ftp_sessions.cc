#include "director/connection/ftp_sessions.h"

#include <algorithm>
#include <cstring>

namespace tunvs {
namespace {

using Note = ConnectionNotes::Note;
constexpr size_t kShiftWords = sizeof(SequenceShift) / sizeof(uint32_t);

}  // namespace

Note FtpSessions::noteOf(Family family, uint32_t reply, const Control& control) {
  Note note{ConnectionNotes::Kind::ftpControl, family, reply, {}};
  std::memcpy(note.words.data(), &control.shift, sizeof control.shift);
  std::ranges::copy(control.lines.words(), note.words.begin() + kShiftWords);
  return note;
}

bool FtpSessions::restore(const Note& note, uint32_t number) {
  const std::scoped_lock guard(mutex_);
  const uint64_t name = nameAmongAll(note.family, note.reply);
  if (note.kind == ConnectionNotes::Kind::ftpData) {
    const auto session = sessions_.find(nameAmongAll(note.family, note.words[0]));
    if (session == sessions_.end() || session->first == name) return false;
    return controls_.try_emplace(name, Data{session->first, number}).second && session->second.data.insert(name).second;
  }
  Control control;
  std::memcpy(&control.shift, note.words.data(), sizeof control.shift);
  if (!control.shift.isSound()) return false;
  control.lines = LineStarts::of(std::span(note.words).subspan<kShiftWords>());
  return sessions_.try_emplace(name, Session{control, {}, number}).second;
}

void FtpSessions::begin(Family family, uint32_t control) {
  const std::scoped_lock guard(mutex_);
  const auto [session, isNew] = sessions_.try_emplace(nameAmongAll(family, control));
  if (isNew) session->second.note = notes_.add(noteOf(family, control, {}));
}

void FtpSessions::addData(Family family, uint32_t control, uint32_t data) {
  const std::scoped_lock guard(mutex_);
  const auto session = sessions_.find(nameAmongAll(family, control));
  if (session == sessions_.end()) return;
  const uint64_t name = nameAmongAll(family, data);
  const auto [added, isNew] = controls_.try_emplace(name, Data{session->first, 0});
  if (!isNew) return;
  session->second.data.insert(name);
  added->second.note = notes_.add({ConnectionNotes::Kind::ftpData, family, data, {control}});
}

uint32_t FtpSessions::controlOf(Family family, uint32_t data) const {
  const std::scoped_lock guard(mutex_);
  const auto found = controls_.find(nameAmongAll(family, data));
  return found == controls_.end() ? 0 : static_cast<uint32_t>(found->second.control);
}

bool FtpSessions::hasData(Family family, uint32_t control) const {
  const std::scoped_lock guard(mutex_);
  const auto found = sessions_.find(nameAmongAll(family, control));
  return found != sessions_.end() && !found->second.data.empty();
}

bool FtpSessions::knows(Family family, uint32_t reply) const {
  const std::scoped_lock guard(mutex_);
  const uint64_t name = nameAmongAll(family, reply);
  return sessions_.contains(name) || controls_.contains(name);
}

void FtpSessions::forget(Family family, uint32_t reply) {
  const std::scoped_lock guard(mutex_);
  const uint64_t name = nameAmongAll(family, reply);
  if (const auto data = controls_.find(name); data != controls_.end()) {
    if (const auto session = sessions_.find(data->second.control); session != sessions_.end())
      session->second.data.erase(name);
    notes_.erase(data->second.note);
    controls_.erase(data);
  }
  const auto session = sessions_.find(name);
  if (session == sessions_.end()) return;
  // Its data connections go on alone.
  for (const uint64_t data : session->second.data) {
    const auto found = controls_.find(data);
    notes_.erase(found->second.note);
    controls_.erase(found);
  }
  notes_.erase(session->second.note);
  sessions_.erase(session);
}

size_t FtpSessions::count() const {
  const std::scoped_lock guard(mutex_);
  return sessions_.size() + controls_.size();
}

}  // namespace tunvs
