#include "director/connection/ftp_sessions.h"

namespace tunvs {

void FtpSessions::begin(Family family, uint32_t control) {
  const std::scoped_lock guard(mutex_);
  sessions_.try_emplace(nameAmongAll(family, control));
}

void FtpSessions::addData(Family family, uint32_t control, uint32_t data) {
  const std::scoped_lock guard(mutex_);
  const auto session = sessions_.find(nameAmongAll(family, control));
  if (session == sessions_.end()) return;
  const uint64_t name = nameAmongAll(family, data);
  if (controls_.emplace(name, session->first).second) session->second.data.insert(name);
}

uint32_t FtpSessions::controlOf(Family family, uint32_t data) const {
  const std::scoped_lock guard(mutex_);
  const auto found = controls_.find(nameAmongAll(family, data));
  return found == controls_.end() ? 0 : static_cast<uint32_t>(found->second);
}

bool FtpSessions::hasData(Family family, uint32_t control) const {
  const std::scoped_lock guard(mutex_);
  const auto found = sessions_.find(nameAmongAll(family, control));
  return found != sessions_.end() && !found->second.data.empty();
}

void FtpSessions::forget(Family family, uint32_t reply) {
  const std::scoped_lock guard(mutex_);
  const uint64_t name = nameAmongAll(family, reply);
  if (const auto data = controls_.find(name); data != controls_.end()) {
    if (const auto session = sessions_.find(data->second); session != sessions_.end()) session->second.data.erase(name);
    controls_.erase(data);
  }
  const auto session = sessions_.find(name);
  if (session == sessions_.end()) return;
  // Its data connections go on alone.
  for (const uint64_t data : session->second.data) controls_.erase(data);
  sessions_.erase(session);
}

size_t FtpSessions::count() const {
  const std::scoped_lock guard(mutex_);
  return sessions_.size() + controls_.size();
}

}  // namespace tunvs
