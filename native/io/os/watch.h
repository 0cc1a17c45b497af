// Has an epoll instance report descriptors under numbers, and serves what it reports.
//
// Thread safety: pure system calls.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>

#include "io/os/loop_thread.h"
#include "io/os/unique_fd.h"

namespace tunvs {

inline constexpr uint32_t kWakeUp = 0;  // the number of a loop's own descriptor; nothing else has it

inline bool watch(int poll, int descriptor, uint32_t number, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = number;
  return ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

// Calls `serve` with the number of each descriptor that has news, until the loop is stopped; `changed` after those of
// one wait, if any of them returned true.
template <typename Serve, typename Changed>
void serveNews(const LoopThread& loop, int poll, const Serve& serve, const Changed& changed) {
  std::array<epoll_event, 64> events;
  while (!loop.isStopping()) {
    const int count =
        retryOnInterrupt([&] { return ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1); });
    bool isNews = false;
    for (int i = 0; i < count; i++) {
      const uint32_t number = events[static_cast<size_t>(i)].data.u32;
      if (number != kWakeUp && serve(number)) isNews = true;
    }
    if (isNews) changed();
  }
}

}  // namespace tunvs
