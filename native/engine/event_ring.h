// Events from the workers to whoever controls the engine. The ring is bounded, loses events when nobody listens, and
// never blocks for long.
//
// Thread safety: any thread may push(); one thread may drain().
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/spin_lock.h"

namespace tunvs {

enum class EventType : uint8_t {
  deviceLost,      // a worker can't read its queue any more and does not try again; value: the worker
  tableFull,       // connections gave way, or new ones were refused; value: both since the last such event
  packetsLost,     // packets could not be sent; value: how many since the last such event
  packetsTooLong,  // packets were longer than the device's buffers; value: how many since the last such event
  errorsUnread,    // ICMP errors about tunnel packets could not be read; value: how often since the last such event
  eventsLost,      // the ring was full; value: how many events were lost
};
inline constexpr size_t kEventTypes = 6;
// Returns the name that JavaScript sees.
std::string_view nameOf(EventType type);

struct Event {
  EventType type;
  uint64_t value;
  std::string message;
};

class EventRing {
 public:
  static constexpr size_t kCapacity = 256;

  // The pushing thread calls `onFirst` when the ring stops being empty. Set it before any push().
  void notify(std::function<void()> onFirst) { onFirst_ = std::move(onFirst); }
  void push(Event event);
  std::vector<Event> drain();

 private:
  SpinLock lock_;
  std::vector<Event> events_;
  uint64_t lost_ = 0;
  std::function<void()> onFirst_;
};

}  // namespace tunvs
