// Has an epoll instance report a descriptor under a number.
//
// Thread safety: pure system calls.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

namespace tunvs {

inline constexpr uint32_t kWakeUp = 0;  // the number of a loop's own descriptor; nothing else has it

inline bool watch(int poll, int descriptor, uint32_t number, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = number;
  return ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace tunvs
