#include "engine/event_ring.h"

#include <utility>

namespace tunvs {

std::string_view nameOf(EventType type) {
  switch (type) {
    case EventType::deviceLost: return "deviceLost";
    case EventType::tableFull: return "tableFull";
    case EventType::packetsLost: return "packetsLost";
    case EventType::packetsTooLong: return "packetsTooLong";
    case EventType::errorsUnread: return "errorsUnread";
    case EventType::eventsLost: return "eventsLost";
  }
  return "";
}

void EventRing::push(Event event) {
  bool isFirst;
  {
    SpinGuard guard(lock_);
    isFirst = events_.empty();
    if (events_.size() < kCapacity) {
      events_.push_back(std::move(event));
    } else {
      lost_++;
    }
  }
  if (isFirst && onFirst_) onFirst_();
}

std::vector<Event> EventRing::drain() {
  std::vector<Event> taken;
  SpinGuard guard(lock_);
  taken.swap(events_);
  if (lost_ > 0)
    taken.push_back({EventType::eventsLost, std::exchange(lost_, 0), "events came faster than they were read"});
  return taken;
}

}  // namespace tunvs
