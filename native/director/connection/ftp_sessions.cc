#include "director/connection/ftp_sessions.h"

namespace tunvs {

void FtpSessions::begin(Family family, uint32_t control) {
  const std::scoped_lock guard(mutex_);
  sessions_.try_emplace(nameOf(family, control));
}

void FtpSessions::addData(Family family, uint32_t control, uint32_t data) {
  const std::scoped_lock guard(mutex_);
  const auto session = sessions_.find(nameOf(family, control));
  if (session == sessions_.end()) return;
  if (controls_.emplace(nameOf(family, data), session->first).second) session->second.data++;
}

uint32_t FtpSessions::controlOf(Family family, uint32_t data) const {
  const std::scoped_lock guard(mutex_);
  const auto found = controls_.find(nameOf(family, data));
  return found == controls_.end() ? 0 : static_cast<uint32_t>(found->second);
}

bool FtpSessions::hasData(Family family, uint32_t control) const {
  const std::scoped_lock guard(mutex_);
  const auto found = sessions_.find(nameOf(family, control));
  return found != sessions_.end() && found->second.data != 0;
}

void FtpSessions::forget(Family family, uint32_t reply) {
  const std::scoped_lock guard(mutex_);
  const uint64_t name = nameOf(family, reply);
  if (const auto data = controls_.find(name); data != controls_.end()) {
    if (const auto session = sessions_.find(data->second); session != sessions_.end()) session->second.data--;
    controls_.erase(data);
  }
  if (sessions_.erase(name) == 0) return;
  // Its data connections go on alone.
  std::erase_if(controls_, [&](const auto& each) { return each.second == name; });
}

size_t FtpSessions::count() const {
  const std::scoped_lock guard(mutex_);
  return sessions_.size() + controls_.size();
}

}  // namespace tunvs
